import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { endSession, SEGMENT_ADDED, sendChunks, speechChunks, startSession } from '../support/operations.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { until } from '../support/wait.ts';

interface Message {
  readonly type: string;
  readonly id?: string;
  readonly payload?: unknown;
}

/** A socket that speaks the protocol's messages as they are, to send what a proper client would not. */
class RawSocket {
  readonly messages: Message[] = [];
  readonly socket: WebSocket;
  closedWith: number | null = null;

  constructor(url: string, protocol = 'graphql-transport-ws') {
    this.socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, protocol);
    this.socket.on('message', (data: Buffer) => this.messages.push(JSON.parse(data.toString())));
    this.socket.on('close', (code) => {
      this.closedWith = code;
    });
    this.socket.on('error', () => undefined);
  }

  async open(connectionParams: object = {}): Promise<this> {
    await once(this.socket, 'open');
    this.send({ type: 'connection_init', payload: connectionParams });
    await this.received(({ type }) => type === 'connection_ack');
    return this;
  }

  send(message: object): void {
    this.socket.send(JSON.stringify(message));
  }

  subscribe(id: string, query: string, variables: object = {}): void {
    this.send({ id, type: 'subscribe', payload: { query, variables } });
  }

  received(matches: (message: Message) => boolean): Promise<Message> {
    return until(() => this.messages.find(matches), { what: 'a message' });
  }

  closed(): Promise<number> {
    return until(() => this.closedWith, { what: 'the close of the socket' });
  }
}

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ maxChunkBytes: 8_192 });
});
afterAll(() => server.stop());

describe('a WebSocket', () => {
  it('survives a document with a syntax error, and so do its other subscriptions', async () => {
    const { client, url } = server;
    const sessionId = await startSession(client);
    const socket = await new RawSocket(url).open();
    socket.subscribe('watch', SEGMENT_ADDED, { sessionId });
    socket.subscribe('broken', 'subscription {');
    const error = await socket.received(({ id, type }) => id === 'broken' && type === 'error');
    expect(error.payload).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
    socket.subscribe('wrong', 'query { thereIsNoSuchField }');
    await socket.received(({ id, type }) => id === 'wrong' && type === 'error');

    await sendChunks(client, sessionId, speechChunks(['alpha', { silenceMs: 1_000 }]));
    await socket.received(({ id, type }) => id === 'watch' && type === 'next');
    await endSession(client, sessionId);
    await socket.received(({ id, type }) => id === 'watch' && type === 'complete');
    expect(socket.closedWith).toBeNull();
    socket.socket.close();
  });

  it('is told of errors what clients may know, and nothing else', async () => {
    const socket = await new RawSocket(server.url).open();
    socket.subscribe('syntax', '{');
    socket.subscribe('absent', SEGMENT_ADDED, { sessionId: Buffer.from('Session:none').toString('base64') });
    const syntax = await socket.received(({ id }) => id === 'syntax');
    const absent = await socket.received(({ id }) => id === 'absent');
    const errors = [syntax.payload, (absent.payload as { errors: unknown }).errors].flat();
    expect(errors.map((error) => (error as { extensions: object }).extensions)).toEqual([
      { code: 'BAD_USER_INPUT' },
      { code: 'NOT_FOUND' },
    ]);
    await socket.received(({ id, type }) => id === 'absent' && type === 'complete');
    socket.socket.close();
  });

  it('answers a client that subscribes to too much with RATE_LIMITED, and goes on', async () => {
    const sessionId = await startSession(server.client);
    const socket = await new RawSocket(server.url).open();
    for (let index = 0; index < 210; index += 1) socket.subscribe(`${index}`, SEGMENT_ADDED, { sessionId });
    const refusal = await socket.received(({ type }) => type === 'error');
    expect(refusal.payload).toMatchObject([{ extensions: { code: 'RATE_LIMITED' } }]);
    socket.subscribe('more', '{ sessions(first: 1) { edges { cursor } } }');
    await socket.received(({ id, type }) => id === 'more' && type === 'next');
    socket.socket.close();
    await endSession(server.client, sessionId);
  });

  it('takes a backlog of any length at once: what it cannot take yet waits at the client', async () => {
    const sessionId = await startSession(server.client);
    const chunks = Array.from({ length: 4_000 }, () => Buffer.alloc(3_200));
    const last = await sendChunks(server.client, sessionId, chunks);
    expect(last).toMatchObject({ nextSequence: 4_000, receivedMs: 400_000 });
    await endSession(server.client, sessionId);
  });

  it('is closed when it sends what is no message, or before it introduced itself', async () => {
    const babbling = await new RawSocket(server.url).open();
    babbling.socket.send('hello');
    expect(await babbling.closed()).toBe(4400);

    const hasty = new RawSocket(server.url);
    await once(hasty.socket, 'open');
    hasty.subscribe('1', '{ __typename }');
    expect(await hasty.closed()).toBe(4401);
  });

  it('is closed when it speaks another protocol', async () => {
    const socket = new RawSocket(server.url, 'graphql-ws');
    expect(await socket.closed()).toBeGreaterThan(0);
  });

  it('is closed with 1009 when a message is too large for the server', async () => {
    const socket = await new RawSocket(server.url).open();
    socket.subscribe('1', `query { __typename } # ${'x'.repeat(1_000_000)}`);
    expect(await socket.closed()).toBe(1009);
  });

  it('that never introduces itself is closed', async () => {
    const socket = new RawSocket(server.url);
    expect(await socket.closed()).toBe(4408);
  });

  it('is said goodbye to when the server stops, without holding it up', async () => {
    const other = await startTestServer();
    const sessionId = await startSession(other.client);
    const socket = await new RawSocket(other.url).open();
    socket.subscribe('watch', SEGMENT_ADDED, { sessionId });
    const before = performance.now();
    await other.stop();
    expect(await socket.closed()).toBe(1001);
    expect(performance.now() - before).toBeLessThan(8_000);
  });
});
