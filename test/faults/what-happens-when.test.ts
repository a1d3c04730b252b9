import { execFile } from 'node:child_process';
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import BetterSqlite3 from 'better-sqlite3';
import { afterEach, describe, expect, it } from 'vitest';
import type { ToneSpeechPart } from '../../src/recognition/scripted/tone-speech.ts';
import { systemError, FaultyFileSystem } from '../support/faulty-file-system.ts';
import { codeOf, dataOf, GraphqlClient } from '../support/graphql-client.ts';
import {
  collectSegments,
  endSession,
  finalsOf,
  readSession,
  SEGMENT_ADDED,
  SEND,
  sendChunk,
  sendChunks,
  SKIP,
  speechChunks,
  START,
  startSession,
  textsOf,
  type Acknowledgement,
  type SegmentView,
} from '../support/operations.ts';
import { startTestServer, type TestServer, type TestServerOptions } from '../support/server.ts';
import { recogniserPids, startServerProcess } from '../support/server-process.ts';
import { useServices } from '../support/services.ts';
import { until as untilWithin } from '../support/wait.ts';
import { Network } from './harness/network.ts';

// One test for each row of the table of faults in docs/architecture.md, in its order.

const pause: ToneSpeechPart = { silenceMs: 700 };
const SCRIPT: ToneSpeechPart[] = ['alpha', 'bravo', pause, 'charlie', pause, 'delta', 'echo', pause, 'foxtrot', pause];
const TEXTS = ['alpha bravo', 'charlie', 'delta echo', 'foxtrot'];
const chunks = speechChunks(SCRIPT);
/** Ends within the second utterance. */
const HALF = 12;
const LIMIT_MS = 180_000;

/** Whole servers take their time to start on a busy machine. */
const until: typeof untilWithin = (condition, options) => untilWithin(condition, { timeoutMs: 30_000, ...options });

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (let last = undo.pop(); last !== undefined; last = undo.pop()) await last();
});

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'verbatim-when-'));
  undo.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function startServer(options: TestServerOptions = {}): Promise<TestServer> {
  const server = await startTestServer(options);
  undo.push(() => server.stop());
  return server;
}

function newClient(url: string): GraphqlClient {
  const client = new GraphqlClient(url);
  undo.push(() => client.dispose());
  return client;
}

/** Receives finals into `shown` until the subscription ends or breaks off. */
async function watch(client: GraphqlClient, sessionId: string, shown: SegmentView[]): Promise<void> {
  const after = shown.at(-1)?.cursor;
  const variables = { sessionId, ...(typeof after === 'string' ? { after } : { fromStart: true }) };
  try {
    for await (const { segmentAdded } of client.events<{ segmentAdded: SegmentView }>(SEGMENT_ADDED, variables)) {
      if (segmentAdded.kind === 'FINAL') shown.push(segmentAdded);
    }
  } catch {
    // Broken off: what was shown is what counts.
  }
}

/** The finals of a session from its beginning, once it is completed. */
async function completedFinals(client: GraphqlClient, sessionId: string): Promise<SegmentView[]> {
  await until(async () => (await readSession(client, sessionId)).status === 'COMPLETED');
  return finalsOf(await collectSegments(client, sessionId, { fromStart: true }));
}

/** Another program writes to the database. @returns ends that */
function lockDatabase(dataDirectory: string): () => void {
  const database = new BetterSqlite3(path.join(dataDirectory, 'verbatim.db'), { timeout: 10_000 });
  database.exec('BEGIN IMMEDIATE');
  const release = () => void database.close();
  undo.push(release);
  return release;
}

function storedFinals(dataDirectory: string): number {
  const database = new BetterSqlite3(path.join(dataDirectory, 'verbatim.db'), { readonly: true });
  const row = database
    .prepare<[], { count: number }>("SELECT COUNT(*) AS count FROM segments WHERE kind = 'final'")
    .get();
  database.close();
  return row?.count ?? 0;
}

async function onlyRecogniser(): Promise<number> {
  const pid = await until(async () => (await recogniserPids(process.pid))[0], { what: 'a recogniser process' });
  return pid;
}

