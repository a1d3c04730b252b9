import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Segment, SessionRecord } from '../../src/database/session-records.ts';
import { synthesiseToneSpeech, type ToneSpeechPart } from '../../src/recognition/scripted/tone-speech.ts';
import type { SessionRequest } from '../../src/services/session-request.ts';
import { lockDatabase } from '../support/database-lock.ts';
import { bytesOf } from '../support/recognition.ts';
import { useServices, type TestServices } from '../support/services.ts';
import { until } from '../support/wait.ts';

const RATE = 16_000;
/** 100 ms. */
const CHUNK_BYTES = RATE / 5;
const pause: ToneSpeechPart = { silenceMs: 800 };
const SCRIPT: ToneSpeechPart[] = ['alpha', pause, 'bravo', 'charlie', pause, 'delta', pause, 'echo', pause];
const LAST_WORDS: ToneSpeechPart[] = ['foxtrot', pause];

function chunksOf(script: readonly ToneSpeechPart[]): Uint8Array[] {
  const bytes = bytesOf(synthesiseToneSpeech(script, RATE));
  return Array.from({ length: Math.ceil(bytes.length / CHUNK_BYTES) }, (_, i) =>
    bytes.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES),
  );
}

function request(externalId: string): SessionRequest {
  const audioFormat = { encoding: 'PCM_S16LE', sampleRate: RATE, channels: 1 } as const;
  return { externalId, title: null, language: 'en', audioFormat, speakers: [], metadata: null };
}

async function finalsOf({ reader }: TestServices, sessionId: string): Promise<Segment[]> {
  return reader.finalsOf({ sessionId, afterSequence: 0, beforeSequence: Infinity, limit: 100, fromEnd: false });
}

/** What must not change through any damage to the journal: everything but when a final was made. */
function account(finals: readonly Segment[]) {
  return finals.map(({ createdAt: _, ...rest }) => rest);
}

function expectAccounted({ coverage }: SessionRecord): void {
  const { receivedMs, ...classes } = coverage;
  expect(Object.values(classes).reduce((sum, ms) => sum + ms, 0)).toBe(receivedMs);
}

async function flipByte(file: string, position: number): Promise<void> {
  const bytes = await readFile(file);
  bytes.writeUInt8(bytes.readUInt8(position) ^ 0xff, position);
  await writeFile(file, bytes);
}

describe('a journal that lost entries', () => {
  // Every final is committed at once, so that the database is ahead of what is left of the journal.
  const services = useServices({ batchSize: 1 });

  /** Streams the script, stops, damages the journal, starts again and sends the rest. */
  async function through(damage: (journal: string) => Promise<void>) {
    const chunks = chunksOf(SCRIPT);
    const { id } = await services().sessions.start(request('meeting'));
    for (const [i, chunk] of chunks.entries()) await services().audio.send(id, i, chunk);
    await until(async () => (await finalsOf(services(), id)).length === 4);
    await services().restart();
    const before = await finalsOf(services(), id);
    await services().stop(5_000);
    await damage(path.join(services().directory, 'sessions', id, 'journal.log'));

    await services().restart();
    expect(await services().reader.session(id)).toMatchObject({ status: 'ACTIVE', nextSequence: chunks.length });
    const resumed = await services().sessions.segments(id, 4);
    const more = chunksOf(LAST_WORDS);
    for (const [i, chunk] of more.entries()) await services().audio.send(id, chunks.length + i, chunk);
    const ended = await services().sessions.end(id, chunks.length + more.length);
    const after = await finalsOf(services(), id);
    const live: Segment[] = [];
    for await (const segment of resumed) if (segment.kind === 'FINAL') live.push(segment);
    return { id, before, after, ended, live };
  }

  for (const [what, damage] of Object.entries({
    'in its middle': async (journal: string) => flipByte(journal, (await readFile(journal)).indexOf('"text":"bravo')),
    'at its end': async (journal: string) => truncate(journal, (await readFile(journal)).indexOf('"text":"delta')),
    altogether: (journal: string) => rm(journal),
  })) {
    it(`${what} has them derived again from the audio: the same segments, each once`, async () => {
      const { before, after, ended, live } = await through(damage);
      expect(after.map(({ text }) => text)).toEqual(['alpha', 'bravo charlie', 'delta', 'echo', 'foxtrot']);
      expect(account(after.slice(0, 4))).toEqual(account(before));
      expect(after.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5]);
      // Who had seen four before gets the fifth, and no other a second time.
      expect(live.map(({ sequence }) => sequence)).toEqual([5]);
      expect(ended).toMatchObject({ status: 'COMPLETED', statistics: { totalSegments: 5, wordCount: 6 } });
      expect(ended.coverage).toMatchObject({ failedMs: 0, pendingMs: 0 });
      expectAccounted(ended);
    });
  }

  it('keeps the damaged file for whoever wants to look at it', async () => {
    const { id } = await through(async (journal) =>
      flipByte(journal, (await readFile(journal)).indexOf('"text":"bravo')),
    );
    const files = await readdir(path.join(services().directory, 'sessions', id));
    expect(files.toSorted()).toEqual(['audio.log', 'journal.log', expect.stringMatching(/^journal\.log\.damaged-/u)]);
  });
});

