import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Journal } from '../../src/log/journal.ts';
import { StorageFullError } from '../../src/log/storage-errors.ts';
import { RecognitionSession } from '../../src/recognition/recognition-session.ts';
import { synthesiseToneSpeech, type ToneSpeechPart } from '../../src/recognition/scripted/tone-speech.ts';
import type { SessionRequest } from '../../src/services/session-request.ts';
import { lockDatabase } from '../support/database-lock.ts';
import { bytesOf } from '../support/recognition.ts';
import { useServices, type TestServices } from '../support/services.ts';
import { until } from '../support/wait.ts';

const RATE = 16_000;
const request: SessionRequest = {
  externalId: null,
  title: null,
  language: 'en',
  audioFormat: { encoding: 'PCM_S16LE', sampleRate: RATE, channels: 1 },
  speakers: [],
  metadata: null,
};

async function send(services: TestServices, id: string, sequence: number, script: readonly ToneSpeechPart[]) {
  await services.audio.send(id, sequence, bytesOf(synthesiseToneSpeech(script, RATE)));
}

async function warningsOf({ reader, warnings }: TestServices, id: string): Promise<string[]> {
  const record = await reader.session(id);
  if (record === null) throw new Error('no such session');
  return warnings.of(record).map(({ code }) => code);
}

describe('a session that heard speech and found no words', () => {
  const services = useServices();

  it('says so after 30 s of it, also after a restart, and no longer once there is text', async () => {
    const { id } = await services().sessions.start(request);
    const mumble = (seconds: number): ToneSpeechPart[] => [
      ...Array.from({ length: seconds * 5 }, () => 'mumble' as const),
      { silenceMs: 800 },
    ];
    let sequence = 0;
    for (; sequence < 2; sequence++) await send(services(), id, sequence, mumble(10));
    await until(async () => ((await services().reader.session(id))?.coverage.silenceMs ?? 0) > 20_000);
    expect(await warningsOf(services(), id)).toEqual([]);

    const updates = await services().sessions.updates(id);
    await updates.next();
    for (; sequence < 4; sequence++) await send(services(), id, sequence, mumble(10));
    await until(async () => (await warningsOf(services(), id)).includes('NO_TEXT'));
    await services().restart();
    expect(await warningsOf(services(), id)).toEqual(['NO_TEXT']);

    await send(services(), id, sequence, ['alpha', { silenceMs: 800 }]);
    await until(async () => (await warningsOf(services(), id)).length === 0);
  });
});

describe('a session in which something does not move', () => {
  let skippedMs = 0;
  const services = useServices({ batchSize: 1, batchIntervalMs: 100 }, { now: () => performance.now() + skippedMs });
  beforeEach(() => {
    skippedMs = 0;
  });
  afterEach(() => void vi.restoreAllMocks());

  it('says that its words cannot be stored while that lasts, loses nothing, and is well again by itself', async () => {
    const { id } = await services().sessions.start(request);
    const journal = vi.spyOn(Journal.prototype, 'append');
    journal.mockRejectedValue(new StorageFullError('journal.log', new Error('ENOSPC')));
    await send(services(), id, 0, ['alpha', { silenceMs: 800 }]);
    await until(() => journal.mock.calls.length > 0);
    expect(await warningsOf(services(), id)).toEqual([]);
    skippedMs += 10_000;
    expect(await warningsOf(services(), id)).toEqual(['JOURNAL_STALLED']);

    journal.mockRestore();
    await until(async () => (await warningsOf(services(), id)).length === 0);
    expect(await services().sessions.end(id, 1)).toMatchObject({ statistics: { totalSegments: 1 } });
  });

  it('says that the recogniser stands still, and that it moves again', async () => {
    const { id } = await services().sessions.start(request);
    vi.spyOn(RecognitionSession.prototype, 'writeAudio').mockImplementation(() => undefined);
    await send(services(), id, 0, ['alpha', { silenceMs: 8_000 }]);
    // Its stillness is known from the first look at it.
    await until(async () => {
      skippedMs += 31_000;
      return (await warningsOf(services(), id)).includes('RECOGNITION_STALLED');
    });
    const record = await services().reader.session(id);
    expect(record?.coverage).toMatchObject({ pendingMs: record?.coverage.receivedMs });

    vi.restoreAllMocks();
    services().recogniser.fail();
    await until(async () => (await warningsOf(services(), id)).length === 0);
    expect(await services().sessions.end(id, 1)).toMatchObject({ statistics: { totalSegments: 1 } });
  });

  it('says that the database takes nothing, and no longer once it does', async () => {
    const { id } = await services().sessions.start(request);
    const unlock = await lockDatabase(path.join(services().directory, 'verbatim.db'));
    await send(services(), id, 0, ['alpha', { silenceMs: 800 }]);
    await until(async () => (await warningsOf(services(), id)).includes('WRITER_STALLED'), { timeoutMs: 30_000 });
    unlock();
    await until(async () => (await warningsOf(services(), id)).length === 0, { timeoutMs: 60_000 });
    const [stored] = await services().database.store.finalsBySequence([
      { sessionId: id, afterSequence: 0, beforeSequence: Infinity, limit: 10, fromEnd: false },
    ]);
    expect(stored?.map(({ text }) => text)).toEqual(['alpha']);
  }, 120_000);
});
