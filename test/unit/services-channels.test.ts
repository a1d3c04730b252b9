import { describe, expect, it } from 'vitest';
import type { Segment, SessionRecord } from '../../src/database/session-records.ts';
import { synthesiseToneSpeech, type ToneSpeechPart } from '../../src/recognition/scripted/tone-speech.ts';
import type { SessionRequest } from '../../src/services/session-request.ts';
import { interleave } from '../support/recognition.ts';
import { useServices, type TestServices } from '../support/services.ts';
import { until } from '../support/wait.ts';

const RATE = 16_000;
/** 100 ms. */
const CHUNK_BYTES = RATE * 0.1 * 4;
const request: SessionRequest = {
  externalId: null,
  title: null,
  language: 'en',
  audioFormat: { encoding: 'PCM_S16LE', sampleRate: RATE, channels: 2 },
  speakers: ['Ann', null],
  metadata: null,
};

const silence = (silenceMs: number): ToneSpeechPart => ({ silenceMs });
/** The one talks for long while the other one says something short: the short one is certain first. */
const LEFT = [silence(200), 'alpha', 'bravo', 'charlie', 'delta', 'echo', 'foxtrot', silence(900), 'golf'] as const;
const RIGHT = [silence(500), 'hotel', silence(1_800), 'india', 'juliett', silence(700)] as const;
const SPOKEN = ['1 hotel', '0 alpha bravo charlie delta echo foxtrot', '0 golf', '1 india juliett'];

function chunks(left: readonly ToneSpeechPart[] = LEFT, right: readonly ToneSpeechPart[] = RIGHT): Uint8Array[] {
  const bytes = interleave(synthesiseToneSpeech(left, RATE), synthesiseToneSpeech(right, RATE));
  return Array.from({ length: Math.ceil(bytes.length / CHUNK_BYTES) }, (_, index) =>
    bytes.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES),
  );
}

async function send({ audio }: TestServices, id: string, all: readonly Uint8Array[], first = 0): Promise<void> {
  await Promise.all(all.map((chunk, index) => audio.send(id, first + index, chunk)));
}

function finalsOf({ reader }: TestServices, sessionId: string): Promise<Segment[]> {
  return reader.finalsOf({ sessionId, afterSequence: 0, beforeSequence: Infinity, limit: 100, fromEnd: false });
}

const said = (segments: readonly Segment[]) => segments.map(({ channel, text }) => `${channel} ${text}`);
const withoutNames = (segments: readonly Segment[]) =>
  segments.map(({ createdAt: _, sessionId, id, ...rest }) => ({ ...rest, place: id.slice(sessionId.length) }));

function expectToAddUp({ coverage: { receivedMs, ...classes } }: SessionRecord): void {
  expect(Object.values(classes).reduce((sum, ms) => sum + ms, 0)).toBe(receivedMs);
  expect(Math.min(...Object.values(classes))).toBeGreaterThanOrEqual(0);
}

