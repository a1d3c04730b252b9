import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeOf, dataOf, GraphqlClient, type GraphqlResult } from '../support/graphql-client.ts';
import { rawRequest } from '../support/http.ts';
import {
  collectSegments,
  END,
  endSession,
  finalsOf,
  readSession,
  sendChunk,
  sendChunks,
  SKIP,
  speechChunks,
  startSession,
  textsOf,
  type Acknowledgement,
  type SessionView,
} from '../support/operations.ts';
import { descendantsOf } from '../support/process-tree.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { until } from '../support/wait.ts';

const SPEECH = speechChunks(['alpha', 'bravo', 'charlie', 'delta', 'echo', { silenceMs: 1_000 }]);
const WORDS = 'alpha bravo charlie delta echo';

let server: TestServer;
let rival: GraphqlClient;
beforeAll(async () => {
  server = await startTestServer();
  rival = new GraphqlClient(server.url);
});
afterAll(async () => {
  await rival.dispose();
  await server.stop();
});

async function transcriptOf(sessionId: string): Promise<string[]> {
  return textsOf(finalsOf(await collectSegments(server.client, sessionId, { fromStart: true })));
}

describe('two senders on one session', () => {
  it('with the same audio store it once, whoever is first, through whichever door', async () => {
    const sessionId = await startSession(server.client);
    const stored: number[] = [];
    const byPost = async (sequence: number, chunk: Buffer): Promise<Acknowledgement> => {
      const path = `/sessions/${encodeURIComponent(sessionId)}/audio?sequence=${sequence}`;
      const headers = { 'content-type': 'application/octet-stream' };
      const response = await rawRequest(server.url + path, { method: 'POST', headers, body: chunk });
      return JSON.parse(response.body);
    };
    const bySocket = async (client: GraphqlClient, sequence: number, chunk: Buffer) =>
      dataOf(await sendChunk(client, sessionId, sequence, chunk)).sendAudio;
    const sender = async (send: (sequence: number, chunk: Buffer) => Promise<Acknowledgement>) => {
      for (const [sequence, chunk] of SPEECH.entries()) {
        const { duplicate, nextSequence } = await send(sequence, chunk);
        expect(nextSequence).toBeGreaterThan(sequence);
        if (!duplicate) stored.push(sequence);
      }
    };
    await Promise.all([
      sender((sequence, chunk) => bySocket(server.client, sequence, chunk)),
      sender((sequence, chunk) => bySocket(rival, sequence, chunk)),
      sender(byPost),
    ]);
    expect(stored).toEqual([...SPEECH.keys()]);
    const session = await endSession(server.client, sessionId, SPEECH.length);
    expect(session.coverage.receivedMs).toBe(SPEECH.length * 100);
    expect(await transcriptOf(sessionId)).toEqual([WORDS]);
  });

  it('with different audio: the first one of each number counts, and the other one is told', async () => {
    const sessionId = await startSession(server.client);
    const silence = Buffer.alloc(3_200);
    const answers: Promise<GraphqlResult<{ sendAudio: Acknowledgement }>>[] = [];
    for (const [sequence, chunk] of SPEECH.entries()) {
      expect(dataOf(await sendChunk(server.client, sessionId, sequence, chunk)).sendAudio.duplicate).toBe(false);
      answers.push(sendChunk(rival, sessionId, sequence, silence));
      // The rival is a chunk ahead at times, of which nothing is kept either.
      if (sequence % 5 === 0) answers.push(sendChunk(rival, sessionId, sequence + 2, silence));
    }
    const codes = new Set((await Promise.all(answers)).filter(({ errors }) => errors !== undefined).map(codeOf));
    expect([...codes].toSorted()).toEqual(['AUDIO_CONFLICT', 'AUDIO_OUT_OF_ORDER']);
    await endSession(server.client, sessionId, SPEECH.length);
    expect(await transcriptOf(sessionId)).toEqual([WORDS]);
  });
});

describe('a session that is being ended', () => {
  it('takes no more audio, answers what it has again, and ends once however often it is asked to', async () => {
    const { client } = server;
    const sessionId = await startSession(client);
    await sendChunks(client, sessionId, SPEECH);
    // Nothing comes to its end while the recogniser is held.
    const [recogniser = 0] = descendantsOf(process.pid, /recogniser-process/u);
    process.kill(recogniser, 'SIGSTOP');
    try {
      const end = () => client.data<{ endSession: { session: SessionView } }>(END, { input: { sessionId } });
      const ends = [
        end(),
        rival.overSocket<{ endSession: { session: SessionView } }>(END, { input: { sessionId } }).then(dataOf),
      ];
      await until(async () => (await readSession(client, sessionId)).status === 'FINALIZING', { what: 'the end' });
      const next = SPEECH.length;
      const [last = Buffer.alloc(0)] = SPEECH.slice(-1);
      expect(codeOf(await sendChunk(client, sessionId, next, last))).toBe('SESSION_NOT_ACTIVE');
      expect(codeOf(await client.request(SKIP, { input: { sessionId, sequence: next, durationMs: 100 } }))).toBe(
        'SESSION_NOT_ACTIVE',
      );
      expect(dataOf(await sendChunk(client, sessionId, next - 1, last)).sendAudio).toMatchObject({
        duplicate: true,
        nextSequence: next,
      });
      ends.push(end());
      process.kill(recogniser, 'SIGCONT');
      const sessions = (await Promise.all(ends)).map(({ endSession: { session } }) => session);
      expect(sessions[0]).toMatchObject({ status: 'COMPLETED', endReason: 'CLIENT', nextSequence: next });
      for (const session of sessions) expect(session).toEqual(sessions[0]);
      expect(await endSession(client, sessionId, next)).toEqual(sessions[0]);
    } finally {
      process.kill(recogniser, 'SIGCONT');
    }
    expect(await transcriptOf(sessionId)).toEqual([WORDS]);
  });
});
