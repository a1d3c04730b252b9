import { describe, expect, it } from 'vitest';
import type { SessionStatistics } from '../../src/database/session-records.ts';
import type { ToneSpeechPart } from '../../src/recognition/scripted/tone-speech.ts';
import { parseJournalEntry } from '../../src/services/journal-entry.ts';
import type { SessionRequest } from '../../src/services/session-request.ts';
import { speechChunks } from '../support/operations.ts';
import { useServices } from '../support/services.ts';
import { until } from '../support/wait.ts';
import { finalEntry } from './segment-writer-fixtures.ts';

const request: SessionRequest = {
  externalId: null,
  title: null,
  language: 'en',
  audioFormat: { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 1 },
  speakers: [],
  metadata: null,
};
const CHUNK_MS = 100;
/** How long a silence must be for the recogniser of these tests to end an utterance. */
const END_SILENCE_MS = 512;
const SILENCE: ToneSpeechPart = { silenceMs: 1_000 };

interface Spoken {
  readonly id: string;
  chunks: number;
}

describe('the final latency of a segment', () => {
  it('is not known of finals in journals of before it was measured', () => {
    const { latencyMs: _latencyMs, ...old } = finalEntry(1);
    expect(parseJournalEntry(old)).toEqual({ ...old, latencyMs: null });
  });
});

describe('the final latency of a session', () => {
  let nowMs = 0;
  const services = useServices({}, { now: () => nowMs });

  /** A chunk that comes when its last sample was spoken, and is heard before the time goes on. */
  async function speak(session: Spoken, ...parts: ToneSpeechPart[]): Promise<void> {
    for (const chunk of speechChunks(parts, CHUNK_MS)) {
      nowMs += CHUNK_MS;
      const sequence = session.chunks++;
      // Sent again, it is answered with how far the recogniser is.
      const send = () => services().audio.send(session.id, sequence, chunk);
      await until(async () => (await send()).backlogMs < CHUNK_MS, { what: 'the chunk heard' });
    }
  }

  async function start(): Promise<Spoken> {
    const { id } = await services().sessions.start(request);
    return { id, chunks: 0 };
  }

  async function statisticsOf({ id }: Spoken): Promise<SessionStatistics> {
    const session = await services().reader.session(id);
    if (session === null) throw new Error('the session is gone');
    return session.statistics;
  }

  it('is the silence that shows the end, where the recogniser takes no time', async () => {
    const session = await start();
    await speak(session, 'alpha', 'bravo', SILENCE, 'charlie', SILENCE);
    const { totalSegments, latencyCount, averageLatencyMs } = await statisticsOf(session);
    expect([totalSegments, latencyCount]).toEqual([2, 2]);
    expect(averageLatencyMs).toBeGreaterThan(END_SILENCE_MS - 3 * CHUNK_MS);
    expect(averageLatencyMs).toBeLessThanOrEqual(END_SILENCE_MS + CHUNK_MS);
  });

  it('is longer by what the recogniser was away', async () => {
    const session = await start();
    await speak(session, 'alpha', 'bravo', { silenceMs: 300 });
    services().recogniser.fail('outside');
    nowMs += 7_000;
    await speak(session, SILENCE);
    const { averageLatencyMs } = await statisticsOf(session);
    expect(averageLatencyMs).toBeGreaterThan(7_000);
    expect(averageLatencyMs).toBeLessThan(8_000);
  });

  it('is not known of a file that came faster than it was spoken', async () => {
    const session = await start();
    const chunks = speechChunks(['alpha', 'bravo', SILENCE, 'charlie', SILENCE], CHUNK_MS);
    await Promise.all(chunks.map((chunk, sequence) => services().audio.send(session.id, sequence, chunk)));
    const { statistics } = await services().sessions.end(session.id, null);
    expect(statistics).toMatchObject({ totalSegments: 2, averageLatencyMs: null, latencyCount: 0 });
  });

  it('is not known of what was said before a restart, is known of what is said after it, and survives the next', async () => {
    const session = await start();
    await speak(session, 'alpha', 'bravo', SILENCE, 'charlie', { silenceMs: 300 });
    const before = await statisticsOf(session);
    expect(before).toMatchObject({ totalSegments: 1, latencyCount: 1 });
    await services().restart();
    // What came before has been decided again; the arrival of "charlie" is forgotten.
    await speak(session, SILENCE);
    expect(await statisticsOf(session)).toMatchObject({ totalSegments: 2, latencyCount: 1 });
    await speak(session, 'delta', SILENCE);
    const after = await statisticsOf(session);
    expect(after).toMatchObject({ totalSegments: 3, latencyCount: 2 });

    await services().restart();
    expect(await statisticsOf(session)).toEqual(after);
    const ended = await services().sessions.end(session.id, null);
    expect(ended.statistics).toEqual(after);
    expect((await services().database.store.findSession(session.id))?.statistics).toEqual(after);
    const { totals } = await services().database.store.totals({}, 'UTC');
    expect(totals.averageLatencyMs).toBeCloseTo(after.averageLatencyMs ?? NaN, 9);
  });
});