describe('a session of two channels', () => {
  const services = useServices();

  it('has the words of each, in the order in which they were certain, under the name of who speaks there', async () => {
    const { sessions, reader } = services();
    const { id } = await sessions.start(request);
    await send(services(), id, chunks());
    const ended = await sessions.end(id, null);
    const finals = await finalsOf(services(), id);
    expect(said(finals)).toEqual(SPOKEN);
    expect(finals.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
    expect(finals.map(({ speaker }) => speaker)).toEqual([null, 'Ann', 'Ann', null]);
    for (const { id: segmentId, channel, startMs } of finals) {
      expect(segmentId).toMatch(new RegExp(`^${id}\\.${channel}\\.\\d+$`, 'u'));
      expect(Math.floor(Number(segmentId.split('.').at(-1)) / 16)).toBe(startMs);
      expect(await reader.segment(segmentId)).toEqual(finals.find((final) => final.id === segmentId));
    }
    expectToAddUp(ended);
    expect(await reader.session(id)).toMatchObject({ speakers: ['Ann', null] });
  });

  it('is as long as from the first word on any channel to the last, and counts what both say at once twice', async () => {
    const { sessions } = services();
    const { id } = await sessions.start(request);
    await send(services(), id, chunks());
    const { statistics, coverage } = await sessions.end(id, null);
    const finals = await finalsOf(services(), id);
    const lengths = finals.map(({ startMs, endMs }) => endMs - startMs);
    const speakingMs = lengths.reduce((sum, length) => sum + length, 0);
    const startMs = Math.min(...finals.map((final) => final.startMs));
    // The first one that was certain began later.
    expect(finals[0]?.startMs).toBeGreaterThan(startMs);
    expect(statistics).toMatchObject({
      totalSegments: 4,
      wordCount: 10,
      totalDuration: (Math.max(...finals.map(({ endMs }) => endMs)) - startMs) / 1_000,
      speakingDuration: speakingMs / 1_000,
    });
    expect(coverage.transcribedMs).toBeLessThan(speakingMs);
  });

  it('has pending what one channel is still saying, and adds up at every moment', async () => {
    const { sessions, reader } = services();
    const { id } = await sessions.start(request);
    const updates = await sessions.updates(id);
    const observed: SessionRecord[] = [];
    const observing = (async () => {
      for await (const update of updates) observed.push(update);
    })();
    const all = chunks(['alpha', silence(1_000)], [...Array<ToneSpeechPart>(30).fill('bravo'), silence(700)]);
    await send(services(), id, all.slice(0, 15));
    await until(async () => (await finalsOf(services(), id)).length === 1);
    const during = await reader.session(id);
    expect(during?.coverage).toMatchObject({ transcribedMs: 0, pendingMs: 1_500 });
    await send(services(), id, all.slice(15), 15);
    observed.push(await sessions.end(id, null));
    await observing;
    for (const session of observed) expectToAddUp(session);
    expect(observed.at(-1)?.coverage.pendingMs).toBe(0);
  });

  it('gives the finals of one while the other one is silent', async () => {
    const { id } = await services().sessions.start(request);
    await send(services(), id, chunks([silence(300)], ['alpha', silence(900)]));
    await until(async () => (await finalsOf(services(), id)).length === 1);
    expect(said(await finalsOf(services(), id))).toEqual(['1 alpha']);
  });

  it('shows and stores one draft for each channel at most', async () => {
    const { sessions, reader } = services();
    const { id } = await sessions.start(request);
    const words = Array<ToneSpeechPart>(8).fill('alpha');
    const other = Array<ToneSpeechPart>(8).fill('bravo');
    await send(services(), id, chunks([silence(1_500), ...words], ['zulu', silence(1_300), ...other]));
    const drafts = await until(async () => {
      const shown = await reader.interims(id);
      return shown.length === 2 && shown;
    });
    expect(new Set(drafts.map(({ channel }) => channel))).toEqual(new Set([0, 1]));
    expect(drafts.find(({ channel }) => channel === 0)).toMatchObject({ speaker: 'Ann', sequence: null });
    await services().restart();
    const stored = await services().database.store.interimsOf(id);
    expect(stored.map(({ channel, speaker }) => [channel, speaker])).toEqual([
      [0, 'Ann'],
      [1, null],
    ]);
    await services().sessions.end(id, null);
    expect(await services().reader.interims(id)).toEqual([]);
    expect(await services().database.store.interimsOf(id)).toEqual([]);
  });

  it('is found again by its externalId, under the names that it was first given', async () => {
    const named = { ...request, externalId: 'call' };
    const { id } = await services().sessions.start(named);
    await services().restart();
    const found = await services().sessions.start({ ...named, speakers: ['Zoe', 'Yan'] });
    expect(found).toMatchObject({ id, speakers: ['Ann', null] });
    const mono = { ...named, speakers: [], audioFormat: { ...named.audioFormat, channels: 1 } };
    await expect(services().sessions.start(mono)).rejects.toMatchObject({ code: 'SESSION_CONFLICT' });
  });

  it('says of each channel that it has speech without words', async () => {
    const { sessions, reader, warnings } = services();
    const { id } = await sessions.start(request);
    const mumble = [...Array<ToneSpeechPart>(35 * 5).fill('mumble'), silence(800)];
    const words = Array.from({ length: 5 }, (): ToneSpeechPart[] => ['alpha', silence(6_900)]).flat();
    await send(services(), id, chunks(words, mumble));
    const warned = await until(async () => {
      const record = await reader.session(id);
      const found = record === null ? [] : warnings.of(record);
      return found.length > 0 && found;
    });
    expect(warned).toMatchObject([{ code: 'NO_TEXT', channel: 1 }]);
    expect(warned[0]?.message).toContain('on channel 1');
  });
});

describe('an interrupted session of two channels', () => {
  const services = useServices();

  async function undisturbed() {
    const { id } = await services().sessions.start(request);
    await send(services(), id, chunks());
    const { coverage, statistics } = await services().sessions.end(id, null);
    return { finals: withoutNames(await finalsOf(services(), id)), coverage, statistics };
  }

  it('goes on after restarts as if nothing had happened', async () => {
    const expected = await undisturbed();
    const all = chunks();
    const { id } = await services().sessions.start(request);
    for (const [from, to] of [
      [0, 8],
      [8, 17],
      [17, 24],
    ] as const) {
      await send(services(), id, all.slice(from, to), from);
      const shownBefore = await finalsOf(services(), id);
      await services().restart();
      expect((await finalsOf(services(), id)).slice(0, shownBefore.length)).toEqual(shownBefore);
    }
    await send(services(), id, all.slice(24), 24);
    const { coverage, statistics } = await services().sessions.end(id, all.length);
    expect({ finals: withoutNames(await finalsOf(services(), id)), coverage, statistics }).toEqual(expected);
  });

  it('loses no word when its recogniser dies', async () => {
    const expected = await undisturbed();
    const all = chunks();
    const { id } = await services().sessions.start(request);
    for (const [sequence, chunk] of all.entries()) {
      await services().audio.send(id, sequence, chunk);
      if (sequence % 6 === 5) services().recogniser.fail('outside');
    }
    const { coverage, statistics } = await services().sessions.end(id, all.length);
    expect({ finals: withoutNames(await finalsOf(services(), id)), coverage, statistics }).toEqual(expected);
  });

  it('loses what the recogniser fails on each time on one channel only', async () => {
    services().recogniser.poison = 'india';
    const { id } = await services().sessions.start(request);
    await send(services(), id, chunks());
    const ended = await services().sessions.end(id, null);
    expect(said(await finalsOf(services(), id))).toEqual(SPOKEN.filter((text) => !text.includes('india')));
    // What the other channel says meanwhile is transcribed, and does not make that good.
    expect(ended.coverage.failedMs).toBeGreaterThan(400);
    expectToAddUp(ended);
  });
});
