import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { readSession, SEGMENT_ADDED, SEND, sendChunks, speechChunks, startSession } from '../support/operations.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { until } from '../support/wait.ts';

let dataDirectory: string;
let server: TestServer;

beforeEach(async () => {
  dataDirectory = await mkdtemp(path.join(tmpdir(), 'verbatim-shutdown-'));
  server = await startTestServer({ dataDirectory });
});
afterEach(async () => {
  await server.stop();
  await rm(dataDirectory, { recursive: true, force: true });
});

/** What the server says on a connection on which a test writes what it wants. */
class RawConnection {
  readonly socket: Socket;
  received = '';

  /** @param staysOpen does not hang up when the server does */
  constructor(url: string, staysOpen = false) {
    this.socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', allowHalfOpen: staysOpen });
    this.socket.on('error', () => undefined);
    this.socket.on('data', (data: Buffer) => (this.received += data.toString()));
  }

  write(text: string | Buffer): Promise<void> {
    return new Promise((resolve) => this.socket.write(text, () => resolve()));
  }

  async ended(): Promise<string> {
    if (!this.socket.closed) await once(this.socket, 'close');
    return this.received;
  }
}

async function receivedChunks(sessionId: string): Promise<number> {
  const next = await startTestServer({ dataDirectory });
  try {
    return (await readSession(next.client, sessionId)).nextSequence;
  } finally {
    await next.stop();
  }
}