describe('an audio log that lost what was acknowledged', () => {
  const services = useServices({ batchSize: 1 });

  async function through(damage: (audioLog: string) => Promise<void>) {
    const chunks = chunksOf(SCRIPT);
    const { id } = await services().sessions.start(request('meeting'));
    for (const [i, chunk] of chunks.entries()) await services().audio.send(id, i, chunk);
    await until(async () => (await finalsOf(services(), id)).length === 4);
    const receivedMs = (await services().reader.session(id))?.coverage.receivedMs ?? 0;
    await services().restart();
    await services().stop(5_000);
    await damage(path.join(services().directory, 'sessions', id, 'audio.log'));

    await services().restart();
    const recovered = await services().reader.session(id);
    expect(recovered).toMatchObject({ status: 'ACTIVE', nextSequence: chunks.length });
    expect(recovered?.coverage.receivedMs).toBe(receivedMs);
    const more = chunksOf(LAST_WORDS);
    for (const [i, chunk] of more.entries()) await services().audio.send(id, chunks.length + i, chunk);
    const ended = await services().sessions.end(id, chunks.length + more.length);
    expect(ended).toMatchObject({ status: 'COMPLETED', coverage: { pendingMs: 0, gapMs: 0 } });
    expectAccounted(ended);
    return { ended, texts: (await finalsOf(services(), id)).map(({ text }) => text) };
  }

  it('at its end says so, asks for none of it again, and goes on behind it', async () => {
    const { ended, texts } = await through(async (log) =>
      truncate(log, (await readFile(log)).length - 4 * CHUNK_BYTES),
    );
    expect(texts).toEqual(['alpha', 'bravo charlie', 'delta', 'echo', 'foxtrot']);
    expect(ended.coverage.failedMs).toBeGreaterThan(0);
  });

  it('altogether keeps its transcript and its place on the timeline', async () => {
    const { ended, texts } = await through((log) => rm(log));
    expect(texts).toEqual(['alpha', 'bravo charlie', 'delta', 'echo', 'foxtrot']);
    expect(ended.coverage.failedMs).toBeGreaterThan(0);
  });

  it('with its end only is ended again at the next start', async () => {
    const chunks = chunksOf(SCRIPT);
    const { id } = await services().sessions.start(request('meeting'));
    for (const [i, chunk] of chunks.entries()) await services().audio.send(id, i, chunk);
    const { database, directory } = services();
    // The journal has its end, and the database does not know yet.
    const unlock = await lockDatabase(path.join(directory, 'verbatim.db'));
    const ending = services()
      .sessions.end(id, chunks.length)
      .catch(() => undefined);
    await until(async () => (await readFile(path.join(directory, 'sessions', id, 'journal.log'))).includes('"ended"'));
    await services().stop(100);
    await ending;
    unlock();
    await database.close();
    const log = path.join(directory, 'sessions', id, 'audio.log');
    await truncate(log, (await readFile(log)).indexOf('{"reason"') - 10);

    await services().restart();
    await until(async () => (await services().reader.session(id))?.status === 'COMPLETED');
    expect((await finalsOf(services(), id)).map(({ text }) => text)).toEqual([
      'alpha',
      'bravo charlie',
      'delta',
      'echo',
    ]);
  });
});
