import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { piecesOf, TONE_SENTENCES, toneContainers } from '../support/containers.ts';
import { dataOf } from '../support/graphql-client.ts';
import { rawRequest } from '../support/http.ts';
import {
  collectSegments,
  endSession,
  readSession,
  sendChunk,
  speechChunks,
  startSession,
  textsOf,
  type Acknowledgement,
} from '../support/operations.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const CHUNK = Buffer.alloc(3_200, 1);

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ maxChunkBytes: 8_192 });
});
afterAll(() => server.stop());

interface Answer {
  readonly status: number;
  readonly body: Partial<Acknowledgement> & { error?: { code: string; expectedSequence?: number } };
}

async function post(sessionId: string, sequence: string | number, body: Buffer, method = 'POST'): Promise<Answer> {
  const response = await rawRequest(
    `${server.url}/sessions/${encodeURIComponent(sessionId)}/audio?sequence=${sequence}`,
    { method, headers: { 'content-type': 'application/octet-stream' }, body },
  );
  return { status: response.status, body: JSON.parse(response.body) };
}

describe('raw audio', () => {
  it('is acknowledged and transcribed like that of sendAudio, and mixes with it', async () => {
    const sessionId = await startSession(server.client);
    const chunks = speechChunks(['alpha', 'bravo', { silenceMs: 1_000 }]);
    for (const [sequence, chunk] of chunks.entries()) {
      const acknowledgement =
        sequence % 2 === 0
          ? dataOf(await sendChunk(server.client, sessionId, sequence, chunk)).sendAudio
          : (await post(sessionId, sequence, chunk)).body;
      expect(acknowledgement).toMatchObject({ nextSequence: sequence + 1, duplicate: false });
    }
    await endSession(server.client, sessionId, chunks.length);
    expect(textsOf(await collectSegments(server.client, sessionId, { fromStart: true }))).toEqual(['alpha bravo']);
  });

  it.each(toneContainers())('may be a stream of $name in pieces, through both doors', async ({ format, bytes }) => {
    const sessionId = await startSession(server.client, { audio: format });
    const pieces = piecesOf(bytes, () => 8_000).map((piece) => Buffer.from(piece));
    for (const [sequence, piece] of pieces.entries()) {
      const acknowledgement =
        sequence % 2 === 0
          ? (await post(sessionId, sequence, piece)).body
          : dataOf(await sendChunk(server.client, sessionId, sequence, piece)).sendAudio;
      expect(acknowledgement).toMatchObject({ nextSequence: sequence + 1, duplicate: false });
    }
    // Samples of WAV may be any bytes.
    expect((await post(sessionId, pieces.length, Buffer.alloc(4_000, 1))).body).toMatchObject(
      format.encoding === 'WAV' ? { nextSequence: pieces.length + 1 } : { error: { code: 'AUDIO_MALFORMED' } },
    );
    await endSession(server.client, sessionId);
    const finals = await collectSegments(server.client, sessionId, { fromStart: true });
    expect(textsOf(finals)).toEqual(TONE_SENTENCES);
  });

  it('takes the id as it is, without percent-encoding', async () => {
    const sessionId = await startSession(server.client);
    const response = await rawRequest(`${server.url}/sessions/${sessionId}/audio?sequence=0`, {
      method: 'POST',
      headers: { 'content-type': 'audio/L16' },
      body: CHUNK,
    });
    expect(response.status).toBe(200);
  });

  it('says with a code and a fitting status what is wrong', async () => {
    const sessionId = await startSession(server.client);
    await post(sessionId, 0, CHUNK);
    expect(await post(sessionId, 0, CHUNK)).toMatchObject({ status: 200, body: { duplicate: true } });
    const refusals: [Promise<Answer>, number, string][] = [
      [post(sessionId, 5, CHUNK), 409, 'AUDIO_OUT_OF_ORDER'],
      [post(sessionId, 0, Buffer.alloc(3_200)), 409, 'AUDIO_CONFLICT'],
      [post(sessionId, 1, Buffer.alloc(3)), 422, 'AUDIO_MALFORMED'],
      [post(sessionId, 1, Buffer.alloc(0)), 422, 'AUDIO_MALFORMED'],
      [post(sessionId, 1, Buffer.alloc(8_194)), 413, 'AUDIO_TOO_LARGE'],
      [post(sessionId, '', CHUNK), 400, 'BAD_USER_INPUT'],
      [post(sessionId, '-1', CHUNK), 400, 'BAD_USER_INPUT'],
      [post(sessionId, '1.5', CHUNK), 400, 'BAD_USER_INPUT'],
      [post('nonsense', 0, CHUNK), 400, 'BAD_USER_INPUT'],
      [post(Buffer.from('Session:none').toString('base64'), 0, CHUNK), 404, 'NOT_FOUND'],
      [post(sessionId, 0, Buffer.alloc(0), 'GET'), 405, 'BAD_USER_INPUT'],
    ];
    for (const [answer, status, code] of refusals) {
      expect(await answer).toMatchObject({ status, body: { error: { code } } });
    }
    const early = await post(sessionId, 5, CHUNK);
    expect(early.body.error?.expectedSequence).toBe(1);
    await endSession(server.client, sessionId);
    expect(await post(sessionId, 1, CHUNK)).toMatchObject({
      status: 409,
      body: { error: { code: 'SESSION_NOT_ACTIVE' } },
    });
  });

  it('that stops half-way is not stored', async () => {
    const sessionId = await startSession(server.client);
    await new Promise<void>((resolve) => {
      const half = request(`${server.url}/sessions/${encodeURIComponent(sessionId)}/audio?sequence=0`, {
        method: 'POST',
        headers: { 'content-type': 'application/octet-stream', 'content-length': CHUNK.length },
      });
      half.on('error', () => resolve());
      half.on('close', () => resolve());
      half.write(CHUNK.subarray(0, 1_600), () => half.destroy());
    });
    expect(await post(sessionId, 0, CHUNK)).toMatchObject({ status: 200, body: { duplicate: false, receivedMs: 100 } });
    expect(await readSession(server.client, sessionId)).toMatchObject({ nextSequence: 1 });
  });

  it('without a length that grows too large is refused while it comes', async () => {
    const sessionId = await startSession(server.client);
    const status = await new Promise<number>((resolve) => {
      const endless = request(`${server.url}/sessions/${encodeURIComponent(sessionId)}/audio?sequence=0`, {
        method: 'POST',
        headers: { 'content-type': 'application/octet-stream', 'transfer-encoding': 'chunked' },
      });
      endless.on('response', (response) => {
        resolve(response.statusCode ?? 0);
        endless.destroy();
      });
      endless.on('error', () => undefined);
      // Never ended: the answer has to come before.
      for (let written = 0; written < 10; written += 1) endless.write(Buffer.alloc(4_096));
    });
    expect(status).toBe(413);
    expect(await readSession(server.client, sessionId)).toMatchObject({ nextSequence: 0 });
  });
});