describe('a server that stops', () => {
  it(
    'has answered exactly what it has stored: each chunk that it took is acknowledged',
    { timeout: 60_000 },
    async () => {
      const sessionId = await startSession(server.client);
      const socket = new WebSocket(`${server.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
      const acknowledged: string[] = [];
      let closedWith: number | null = null;
      socket.on('message', (data: Buffer) => {
        const { type, id } = JSON.parse(data.toString()) as { type: string; id?: string };
        if (type === 'next' && id !== undefined) acknowledged.push(id);
      });
      socket.on('close', (code) => {
        closedWith = code;
      });
      await once(socket, 'open');
      socket.send(JSON.stringify({ type: 'connection_init' }));
      await once(socket, 'message');
      // Large ones, of which the server takes some and leaves the others unread.
      const audio = Buffer.alloc(64_000).toString('base64');
      for (let sequence = 0; sequence < 300; sequence += 1) {
        const payload = { query: SEND, variables: { input: { sessionId, sequence, audio } } };
        socket.send(JSON.stringify({ id: `${sequence}`, type: 'subscribe', payload }));
      }
      await until(() => acknowledged.length > 10, { what: 'some acknowledgements' });
      await server.stop();
      expect(await until(() => closedWith, { what: 'the goodbye' })).toBe(1001);
      expect(acknowledged).toEqual(acknowledged.map((_, index) => `${index}`));
      expect(acknowledged.length).toBeLessThan(300);
      expect(await receivedChunks(sessionId)).toBe(acknowledged.length);
    },
  );

  it('takes the rest of a chunk that was on its way, acknowledges it, and ends the connection', async () => {
    const sessionId = await startSession(server.client);
    const chunk = Buffer.alloc(3_200);
    const uploading = new RawConnection(server.url);
    await uploading.write(
      `POST /sessions/${encodeURIComponent(sessionId)}/audio?sequence=0 HTTP/1.1\r\nhost: 127.0.0.1\r\n` +
        `content-type: application/octet-stream\r\ncontent-length: ${chunk.length}\r\nexpect: 100-continue\r\n\r\n`,
    );
    await until(() => uploading.received.includes('100 Continue'), { what: 'the word to go on' });
    await uploading.write(chunk.subarray(0, 1_000));
    const stopping = server.stop();
    await uploading.write(chunk.subarray(1_000));
    const answer = await uploading.ended();
    await stopping;
    expect(answer).toContain('HTTP/1.1 200 OK');
    expect(answer).toMatch(/connection: close/iu);
    expect(answer).toContain('"nextSequence":1');
    expect(await receivedChunks(sessionId)).toBe(1);
  });

  it('says that it is not ready, takes no sessions and no connections, and leaves idle ones', async () => {
    const probe = new RawConnection(server.url);
    const starting = new RawConnection(server.url);
    const idle = new RawConnection(server.url);
    await idle.write('GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n');
    await until(() => idle.received.includes('"ok"'), { what: 'the first answer' });
    const body = JSON.stringify({ query: 'mutation { startSession(input: {}) { session { id } } }' });
    await probe.write('GET /ready HTTP/1.1\r\nhost: 127.0.0.1\r\n');
    await starting.write('POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n');
    // The server has begun to read them, as it has with all that came before this.
    await server.client.request('{ __typename }');
    const stopping = server.stop();
    await idle.ended();
    await expect(fetch(`${server.url}/health`)).rejects.toThrow('fetch failed');
    await probe.write('\r\n');
    await starting.write(`content-length: ${body.length}\r\n\r\n${body}`);
    const [readiness, refusal] = await Promise.all([probe.ended(), starting.ended()]);
    expect(readiness).toContain('HTTP/1.1 503');
    expect(readiness).toContain('"accepting":false');
    expect(refusal).toContain('"OVERLOADED"');
    await stopping;
  });

  it('breaks an event stream off, which does not say that the session is over', async () => {
    const sessionId = await startSession(server.client);
    await sendChunks(server.client, sessionId, speechChunks(['alpha', { silenceMs: 700 }]));
    const stream = new RawConnection(server.url);
    const body = JSON.stringify({ query: SEGMENT_ADDED, variables: { sessionId, fromStart: true } });
    await stream.write(
      'POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n' +
        `accept: text/event-stream\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    await until(() => stream.received.includes('FINAL'), { what: 'a final' });
    await server.stop();
    const received = await stream.ended();
    expect(received).not.toContain('event: complete');
    // The last piece of a whole body.
    expect(received).not.toContain('\r\n0\r\n\r\n');
  });
});

describe('a server with all the connections that it takes', () => {
  it('refuses more with OVERLOADED, hangs up on many more, answers probes, and goes on when one leaves', async () => {
    const full = await startTestServer({ maxConnections: 3 });
    const opened: RawConnection[] = [];
    const open = async () => {
      const connection = new RawConnection(full.url);
      opened.push(connection);
      await once(connection.socket, 'connect');
      return connection;
    };
    const ask = async (connection: RawConnection, target: string, headers = '') => {
      await connection.write(`GET ${target} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/json\r\n${headers}\r\n`);
      return connection.ended();
    };
    const query = '/graphql?query=%7B__typename%7D';
    const upgrade = 'connection: upgrade\r\nupgrade: websocket\r\n';
    try {
      const served = [await open(), await open(), await open()];
      expect(await ask(await open(), query)).toMatch(/^HTTP\/1\.1 503 [^]*retry-after: 10[^]*OVERLOADED/iu);
      expect(await ask(await open(), '/graphql', upgrade)).toMatch(/^HTTP\/1\.1 503 [^]*OVERLOADED/u);
      expect(await ask(await open(), '/ready')).toMatch(/^HTTP\/1\.1 200 [^]*connection: close/iu);
      const refused = await Promise.all(Array.from({ length: 80 }, open));
      await until(() => refused.some(({ socket }) => socket.closed), { what: 'a connection that is hung up on' });
      for (const { socket } of [...refused, ...served.slice(0, 1)]) socket.destroy();
      await until(async () => (await ask(await open(), query, 'connection: close\r\n')).startsWith('HTTP/1.1 200'), {
        what: 'an answer',
      });
    } finally {
      for (const { socket } of opened) socket.destroy();
      await full.stop();
    }
  });

  it('takes connections again after it refused upgrades, though their clients do not hang up', async () => {
    const full = await startTestServer({ maxConnections: 2 });
    const refused = [new RawConnection(full.url, true), new RawConnection(full.url, true)];
    try {
      for (const connection of refused) {
        await connection.write(
          'GET /nowhere HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
        );
        await until(() => connection.received.includes('NOT_FOUND'), { what: 'the refusal' });
      }
      await until(async () => (await fetch(`${full.url}/graphql?query={__typename}`)).status === 200, {
        what: 'an answer to another client',
      });
      expect(refused.map(({ socket }) => socket.closed)).toEqual([false, false]);
    } finally {
      for (const { socket } of refused) socket.destroy();
      await full.stop();
    }
  });
});
