import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { Connection } from '../../src/client/connection.ts';
import { MemoryChunkStore, VerbatimError, type Gap } from '../../src/client/index.ts';
import { synthesiseToneSpeech } from '../../src/recognition/scripted/tone-speech.ts';
import { BreakableConnection } from '../e2e/breakable-connection.ts';
import { accountOf, listenTo, quickClient, SPEECH_FORMAT, transcribeUndisturbed } from '../support/client-session.ts';
import { endSession, readSession, sendChunks, speechChunks, startSession, textsOf } from '../support/operations.ts';
import { interleave } from '../support/recognition.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { until } from '../support/wait.ts';

vi.setConfig({ testTimeout: 60_000 });

const PAUSE = { silenceMs: 700 };
const SCRIPT = ['alpha', 'bravo', PAUSE, 'charlie', PAUSE, 'delta', 'echo', PAUSE, 'foxtrot', PAUSE] as const;
const TEXTS = ['alpha bravo', 'charlie', 'delta echo', 'foxtrot'];

/** The one says something short while the other one talks for long, and is certain first. */
const TWO_CHANNELS = {
  bytes: interleave(
    synthesiseToneSpeech(['alpha', 'bravo', 'charlie', 'delta', 'echo', 'foxtrot', PAUSE, 'golf', PAUSE], 16_000),
    synthesiseToneSpeech([{ silenceMs: 300 }, 'hotel', { silenceMs: 2_300 }, 'india', PAUSE], 16_000),
  ),
  said: ['1 null hotel', '0 Ann alpha bravo charlie delta echo foxtrot', '0 Ann golf', '1 null india'],
};

function streamOf(chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}

/** @returns whether it could be done now: to wait for the server's transaction here would stop the server, too. */
function markRecordingRemoved(dataDirectory: string): boolean {
  const database = new Database(join(dataDirectory, 'verbatim.db'), { timeout: 0 });
  try {
    database.exec('UPDATE sessions SET recording_removed_at = created_at');
    return true;
  } catch (error) {
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) return false;
    throw error;
  } finally {
    database.close();
  }
}

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

