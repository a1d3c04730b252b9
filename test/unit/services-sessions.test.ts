import { describe, expect, it } from 'vitest';
import type { Coverage, Segment } from '../../src/database/session-records.ts';
import { synthesiseToneSpeech, type ToneSpeechPart } from '../../src/recognition/scripted/tone-speech.ts';
import type { SessionRequest } from '../../src/services/session-request.ts';
import { bytesOf } from '../support/recognition.ts';
import { useServices, type TestServices } from '../support/services.ts';
import { until } from '../support/wait.ts';

const RATE = 16_000;
const request: SessionRequest = {
  externalId: null,
  title: 'Standup',
  language: 'en',
  audioFormat: { encoding: 'PCM_S16LE', sampleRate: RATE, channels: 1 },
  speakers: [],
  metadata: { room: 7 },
};
const pause: ToneSpeechPart = { silenceMs: 800 };
const SENTENCES: ToneSpeechPart[] = ['alpha', 'bravo', pause, 'charlie', 'delta', 'echo', pause, 'foxtrot', pause];

function speech(script: readonly ToneSpeechPart[] = SENTENCES): Uint8Array {
  return bytesOf(synthesiseToneSpeech(script, RATE));
}

/** 100 ms each. */
function chunksOf(bytes: Uint8Array, size = RATE / 5): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
}

async function send(services: TestServices, id: string, chunks: readonly Uint8Array[], first = 0): Promise<void> {
  await Promise.all(chunks.map((chunk, i) => services.audio.send(id, first + i, chunk)));
}

async function finalsOf(services: TestServices, id: string): Promise<Segment[]> {
  return services.reader.finalsOf({
    sessionId: id,
    afterSequence: 0,
    beforeSequence: Infinity,
    limit: 100,
    fromEnd: false,
  });
}

const textsOf = async (services: TestServices, id: string) => (await finalsOf(services, id)).map(({ text }) => text);

function expectToAddUp({ coverage }: { coverage: Coverage }): void {
  const { receivedMs, ...classes } = coverage;
  expect(Object.values(classes).reduce((sum, ms) => sum + ms, 0)).toBe(receivedMs);
}

