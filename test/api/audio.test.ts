import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeOf, dataOf } from '../support/graphql-client.ts';
import {
  END,
  endSession,
  readSession,
  sendChunk,
  sendChunks,
  SKIP,
  speechChunks,
  startSession,
  type Acknowledgement,
} from '../support/operations.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const CHUNK = Buffer.alloc(3_200, 1);
const OTHER_CHUNK = Buffer.alloc(3_200, 2);

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ maxChunkBytes: 64_000 });
});
afterAll(() => server.stop());

function base64Of(chunk: Buffer): string {
  return chunk.toString('base64');
}

describe('sendAudio', () => {
  it('stores a repeated chunk once and says so', async () => {
    const sessionId = await startSession(server.client);
    const first = dataOf(await sendChunk(server.client, sessionId, 0, CHUNK)).sendAudio;
    const again = dataOf(await sendChunk(server.client, sessionId, 0, CHUNK)).sendAudio;
    expect(first).toMatchObject({ nextSequence: 1, receivedMs: 100, duplicate: false });
    expect(again).toMatchObject({ nextSequence: 1, receivedMs: 100, duplicate: true });
  });

  it('refuses other bytes under a number that is taken', async () => {
    const sessionId = await startSession(server.client);
    await sendChunk(server.client, sessionId, 0, CHUNK);
    expect(codeOf(await sendChunk(server.client, sessionId, 0, OTHER_CHUNK))).toBe('AUDIO_CONFLICT');
    expect(await readSession(server.client, sessionId)).toMatchObject({ nextSequence: 1 });
  });

  it('refuses a chunk ahead of its turn, and names the one expected', async () => {
    const sessionId = await startSession(server.client);
    await sendChunk(server.client, sessionId, 0, CHUNK);
    const result = await sendChunk(server.client, sessionId, 3, CHUNK);
    expect(codeOf(result)).toBe('AUDIO_OUT_OF_ORDER');
    expect(result.errors?.[0]?.extensions['expectedSequence']).toBe(1);
  });

  it('takes pipelined chunks in the order in which they were sent', async () => {
    const sessionId = await startSession(server.client);
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, sequence) => sendChunk(server.client, sessionId, sequence, CHUNK)),
    );
    expect(answers.map((answer) => dataOf(answer).sendAudio.nextSequence >= 1)).not.toContain(false);
    expect(await readSession(server.client, sessionId)).toMatchObject({
      nextSequence: 100,
      coverage: { receivedMs: 10_000 },
    });
  });

  it('resolves the session of the answer when it is asked for', async () => {
    const sessionId = await startSession(server.client);
    const { sendAudio } = await server.client.data<{ sendAudio: { session: object } }>(
      `mutation ($input: SendAudioInput!) { sendAudio(input: $input) { session { id nextSequence } } }`,
      { input: { sessionId, sequence: 0, audio: base64Of(CHUNK) } },
    );
    expect(sendAudio.session).toEqual({ id: sessionId, nextSequence: 1 });
  });
});

describe('skipAudio', () => {
  it('declares lost audio, which stands in the coverage as a gap', async () => {
    const { client } = server;
    const sessionId = await startSession(client);
    const speech = speechChunks(['alpha', { silenceMs: 1_000 }]);
    await sendChunks(client, sessionId, speech);
    const skip = { sessionId, sequence: speech.length, durationMs: 2_500 };
    const { skipAudio } = await client.data<{ skipAudio: Acknowledgement }>(SKIP, { input: skip });
    expect(skipAudio).toMatchObject({ nextSequence: speech.length + 1, duplicate: false });
    const repeated = await client.data<{ skipAudio: Acknowledgement }>(SKIP, { input: skip });
    expect(repeated.skipAudio.duplicate).toBe(true);
    await sendChunks(client, sessionId, speechChunks(['bravo', { silenceMs: 1_000 }]), speech.length + 1);
    const session = await endSession(client, sessionId);
    expect(session.coverage.gapMs).toBe(2_500);
    expect(session.statistics.totalSegments).toBe(2);
  });
});

describe('endSession', () => {
  it('with the number of chunks is refused while some are missing, or when there are more', async () => {
    const { client } = server;
    const sessionId = await startSession(client);
    await sendChunks(client, sessionId, [CHUNK, CHUNK]);
    const early = await client.request(END, { input: { sessionId, nextSequence: 3 } });
    expect(codeOf(early)).toBe('AUDIO_OUT_OF_ORDER');
    expect(early.errors?.[0]?.extensions['expectedSequence']).toBe(2);
    expect(codeOf(await client.request(END, { input: { sessionId, nextSequence: 1 } }))).toBe('AUDIO_CONFLICT');
    expect(await readSession(client, sessionId)).toMatchObject({ status: 'ACTIVE' });
    expect(await endSession(client, sessionId, 2)).toMatchObject({ status: 'COMPLETED' });
  });
});