describe('a session of the client', () => {
  it('sends what is written in pieces of any size, and ends when its last final was given', async () => {
    const session = await quickClient(server.url).startSession({ audio: SPEECH_FORMAT, title: 'Pieces' });
    const { finals, open } = listenTo(session);
    const bytes = Buffer.concat(speechChunks(SCRIPT));
    for (let start = 0; start < bytes.length; start += 777) session.write(bytes.subarray(start, start + 777));
    const completed = await session.end();
    expect(textsOf(finals)).toEqual(TEXTS);
    expect(open.size).toBe(0);
    expect(completed).toMatchObject({ id: session.id, endReason: 'CLIENT' });
    expect(session.status).toMatchObject({ connection: 'ended', session: 'COMPLETED', bufferedMs: 0, lostMs: 0 });
    const stored = await readSession(server.client, completed.id);
    expect(stored.coverage).toMatchObject({ receivedMs: bytes.length / 32, gapMs: 0, pendingMs: 0 });
    expect(await session.end()).toEqual(completed);
    expect(() => session.write(bytes)).toThrow(VerbatimError);
  });

  it('is a stream that a source can be piped into', async () => {
    const session = await quickClient(server.url).startSession({ audio: SPEECH_FORMAT, live: false });
    const { finals } = listenTo(session);
    await streamOf(speechChunks(SCRIPT)).pipeTo(session.audio);
    await session.finished;
    expect(textsOf(finals)).toEqual(TEXTS);
  });

  it('loses and doubles nothing while its connection is cut again and again', async () => {
    const chunks = speechChunks(SCRIPT);
    const undisturbed = await transcribeUndisturbed(server.url, chunks);
    const network = await BreakableConnection.to(server.url);
    const session = await quickClient(network.url).startSession({ audio: SPEECH_FORMAT });
    const { finals, open, setbacks } = listenTo(session);
    let cuts = 0;
    for (const [index, chunk] of chunks.entries()) {
      session.write(chunk);
      await delay(5);
      if (index % 6 === 0) cuts += network.cut();
    }
    expect(cuts).toBeGreaterThan(2);
    network.cut();
    const { id } = await session.end();
    await network.close();
    expect(setbacks).toContain('CONNECTION_LOST');
    expect(accountOf(finals)).toEqual(accountOf(undisturbed));
    expect(open.size).toBe(0);
    expect((await readSession(server.client, id)).coverage.gapMs).toBe(0);
  });

  it('gives the words of two channels under the names of who speaks there, also over a connection that is cut', async () => {
    const { bytes, said } = TWO_CHANNELS;
    const network = await BreakableConnection.to(server.url);
    const session = await quickClient(network.url).startSession({
      audio: { ...SPEECH_FORMAT, channels: 2 },
      speakers: ['Ann', null],
    });
    const { finals, open } = listenTo(session);
    // Pieces that end within a frame.
    for (let start = 0; start < bytes.length; start += 5_001) {
      session.write(bytes.subarray(start, start + 5_001));
      await delay(5);
      if (start % 4 === 0) network.cut();
    }
    await session.end();
    await network.close();
    expect(finals.map(({ channel, speaker, text }) => `${channel} ${speaker} ${text}`)).toEqual(said);
    expect(finals.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
    expect(open.size).toBe(0);
  });

  it('keeps what is recorded before there is a server to talk to', async () => {
    const network = await BreakableConnection.to(server.url);
    await network.close();
    const session = await quickClient(network.url).startSession({ audio: SPEECH_FORMAT });
    const { finals, setbacks } = listenTo(session);
    for (const chunk of speechChunks(SCRIPT)) session.write(chunk);
    await until(() => setbacks.length > 2);
    expect(new Set(setbacks)).toEqual(new Set(['UNREACHABLE']));
    const back = await BreakableConnection.to(server.url, Number(new URL(network.url).port));
    await session.end();
    await back.close();
    expect(textsOf(finals)).toEqual(TEXTS);
  });

  it('declares what its buffer had to give up, at its place', async () => {
    const network = await BreakableConnection.to(server.url);
    await network.close();
    const client = quickClient(network.url, { limits: { maxBufferedMs: 1_500 } });
    const session = await client.startSession({ audio: SPEECH_FORMAT });
    const gaps: Gap[] = [];
    session.on('gap', (gap) => gaps.push(gap));
    const { finals } = listenTo(session);
    const chunks = speechChunks(SCRIPT);
    for (const chunk of chunks) session.write(chunk);
    const back = await BreakableConnection.to(server.url, Number(new URL(network.url).port));
    const { id } = await session.end();
    await back.close();
    const lostMs = gaps.reduce((sum, { durationMs }) => sum + durationMs, 0);
    const { coverage } = await readSession(server.client, id);
    expect(coverage).toMatchObject({ receivedMs: session.status.writtenMs, gapMs: lostMs, pendingMs: 0 });
    expect(session.status).toMatchObject({ lostMs, writtenMs: Buffer.concat(chunks).length / 32 });
    expect(gaps[0]).toMatchObject({ reason: 'overflow', startMs: 0 });
    expect(textsOf(finals)).toEqual(['foxtrot']);
  });

  it('declares a gap that the program knows of', async () => {
    const session = await quickClient(server.url).startSession({ audio: SPEECH_FORMAT });
    const { finals } = listenTo(session);
    for (const chunk of speechChunks(['alpha', PAUSE])) session.write(chunk);
    session.skip(2_000);
    for (const chunk of speechChunks(['bravo', PAUSE])) session.write(chunk);
    const { id } = await session.end();
    expect(textsOf(finals)).toEqual(['alpha', 'bravo']);
    expect(finals[1]?.startMs).toBe(2_900);
    expect((await readSession(server.client, id)).coverage.gapMs).toBe(2_000);
  });

  it('goes on, abandoned and resumed, with what was not acknowledged', async () => {
    const network = await BreakableConnection.to(server.url);
    const client = quickClient(network.url, { chunkStore: new MemoryChunkStore() });
    const chunks = speechChunks(SCRIPT);
    const first = await client.startSession({ audio: SPEECH_FORMAT });
    for (const chunk of chunks.slice(0, 20)) first.write(chunk);
    await until(() => first.status.acknowledgedMs > 0);
    await expect(client.startSession({ externalId: first.externalId, audio: SPEECH_FORMAT })).rejects.toMatchObject({
      code: 'SESSION_IN_USE',
    });
    network.cut();
    for (const chunk of chunks.slice(20, 30)) first.write(chunk);
    await first.abandon();
    await expect(first.finished).rejects.toMatchObject({ code: 'ABANDONED' });

    expect(await client.pendingSessions()).toMatchObject([{ externalId: first.externalId, id: first.id }]);
    const second = await client.resumeSession(first.externalId);
    const { finals } = listenTo(second);
    for (const chunk of chunks.slice(30)) second.write(chunk);
    const { id } = await second.end();
    await network.close();
    expect(id).toBe(first.id);
    expect(textsOf(finals)).toEqual(TEXTS);
    expect(await client.pendingSessions()).toEqual([]);
  });

  it('opens its session again, which the server ended for idleness', async () => {
    const idle = await startTestServer({ sessionIdleTimeoutMs: 1_000 });
    const session = await quickClient(idle.url).startSession({ audio: SPEECH_FORMAT });
    const { finals } = listenTo(session);
    for (const chunk of speechChunks(['alpha', PAUSE])) session.write(chunk);
    const id = await session.started;
    await until(async () => (await readSession(idle.client, id)).endReason === 'IDLE_TIMEOUT');
    for (const chunk of speechChunks(['bravo', PAUSE])) session.write(chunk);
    await session.end();
    expect(textsOf(finals)).toEqual(['alpha', 'bravo']);
    expect((await readSession(idle.client, id)).endReason).toBe('CLIENT');
    await idle.stop();
  });

  it('says so when its session, which was ended for idleness, can’t be opened again', async () => {
    const idle = await startTestServer({ sessionIdleTimeoutMs: 1_000 });
    const session = await quickClient(idle.url).startSession({ audio: SPEECH_FORMAT });
    const { finals } = listenTo(session);
    for (const chunk of speechChunks(['alpha', PAUSE])) session.write(chunk);
    const id = await session.started;
    await until(async () => (await readSession(idle.client, id)).status === 'COMPLETED');
    await until(() => markRecordingRemoved(idle.dataDirectory), {
      what: 'a moment in which the server writes nothing',
    });
    for (const chunk of speechChunks(['bravo', PAUSE])) session.write(chunk);
    await expect(session.finished).rejects.toMatchObject({ code: 'SESSION_NOT_ACTIVE' });
    expect(textsOf(finals)).toEqual(['alpha']);
    expect(session.status.bufferedMs).toBeGreaterThan(0);
    await idle.stop();
  });

  it('gives all finals of a session that became as long as one may be, and says what it could not send', async () => {
    const short = await startTestServer({ sessionMaxMs: 2_000 });
    const session = await quickClient(short.url).startSession({ audio: SPEECH_FORMAT });
    const { finals } = listenTo(session);
    for (const chunk of speechChunks(['alpha', PAUSE, 'bravo', PAUSE, PAUSE, PAUSE, 'charlie', PAUSE])) {
      session.write(chunk);
    }
    await expect(session.finished).rejects.toMatchObject({ code: 'SESSION_NOT_ACTIVE' });
    expect(textsOf(finals)).toEqual(['alpha', 'bravo']);
    expect(session.status.bufferedMs).toBeGreaterThan(0);
    await short.stop();
  });

  it('gives the finals that there are when somebody else ends its session, and says so', async () => {
    const session = await quickClient(server.url).startSession({ audio: SPEECH_FORMAT });
    const { finals } = listenTo(session);
    for (const chunk of speechChunks(['alpha', PAUSE])) session.write(chunk);
    await until(() => session.status.acknowledgedMs >= 900);
    await endSession(server.client, await session.started);
    await expect(session.finished).rejects.toMatchObject({ code: 'SESSION_NOT_ACTIVE' });
    expect(textsOf(finals)).toEqual(['alpha']);
    expect(session.status.connection).toBe('failed');
  });

  it('goes behind what an earlier program has sent to the session of the same name', async () => {
    const chunks = speechChunks(SCRIPT);
    const id = await startSession(server.client, { externalId: 'earlier', audio: SPEECH_FORMAT });
    await sendChunks(server.client, id, chunks.slice(0, 25));
    const session = await quickClient(server.url).startSession({ externalId: 'earlier', audio: SPEECH_FORMAT });
    const { finals } = listenTo(session);
    for (const chunk of chunks.slice(25)) session.write(chunk);
    expect((await session.end()).id).toBe(id);
    expect(textsOf(finals)).toEqual(TEXTS);
  });

  it.each([
    ['a language that nobody knows', { language: 'xx' }, 'BAD_USER_INPUT'],
    ['a format that is refused', { audio: { ...SPEECH_FORMAT, channels: 3 } }, 'BAD_USER_INPUT'],
  ])('fails at once for %s', async (_what, request, code) => {
    const session = await quickClient(server.url).startSession({ audio: SPEECH_FORMAT, ...request });
    await expect(session.started).rejects.toMatchObject({ code });
    await expect(session.end()).rejects.toMatchObject({ code });
  });

  it('fails at once when its token is refused, and asks for a new one on each connection', async () => {
    const guarded = await startTestServer({ authToken: 'a-token-for-this-client' });
    const refused = await quickClient(guarded.url, { token: 'another-than-that' }).startSession({
      audio: SPEECH_FORMAT,
    });
    await expect(refused.finished).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    const token = () => Promise.resolve('a-token-for-this-client');
    const admitted = await quickClient(guarded.url, { token }).startSession({ audio: SPEECH_FORMAT });
    expect(await admitted.started).toEqual(expect.any(String));
    await admitted.end();
    await guarded.stop();
  });

  it('goes on from memory when its store fails, and says so', async () => {
    class FailingStore extends MemoryChunkStore {
      override write(): Promise<void> {
        return Promise.reject(new Error('no room'));
      }
    }
    const session = await quickClient(server.url, { chunkStore: new FailingStore() }).startSession({
      audio: SPEECH_FORMAT,
    });
    const { finals, setbacks } = listenTo(session);
    for (const chunk of speechChunks(SCRIPT)) session.write(chunk);
    await session.end();
    expect(setbacks).toEqual(['STORE_FAILED']);
    expect(textsOf(finals)).toEqual(TEXTS);
  });

  it('gives up when nothing goes forward for longer than its patience', async () => {
    const client = quickClient('http://127.0.0.1:9', { limits: { patienceMs: 200 } });
    const session = await client.startSession({ audio: SPEECH_FORMAT });
    await expect(session.finished).rejects.toMatchObject({ code: 'GAVE_UP' });
  });

  it('does not outrun the recogniser with audio that is not live', async () => {
    const client = quickClient(server.url, { limits: { maxBacklogMs: 1_000 } });
    const session = await client.startSession({ audio: SPEECH_FORMAT, live: false });
    const { finals } = listenTo(session);
    let most = 0;
    session.on('status', ({ backlogMs }) => (most = Math.max(most, backlogMs)));
    await streamOf(speechChunks(SCRIPT)).pipeTo(session.audio);
    expect(textsOf(finals)).toEqual(TEXTS);
    // One chunk may be on top: it is taken while there is room for a part of it.
    expect(most).toBeLessThanOrEqual(2_000);
  });
});

describe('a connection of the client', () => {
  it('is as good as before after an operation was refused', async () => {
    const connection = await Connection.open(
      { url: new URL('/graphql', server.url), token: null },
      { webSocket: WebSocket },
    );
    const name = () => connection.request('{ __typename }', {}, (data) => data.string('__typename'));
    for (let refusal = 0; refusal < 5; refusal++) {
      const refused = connection.request(
        'mutation { endSession(input: { sessionId: "none" }) { session { id } } }',
        {},
        () => null,
      );
      await expect(refused).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
      expect(await name()).toBe('Query');
    }
    expect(connection.lost).toBeNull();
    connection.close();
  });
});
