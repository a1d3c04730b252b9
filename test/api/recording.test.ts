import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeSamples } from '../../src/audio/decode.ts';
import { parseWavHeader } from '../../src/audio/wav.ts';
import { piecesOf, toneContainers, toneSamples } from '../support/containers.ts';
import { rawRequest } from '../support/http.ts';
import { endSession, sendChunks, SKIP, speechChunks, startSession } from '../support/operations.ts';
import { descendantsOf, exists } from '../support/process-tree.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { until } from '../support/wait.ts';

const HEADER_BYTES = 44;
const TOKEN = 'correct-horse-battery-staple';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

async function linkOf({ client, url }: TestServer, id: string): Promise<string | null> {
  const query = 'query ($id: ID!) { session(id: $id) { recordingUrl } }';
  const { session } = await client.data<{ session: { recordingUrl: string | null } }>(query, { id });
  return session.recordingUrl === null ? null : `${url}${session.recordingUrl}`;
}

async function fetchRecording(id: string, headers: Record<string, string> = {}) {
  const response = await fetch((await linkOf(server, id)) ?? '', { headers });
  return { response, body: Buffer.from(await response.arrayBuffer()) };
}

describe('the recording of a session', () => {
  it('is a WAV file of what was sent, with silence where the client lost something', async () => {
    const { client } = server;
    const id = await startSession(client, { audio: { encoding: 'PCM_S16LE', sampleRate: 22_050, channels: 2 } });
    const before = Buffer.from(Int16Array.from({ length: 2 * 5_000 }, (_, index) => (index * 37) % 32_768).buffer);
    const after = Buffer.from(Int16Array.from({ length: 2 * 3_000 }, (_, index) => -(index % 32_768)).buffer);
    await sendChunks(client, id, [before]);
    await client.data(SKIP, { input: { sessionId: id, sequence: 1, durationMs: 200 } });
    await sendChunks(client, id, [after], 2);

    // While it runs it is what came so far.
    const { response, body } = await fetchRecording(id);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('audio/wav');
    expect(response.headers.get('accept-ranges')).toBe('bytes');
    expect(parseWavHeader(body, body.length)).toEqual({
      format: { encoding: 'PCM_S16LE', sampleRate: 22_050, channels: 2 },
      dataOffset: HEADER_BYTES,
      dataLength: body.length - HEADER_BYTES,
      isCutOff: false,
    });
    const silence = Buffer.alloc(4_410 * 4);
    expect(body.subarray(HEADER_BYTES).equals(Buffer.concat([before, silence, after]))).toBe(true);

    await sendChunks(client, id, [before], 3);
    await endSession(client, id);
    const whole = (await fetchRecording(id)).body;
    expect(whole.subarray(HEADER_BYTES).equals(Buffer.concat([before, silence, after, before]))).toBe(true);
  });

  it.each(toneContainers())(
    'that was sent as $name is the same in parts as it is whole, and in time',
    async ({ format, bytes }) => {
      const { client } = server;
      const id = await startSession(client, { audio: format });
      await sendChunks(
        client,
        id,
        piecesOf(bytes, () => 6_000).map((piece) => Buffer.from(piece)),
      );
      await endSession(client, id);
      const { body } = await fetchRecording(id);
      const { dataLength } = parseWavHeader(body, body.length) ?? {};
      const seconds = (dataLength ?? 0) / 2 / format.sampleRate;
      expect(seconds).toBeCloseTo(toneSamples().length / 16_000, 2);

      // Backwards, as a listener who looks for something; across the blocks in which containers are decoded.
      for (const [start, end] of [
        [1_800_001, 2_100_002],
        [640_000, 660_001],
        [101, 5_000],
        [30, 60],
      ]) {
        const part = await fetchRecording(id, { range: `bytes=${start}-${end}` });
        const expected = body.subarray(start, (end ?? 0) + 1);
        if (expected.length === 0) continue;
        expect(part.response.status).toBe(206);
        expect(part.response.headers.get('content-range')).toBe(
          `bytes ${start}-${(start ?? 0) + expected.length - 1}/${body.length}`,
        );
        expect(part.body.equals(expected)).toBe(true);
      }
    },
  );

  it('that was sent as telephone audio has the amplitudes that its bytes stand for', async () => {
    const { client } = server;
    const id = await startSession(client, { audio: { encoding: 'MULAW', sampleRate: 8_000, channels: 1 } });
    const sent = Buffer.from(Uint8Array.from({ length: 1_024 }, (_, index) => index % 256));
    await sendChunks(client, id, [sent]);
    const { body } = await fetchRecording(id);
    const [expected] = decodeSamples({ encoding: 'MULAW', sampleRate: 8_000, channels: 1 }, sent);
    const given = Array.from({ length: 1_024 }, (_, index) => body.readInt16LE(HEADER_BYTES + 2 * index) / 32_768);
    expect(given).toEqual([...(expected ?? [])]);
  });

  it('tells its length without being fetched, and refuses what is beyond it', async () => {
    const id = await startSession(server.client);
    await sendChunks(server.client, id, speechChunks(['alpha']));
    const link = (await linkOf(server, id)) ?? '';
    const { headers } = await rawRequest(link, { method: 'HEAD' });
    const length = Number(headers['content-length']);
    expect(length).toBeGreaterThan(HEADER_BYTES);
    const beyond = await rawRequest(link, { headers: { range: `bytes=${length}-` } });
    expect([beyond.status, beyond.headers['content-range']]).toEqual([416, `bytes */${length}`]);
    const known = await rawRequest(link, { headers: { 'if-none-match': headers.etag ?? '' } });
    expect(known.status).toBe(304);
    expect((await rawRequest(link, { method: 'POST' })).status).toBe(405);
  });

  it('is read again by a new process when the one that read it was killed', async () => {
    const id = await startSession(server.client);
    await sendChunks(server.client, id, speechChunks(['alpha']));
    const before = await fetchRecording(id);
    const readers = descendantsOf(process.pid, /recording-process/u);
    expect(readers).toHaveLength(1);
    for (const pid of readers) {
      process.kill(pid, 'SIGKILL');
      await until(() => !exists(pid));
    }
    const after = await until(async () => {
      const again = await fetchRecording(id);
      return again.response.status === 200 && again;
    });
    expect(after.body.equals(before.body)).toBe(true);
  });

  it('is let go of by listeners who leave in the middle, however many requests they have sent ahead', async () => {
    const id = await startSession(server.client);
    await sendChunks(server.client, id, [Buffer.alloc(1_000_000, 1), Buffer.alloc(1_000_000, 1)]);
    const link = new URL((await linkOf(server, id)) ?? '');
    const request = `GET ${link.pathname} HTTP/1.1\r\nHost: ${link.host}\r\n\r\n`;
    // More than may be open at a time, each time.
    for (let round = 0; round < 3; round += 1) {
      const socket = connect(Number(link.port), link.hostname);
      socket.write(request.repeat(17));
      await once(socket, 'data');
      socket.destroy();
    }
    const leaver = new AbortController();
    const leaving = Array.from({ length: 10 }, () => fetch(link, { signal: leaver.signal }).catch(() => undefined));
    await Promise.race(leaving);
    leaver.abort();
    await Promise.all(leaving);

    const { body } = await until(async () => {
      const attempt = await fetchRecording(id);
      return attempt.response.status === 200 && attempt;
    });
    expect(body.length).toBe(HEADER_BYTES + 2_000_000);
    // All places are free again.
    const all = await until(async () => {
      const statuses = await Promise.all(
        Array.from({ length: 16 }, async () => (await fetchRecording(id)).response.status),
      );
      return statuses.every((status) => status === 200) && statuses;
    });
    expect(all).toHaveLength(16);
  });

  it('is gone with its session', async () => {
    const { client } = server;
    const id = await startSession(client);
    await sendChunks(client, id, speechChunks(['alpha']));
    const link = (await linkOf(server, id)) ?? '';
    expect((await fetch(link)).status).toBe(200);
    await client.data('mutation ($input: DeleteSessionInput!) { deleteSession(input: $input) { deletedSessionId } }', {
      input: { sessionId: id },
    });
    expect((await fetch(link)).status).toBe(404);
    expect(existsSync(`${server.dataDirectory}/sessions`)).toBe(true);
  });
});

describe('the recording of a session on a server with a token', () => {
  it('is given to who shows the token, or a link that was given to such a one', async () => {
    const guarded = await startTestServer({ authToken: TOKEN });
    try {
      const id = await startSession(guarded.client);
      await sendChunks(guarded.client, id, speechChunks(['alpha']));
      const link = (await linkOf(guarded, id)) ?? '';
      const [bare = ''] = link.split('?');
      const statusOf = async (url: string, headers: Record<string, string> = {}) =>
        (await rawRequest(url, { headers })).status;
      expect(await statusOf(link)).toBe(200);
      expect(await statusOf(link, { range: 'bytes=0-99' })).toBe(206);
      expect(await statusOf(bare)).toBe(401);
      expect(await statusOf(`${link.slice(0, -4)}AAAA`)).toBe(401);
      expect(await statusOf(bare, { authorization: `Bearer ${TOKEN}` })).toBe(200);
      // It opens nothing else.
      const [, query = ''] = link.split('?');
      expect(await statusOf(`${guarded.url}/graphql?${query}&query={__typename}`)).toBe(401);
    } finally {
      await guarded.stop();
    }
  });
});