describe('what happens when', { timeout: LIMIT_MS }, () => {
  it("client's network drops: it asks for nextSequence, sends the rest, and resumes after its cursor", async () => {
    const server = await startServer();
    const network = await Network.open();
    undo.push(() => network.close());
    network.target = server.url;

    const before = newClient(network.url);
    const sessionId = await startSession(before);
    const shown: SegmentView[] = [];
    const watching = watch(before, sessionId, shown);
    await sendChunks(before, sessionId, chunks.slice(0, HALF));
    await until(() => shown.length === 1, { what: 'the first final' });
    // The next chunk goes under in the middle of its message.
    network.cutAfter('up', 1_000);
    await expect(sendChunk(before, sessionId, HALF, chunks[HALF] ?? Buffer.alloc(0))).rejects.toBeDefined();
    network.cut();
    await watching;

    const after = newClient(network.url);
    // The first try may be made on a connection that is not known to be cut yet.
    const { nextSequence } = await until(() => readSession(after, sessionId).catch(() => null));
    expect(nextSequence).toBe(HALF);
    const resumed = watch(after, sessionId, shown);
    await sendChunks(after, sessionId, chunks.slice(nextSequence), nextSequence);
    await endSession(after, sessionId, chunks.length);
    await resumed;
    expect(textsOf(shown)).toEqual(TEXTS);
    expect(shown).toEqual(await completedFinals(server.client, sessionId));
  });

  it('chunk sent twice / out of order / two senders: the same answer, AUDIO_OUT_OF_ORDER, AUDIO_CONFLICT', async () => {
    const { client } = await startServer();
    const sessionId = await startSession(client);
    const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = chunks;
    const answer = dataOf(await sendChunk(client, sessionId, 0, first)).sendAudio;
    expect(answer).toMatchObject({ nextSequence: 1, duplicate: false });
    const again = dataOf(await sendChunk(client, sessionId, 0, first)).sendAudio;
    expect(again).toMatchObject({ nextSequence: 1, receivedMs: answer.receivedMs, duplicate: true });

    const early = await sendChunk(client, sessionId, 2, second);
    expect(codeOf(early)).toBe('AUDIO_OUT_OF_ORDER');
    expect(early.errors?.[0]?.extensions['expectedSequence']).toBe(1);

    // The other sender has the same recording, and then another one.
    const both = await Promise.all([
      sendChunk(client, sessionId, 1, second),
      client.request<{ sendAudio: Acknowledgement }>(SEND, {
        input: { sessionId, sequence: 1, audio: second.toString('base64') },
      }),
    ]);
    expect(both.filter((result) => dataOf(result).sendAudio.duplicate)).toHaveLength(1);
    expect(codeOf(await sendChunk(client, sessionId, 1, Buffer.alloc(second.length, 1)))).toBe('AUDIO_CONFLICT');

    await sendChunks(client, sessionId, chunks.slice(2), 2);
    await endSession(client, sessionId, chunks.length);
    expect(textsOf(await completedFinals(client, sessionId))).toEqual(TEXTS);
  });

  it("client's own buffer overflowed: it declares it, and timeline and coverage show the gap", async () => {
    const { client } = await startServer();
    const sessionId = await startSession(client);
    const first = speechChunks(['alpha', pause]);
    const rest = speechChunks(['bravo', pause]);
    const { receivedMs } = await sendChunks(client, sessionId, first);
    const input = { sessionId, sequence: first.length, durationMs: 5_000 };
    const { skipAudio } = await client.data<{ skipAudio: Acknowledgement }>(SKIP, { input });
    expect(skipAudio).toMatchObject({ nextSequence: first.length + 1, receivedMs: receivedMs + 5_000 });
    await sendChunks(client, sessionId, rest, first.length + 1);
    const { coverage } = await endSession(client, sessionId);
    expect(coverage).toMatchObject({ gapMs: 5_000, failedMs: 0, pendingMs: 0 });
    expect(coverage.transcribedMs + coverage.silenceMs + coverage.gapMs).toBe(coverage.receivedMs);
    const finals = await completedFinals(client, sessionId);
    expect(textsOf(finals)).toEqual(['alpha', 'bravo']);
    expect(finals[1]?.startMs).toBeGreaterThanOrEqual(receivedMs + 5_000);
  });

  it('server killed (kill -9): the session is still active, and the transcript goes on', async () => {
    const dataDirectory = await newFolder();
    const killed = await startServerProcess(dataDirectory);
    undo.push(() => killed.kill());
    const before = newClient(killed.url);
    const sessionId = await startSession(before);
    const shown: SegmentView[] = [];
    const watching = watch(before, sessionId, shown);
    await sendChunks(before, sessionId, chunks.slice(0, HALF));
    await until(() => shown.length === 1, { what: 'the first final' });
    await killed.kill();
    await watching;

    const next = await startServerProcess(dataDirectory);
    undo.push(() => next.kill());
    const after = newClient(next.url);
    expect(await readSession(after, sessionId)).toMatchObject({ status: 'ACTIVE', nextSequence: HALF });
    const resumed = watch(after, sessionId, shown);
    await sendChunks(after, sessionId, chunks.slice(HALF), HALF);
    await endSession(after, sessionId, chunks.length);
    await resumed;
    expect(textsOf(shown)).toEqual(TEXTS);
    expect(shown).toEqual(await completedFinals(after, sessionId));
  });

  it('recogniser process dies or hangs: a pause, then the same segments', async () => {
    const { client } = await startServer();
    const sessionId = await startSession(client);
    const shown: SegmentView[] = [];
    const watching = watch(client, sessionId, shown);
    await sendChunks(client, sessionId, chunks.slice(0, HALF));
    await until(() => shown.length === 1, { what: 'the first final' });
    const dead = await onlyRecogniser();
    process.kill(dead, 'SIGKILL');
    await sendChunks(client, sessionId, chunks.slice(HALF, HALF + 10), HALF);
    await until(() => shown.length === 2, { what: 'a final of the process that replaces the dead one' });
    const hung = await onlyRecogniser();
    expect(hung).not.toBe(dead);
    process.kill(hung, 'SIGSTOP');
    await sendChunks(client, sessionId, chunks.slice(HALF + 10), HALF + 10);
    await until(() => shown.length === TEXTS.length, { timeoutMs: 60_000, what: 'the rest, after it was noticed' });
    expect(await onlyRecogniser()).not.toBe(hung);
    await endSession(client, sessionId, chunks.length);
    await watching;
    expect(textsOf(shown)).toEqual(TEXTS);
    expect(shown).toEqual(await completedFinals(client, sessionId));
  });

  it('database unreachable or locked: acknowledgements and captions go on, and commits wait', async () => {
    const { client, dataDirectory } = await startServer({ batchSize: 1 });
    const sessionId = await startSession(client);
    const release = lockDatabase(dataDirectory);
    const shown: SegmentView[] = [];
    const watching = watch(client, sessionId, shown);
    await sendChunks(client, sessionId, chunks);
    await until(() => shown.length === TEXTS.length, { what: 'the captions' });
    expect(storedFinals(dataDirectory)).toBe(0);
    expect(codeOf(await client.request(START, { input: {} }))).toBe('DATABASE_UNAVAILABLE');
    release();
    await until(() => storedFinals(dataDirectory) === TEXTS.length, { what: 'the rows' });
    await endSession(client, sessionId, chunks.length);
    await watching;
    expect(shown).toEqual(await completedFinals(client, sessionId));
  });

  it('disk full: STORAGE_FULL before the acknowledgement, the reserve for the rest, and it goes on by itself', async ({
    skip,
  }) => {
    if (process.env['CI'] !== 'true') skip(process.getuid?.() !== 0, 'only root may mount a file system');
    const disk = await newFolder();
    const run = promisify(execFile);
    await run('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'verbatim-test', disk]);
    undo.push(() => run('umount', ['--lazy', disk]));
    const reserve = 8 * 1024 * 1024;
    const { client } = await startServer({ dataDirectory: disk, storageReserveBytes: reserve });
    const [ending, waiting] = [await startSession(client), await startSession(client)];
    await sendChunks(client, ending, chunks);
    await sendChunks(client, waiting, chunks.slice(0, HALF));

    const filler = path.join(disk, 'filler');
    const { bavail, bsize } = await statfs(disk);
    await writeFile(filler, Buffer.alloc(bavail * bsize - reserve / 2));
    // What is sent before that is noticed is acknowledged, and kept.
    let next = HALF;
    await until(async () => {
      const result = await sendChunk(client, waiting, next, chunks[next] ?? Buffer.alloc(0));
      if (result.errors !== undefined) return codeOf(result) === 'STORAGE_FULL';
      next += next < chunks.length - 1 ? 1 : 0;
      await delay(100);
      return false;
    });
    const refusedAt = (await readSession(client, waiting)).nextSequence;
    expect(refusedAt).toBeLessThan(chunks.length);
    // The end of a session, its journal and its rows have the reserve.
    expect(await endSession(client, ending, chunks.length)).toMatchObject({ status: 'COMPLETED' });

    await rm(filler);
    await until(async () => {
      const { errors } = await sendChunk(client, waiting, refusedAt, chunks[refusedAt] ?? Buffer.alloc(0));
      return errors === undefined;
    });
    await sendChunks(client, waiting, chunks.slice(refusedAt), refusedAt);
    await endSession(client, waiting, chunks.length);
    for (const id of [ending, waiting]) expect(textsOf(await completedFinals(client, id))).toEqual(TEXTS);
  });

  describe('fsync fails (EIO)', () => {
    const fileSystem = new FaultyFileSystem();
    const services = useServices({}, { fileSystem });

    it('the chunk is not acknowledged, the file not trusted again, and the session goes on with a new one', async () => {
      const { sessions, audio, reader } = services();
      const audioFormat = { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 1 } as const;
      const { id } = await sessions.start({
        externalId: null,
        title: null,
        language: 'en',
        audioFormat,
        speakers: [],
        metadata: null,
      });
      for (const [sequence, chunk] of chunks.slice(0, HALF).entries()) await audio.send(id, sequence, chunk);
      fileSystem.syncError = systemError('EIO');
      const refused = chunks[HALF] ?? Buffer.alloc(0);
      await expect(audio.send(id, HALF, refused)).rejects.toMatchObject({ code: 'STORAGE_FULL' });
      expect((await reader.session(id))?.nextSequence).toBe(HALF);
      // The kernel tells of a failed sync once; the next one succeeds as if nothing had been.
      fileSystem.syncError = null;
      await until(
        () =>
          audio.send(id, HALF, refused).then(
            () => true,
            () => false,
          ),
        { what: 'the renewal of the log' },
      );
      for (const [index, chunk] of chunks.slice(HALF).entries()) await audio.send(id, HALF + index, chunk);
      const { status, coverage } = await sessions.end(id, chunks.length);
      expect({ status, coverage }).toMatchObject({ status: 'COMPLETED', coverage: { failedMs: 0, pendingMs: 0 } });
      const all = { sessionId: id, afterSequence: 0, beforeSequence: Infinity, limit: 100, fromEnd: false };
      expect((await reader.finalsOf(all)).map(({ text }) => text)).toEqual(TEXTS);
    });
  });

  it('slower than real time: the backlog grows in each answer, nothing is dropped, and new sessions are refused', async () => {
    const { client } = await startServer({ maxOpenSessions: 1 });
    const sessionId = await startSession(client);
    const recogniser = await onlyRecogniser();
    // It gets no processor at all for a while.
    process.kill(recogniser, 'SIGSTOP');
    const backlogs: number[] = [];
    for (const [sequence, chunk] of chunks.entries()) {
      backlogs.push(dataOf(await sendChunk(client, sessionId, sequence, chunk)).sendAudio.backlogMs);
    }
    expect(backlogs).toEqual(backlogs.toSorted((a, b) => a - b));
    expect(backlogs.at(-1)).toBe((await readSession(client, sessionId)).coverage.receivedMs);
    const refused = await client.request(START, { input: {} });
    expect(codeOf(refused)).toBe('OVERLOADED');
    expect(refused.errors?.[0]?.extensions['retryAfterMs']).toBeGreaterThan(0);
    process.kill(recogniser, 'SIGCONT');
    await endSession(client, sessionId, chunks.length);
    expect(textsOf(await completedFinals(client, sessionId))).toEqual(TEXTS);
    expect(await startSession(client)).toEqual(expect.any(String));
  });

  it('second SIGTERM while draining: a fast exit, and the next start recovers', async () => {
    const dataDirectory = await newFolder();
    const stopped = await startServerProcess(dataDirectory);
    undo.push(() => stopped.kill());
    const before = newClient(stopped.url);
    const sessionId = await startSession(before);
    const shown: SegmentView[] = [];
    const watching = watch(before, sessionId, shown);
    await sendChunks(before, sessionId, chunks.slice(0, HALF));
    await until(() => shown.length === 1, { what: 'the first final' });
    // The last batch can't be committed, so the server waits for the database.
    const release = lockDatabase(dataDirectory);
    const exitCode = stopped.signal('SIGTERM');
    // Sooner, it could be the same Ctrl-C, passed on by npm.
    await delay(1_300);
    // An end in order would be 0, some seconds later.
    expect(await Promise.all([exitCode, stopped.signal('SIGTERM')])).toEqual([1, 1]);
    await watching;
    expect(storedFinals(dataDirectory)).toBe(0);
    release();

    const next = await startServerProcess(dataDirectory);
    undo.push(() => next.kill());
    const after = newClient(next.url);
    expect(await readSession(after, sessionId)).toMatchObject({ status: 'ACTIVE', nextSequence: HALF });
    await sendChunks(after, sessionId, chunks.slice(HALF), HALF);
    await endSession(after, sessionId, chunks.length);
    const finals = await completedFinals(after, sessionId);
    expect(textsOf(finals)).toEqual(TEXTS);
    expect(finals[0]).toEqual(shown[0]);
  });
});