describe('a session', () => {
  const services = useServices();

  it('turns what was sent into finals, kept with their statistics when it ends', async () => {
    const { sessions, reader } = services();
    const { id } = await sessions.start(request);
    await send(services(), id, chunksOf(speech()));
    const ended = await sessions.end(id, null);

    expect(ended).toMatchObject({ status: 'COMPLETED', endReason: 'CLIENT', title: 'Standup', metadata: { room: 7 } });
    const finals = await finalsOf(services(), id);
    expect(finals.map(({ text, sequence }) => [sequence, text])).toEqual([
      [1, 'alpha bravo'],
      [2, 'charlie delta echo'],
      [3, 'foxtrot'],
    ]);
    expect(ended.statistics).toMatchObject({ totalSegments: 3, wordCount: 6 });
    expect(ended.statistics.totalDuration).toBeCloseTo(
      ((finals.at(-1)?.endMs ?? 0) - (finals[0]?.startMs ?? 0)) / 1000,
      6,
    );
    expectToAddUp(ended);
    expect(ended.coverage).toMatchObject({ pendingMs: 0, receivedMs: speech().length / 32 });
    expect(await reader.interims(id)).toEqual([]);
  });

  it('may be of a regional variety of a language that the recogniser knows', async () => {
    const { sessions } = services();
    const { id } = await sessions.start({ ...request, language: 'en-GB' });
    await send(services(), id, chunksOf(speech()));
    expect(await sessions.end(id, null)).toMatchObject({ status: 'COMPLETED', language: 'en-GB' });
    expect(await textsOf(services(), id)).toEqual(['alpha bravo', 'charlie delta echo', 'foxtrot']);
  });

  it('acknowledges a chunk sent twice as a duplicate, and stores it once', async () => {
    const { sessions, audio } = services();
    const { id } = await sessions.start(request);
    const chunk = new Uint8Array(3_200);
    expect(await audio.send(id, 0, chunk)).toMatchObject({
      nextSequence: 1,
      receivedMs: 100,
      duplicate: false,
    });
    expect(await audio.send(id, 0, chunk)).toMatchObject({ nextSequence: 1, receivedMs: 100, duplicate: true });
    await expect(audio.send(id, 0, new Uint8Array(1_600))).rejects.toMatchObject({ code: 'AUDIO_CONFLICT' });
  });

  it('names the chunk that it expects when one is left out', async () => {
    const { sessions, audio } = services();
    const { id } = await sessions.start(request);
    await audio.send(id, 0, new Uint8Array(320));
    await expect(audio.send(id, 2, new Uint8Array(320))).rejects.toMatchObject({
      code: 'AUDIO_OUT_OF_ORDER',
      details: { expectedSequence: 1 },
    });
  });

  it.each([
    ['an empty chunk', new Uint8Array(0), 'AUDIO_MALFORMED'],
    ['half a sample', new Uint8Array(321), 'AUDIO_MALFORMED'],
    ['a chunk over the limit', new Uint8Array(1024 * 1024 + 2), 'AUDIO_TOO_LARGE'],
  ])('refuses %s and goes on unharmed', async (_name, bytes, code) => {
    const { sessions, audio } = services();
    const { id } = await sessions.start(request);
    await expect(audio.send(id, 0, bytes)).rejects.toMatchObject({ code });
    expect(await audio.send(id, 0, new Uint8Array(320))).toMatchObject({ nextSequence: 1 });
  });

  it('shows a declared loss as a gap: the timeline goes on, the utterance ends', async () => {
    const { sessions, audio } = services();
    const { id } = await sessions.start(request);
    await audio.send(id, 0, speech(['alpha']));
    expect(await audio.skip(id, 1, 2_500)).toMatchObject({ nextSequence: 2 });
    await audio.send(id, 2, speech(['bravo', pause]));
    const ended = await sessions.end(id, 3);

    const [first, second] = await finalsOf(services(), id);
    expect([first?.text, second?.text]).toEqual(['alpha', 'bravo']);
    expect(second?.startMs).toBeGreaterThanOrEqual((first?.endMs ?? 0) + 2_500);
    expect(ended.coverage.gapMs).toBe(2_500);
    expectToAddUp(ended);
  });

  it('is not ended while chunks are missing, and ended once however often it is asked', async () => {
    const { sessions, audio } = services();
    const { id } = await sessions.start(request);
    await audio.send(id, 0, new Uint8Array(320));
    await expect(sessions.end(id, 3)).rejects.toMatchObject({
      code: 'AUDIO_OUT_OF_ORDER',
      details: { expectedSequence: 1 },
    });
    const [once, again] = await Promise.all([sessions.end(id, 1), sessions.end(id, 1)]);
    expect(again).toEqual(once);
    expect(await sessions.end(id, null)).toEqual(once);
    await expect(audio.send(id, 1, new Uint8Array(320))).rejects.toMatchObject({ code: 'SESSION_NOT_ACTIVE' });
  });

  it('takes no chunk that comes after its end was asked for, not even in the same moment', async () => {
    const { sessions, audio } = services();
    const { id } = await sessions.start(request);
    await audio.send(id, 0, speech(['alpha', pause]));
    const [ended, late] = await Promise.allSettled([
      sessions.end(id, null),
      new Promise((resolve) => setImmediate(resolve)).then(() => audio.send(id, 1, new Uint8Array(320))),
    ]);
    expect(ended).toMatchObject({ status: 'fulfilled', value: { status: 'COMPLETED', nextSequence: 1 } });
    expect(late).toMatchObject({ status: 'rejected', reason: { code: 'SESSION_NOT_ACTIVE' } });
  });

  it('is found again by its externalId while it is open and of the same format', async () => {
    const { sessions } = services();
    const named = { ...request, externalId: 'meeting-1' };
    const [first, second] = await Promise.all([sessions.start(named), sessions.start(named)]);
    expect(second.id).toBe(first.id);
    const otherFormat = { ...named, audioFormat: { ...named.audioFormat, sampleRate: 8_000 } };
    await expect(sessions.start(otherFormat)).rejects.toMatchObject({ code: 'SESSION_CONFLICT' });
    await sessions.end(first.id, null);
    await expect(sessions.start(named)).rejects.toMatchObject({ code: 'SESSION_CONFLICT' });
  });

  it.each([
    ['an unsupported language', { language: 'tlh' }],
    ['an absurd sample rate', { audioFormat: { ...request.audioFormat, sampleRate: 1e9 } }],
    ['a title of a megabyte', { title: 'x'.repeat(2 ** 20) }],
  ])('is refused with %s', async (_name, changes) => {
    await expect(services().sessions.start({ ...request, ...changes })).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
    });
  });

  it('lets nobody who was shown a final ask and be told that it is not there', async () => {
    const { sessions, reader, database } = services();
    const { id } = await sessions.start(request);
    const shown = await sessions.segments(id, 0);
    await send(services(), id, chunksOf(speech()));
    const seen: Segment[] = [];
    for await (const segment of shown) {
      if (segment.kind === 'INTERIM') continue;
      seen.push(segment);
      // It may know more than was shown, never less.
      expect((await finalsOf(services(), id)).slice(0, seen.length)).toEqual(seen);
      expect((await reader.session(id))?.statistics.totalSegments).toBeGreaterThanOrEqual(seen.length);
      expect(await reader.segment(segment.id)).toEqual(segment);
      if (seen.length === 3) break;
    }
    // All of this was true before the database had any of it.
    expect(await database.store.findSession(id)).toMatchObject({ statistics: { totalSegments: 0 } });
  });

  it('tells subscribers how it stands, and completes them when it is over', async () => {
    const { sessions } = services();
    const { id } = await sessions.start(request);
    const updates = await sessions.updates(id);
    expect((await updates.next()).value).toMatchObject({ status: 'ACTIVE' });
    await send(services(), id, chunksOf(speech()));
    void sessions.end(id, null);
    const statuses: string[] = [];
    for await (const update of updates) statuses.push(update.status);
    expect(statuses.at(-1)).toBe('COMPLETED');
  });
});

describe('an interrupted session', () => {
  const services = useServices();

  /** What the same audio gives when nothing happens. */
  async function undisturbed(bytes: Uint8Array) {
    const { id } = await services().sessions.start(request);
    await send(services(), id, chunksOf(bytes));
    await services().sessions.end(id, null);
    return (await finalsOf(services(), id)).map(({ createdAt: _, sessionId: __, id: segmentId, ...rest }) => ({
      ...rest,
      place: segmentId.slice(id.length),
    }));
  }

  const withoutNames = (segments: readonly Segment[]) =>
    segments.map(({ createdAt: _, sessionId, id, ...rest }) => ({ ...rest, place: id.slice(sessionId.length) }));

  it('goes on after a restart as if nothing had happened', async () => {
    const bytes = speech([...SENTENCES, 'golf', 'hotel', pause, 'india', pause]);
    const expected = await undisturbed(bytes);
    const chunks = chunksOf(bytes);
    const { id } = await services().sessions.start(request);
    for (const [from, to] of [
      [0, 9],
      [9, 22],
      [22, 31],
    ] as const) {
      await send(services(), id, chunks.slice(from, to), from);
      const shownBefore = await finalsOf(services(), id);
      await services().restart();
      expect((await finalsOf(services(), id)).slice(0, shownBefore.length)).toEqual(shownBefore);
      expect(await services().reader.session(id)).toMatchObject({ status: 'ACTIVE', nextSequence: to });
    }
    await send(services(), id, chunks.slice(31), 31);
    const ended = await services().sessions.end(id, chunks.length);
    expect(withoutNames(await finalsOf(services(), id))).toEqual(expected);
    expectToAddUp(ended);
  });

  it('loses no word when its recogniser dies', async () => {
    const bytes = speech();
    const expected = await undisturbed(bytes);
    const chunks = chunksOf(bytes);
    const { id } = await services().sessions.start(request);
    for (const [sequence, chunk] of chunks.entries()) {
      await services().audio.send(id, sequence, chunk);
      if (sequence % 6 === 5) services().recogniser.fail();
    }
    await services().sessions.end(id, chunks.length);
    expect(withoutNames(await finalsOf(services(), id))).toEqual(expected);
  });

  it('is completed at the next start when its end was all that was left', async () => {
    const { id } = await services().sessions.start(request);
    await send(services(), id, chunksOf(speech()));
    void services()
      .sessions.end(id, null)
      .catch(() => undefined);
    await until(async () => (await services().reader.session(id))?.status !== 'ACTIVE');
    await services().restart();
    await until(async () => (await services().reader.session(id))?.status === 'COMPLETED');
    expect(await textsOf(services(), id)).toEqual(['alpha bravo', 'charlie delta echo', 'foxtrot']);
  });

  it('is ended when nobody sends, and opens again with the next right chunk', async () => {
    await services().restart({ idleTimeoutMs: 100 });
    const { sessions, audio, reader } = services();
    const { id } = await sessions.start(request);
    const chunks = chunksOf(speech(['alpha', pause]));
    await send(services(), id, chunks);
    const idle = await until(async () => {
      const session = await reader.session(id);
      return session?.status === 'COMPLETED' && session;
    });
    expect(idle.endReason).toBe('IDLE_TIMEOUT');

    await expect(audio.send(id, chunks.length + 1, new Uint8Array(320))).rejects.toMatchObject({
      code: 'AUDIO_OUT_OF_ORDER',
      details: { expectedSequence: chunks.length },
    });
    const more = chunksOf(speech(['bravo', pause]));
    await send(services(), id, more, chunks.length);
    const ended = await sessions.end(id, null);
    expect(ended).toMatchObject({ status: 'COMPLETED', nextSequence: chunks.length + more.length });
    expect(await textsOf(services(), id)).toEqual(['alpha', 'bravo']);
    expectToAddUp(ended);
  });

  it('is ended at its maximum length', async () => {
    await services().restart({ maxDurationMs: 1_000 });
    const { id } = await services().sessions.start(request);
    await send(services(), id, chunksOf(speech(['alpha', pause])));
    const ended = await until(async () => {
      const session = await services().reader.session(id);
      return session?.status === 'COMPLETED' && session;
    });
    expect(ended.endReason).toBe('MAX_DURATION');
  });

  it('is refused audio while the disk is nearly full, and goes on when there is space again', async () => {
    const { id } = await services().sessions.start(request);
    await services().restart({ storageReserveBytes: Number.MAX_SAFE_INTEGER });
    await expect(services().audio.send(id, 0, new Uint8Array(320))).rejects.toMatchObject({
      code: 'STORAGE_FULL',
    });
    await services().restart({ storageReserveBytes: 0 });
    expect(await services().audio.send(id, 0, new Uint8Array(320))).toMatchObject({ nextSequence: 1 });
  });
});
