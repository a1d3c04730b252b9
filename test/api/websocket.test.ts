import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endSession, SEGMENT_ADDED, sendChunks, speechChunks, startSession } from '../support/operations.ts';
import { RawSocket } from '../support/raw-socket.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { until } from '../support/wait.ts';

let server: TestServer;
/** Says nothing while the other tests run, so that none of them has to wait for what becomes of it. */
let silent: RawSocket;
beforeAll(async () => {
  server = await startTestServer({ maxChunkBytes: 8_192 });
  silent = new RawSocket(server.url);
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

  it('is closed with 1009 when a message is too large for the server', async () => {
    const socket = await new RawSocket(server.url).open();
    socket.subscribe('1', `query { __typename } # ${'x'.repeat(1_000_000)}`);
    expect(await socket.closed()).toBe(1009);
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

// https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
describe('the protocol graphql-transport-ws', () => {
  it.each([
    ['that is no JSON', 'hello'],
    ['that is no object', '"hello"'],
    ['without a type', '{}'],
    ['of a type that there is not', '{"type":"start","id":"1","payload":{"query":"{ __typename }"}}'],
    ['without an id', '{"type":"subscribe","payload":{"query":"{ __typename }"}}'],
    ['with an empty id', '{"type":"subscribe","id":"","payload":{"query":"{ __typename }"}}'],
    ['without an operation', '{"type":"subscribe","id":"1","payload":{}}'],
    [
      'with variables that are none',
      '{"type":"subscribe","id":"1","payload":{"query":"{ __typename }","variables":1}}',
    ],
    ['of bytes that are no text', Buffer.from([0, 255, 254])],
  ])('closes a socket with 4400 after a message %s', async (_what, message) => {
    const socket = await new RawSocket(server.url).open();
    socket.socket.send(message);
    expect(await socket.closed()).toBe(4400);
    expect(socket.closeReason).not.toBe('');
  });

  it('closes with 4401 what asks before it was let in, and with 4429 what introduces itself twice', async () => {
    const hasty = new RawSocket(server.url);
    await once(hasty.socket, 'open');
    hasty.subscribe('1', '{ __typename }');
    expect(await hasty.closed()).toBe(4401);
    const repeating = await new RawSocket(server.url).open();
    repeating.send({ type: 'connection_init' });
    expect(await repeating.closed()).toBe(4429);
  });

  it('closes with 4406 what speaks no protocol that the server knows', async () => {
    expect(await new RawSocket(server.url, []).closed()).toBe(4406);
    // The client itself refuses a server that does not speak the one it asked for.
    expect(await new RawSocket(server.url, 'graphql-ws').closed()).toBe(1006);
    const either = await new RawSocket(server.url, ['graphql-ws', 'graphql-transport-ws']).open();
    expect(either.socket.protocol).toBe('graphql-transport-ws');
    either.socket.close();
  });

  it('closes with 4409 what gives a second subscription the id of one that goes on', async () => {
    const sessionId = await startSession(server.client);
    const socket = await new RawSocket(server.url).open();
    socket.subscribe('same', SEGMENT_ADDED, { sessionId });
    socket.subscribe('same', SEGMENT_ADDED, { sessionId });
    expect(await socket.closed()).toBe(4409);
    expect(socket.closeReason).toBe('Subscriber for same already exists');
    await endSession(server.client, sessionId);
  });

  it('answers a ping with a pong and its payload, also before the introduction, and takes a pong for nothing', async () => {
    const socket = new RawSocket(server.url);
    await once(socket.socket, 'open');
    socket.send({ type: 'ping', payload: { at: 1 } });
    expect(await socket.received(({ type }) => type === 'pong')).toEqual({ type: 'pong', payload: { at: 1 } });
    socket.send({ type: 'connection_init' });
    socket.send({ type: 'pong' });
    socket.send({ type: 'ping' });
    await until(() => socket.messages.filter(({ type }) => type === 'pong').length === 2);
    expect(socket.closedWith).toBeNull();
    socket.socket.close();
  });

  it('ends a subscription that its client completes, whose id may be used again then', async () => {
    const { client, url } = server;
    const sessionId = await startSession(client);
    const socket = await new RawSocket(url).open();
    const chunks = speechChunks(['alpha', { silenceMs: 1_000 }]);
    socket.subscribe('watch', SEGMENT_ADDED, { sessionId, fromStart: true });
    await sendChunks(client, sessionId, chunks);
    await socket.received(({ id, type }) => id === 'watch' && type === 'next');
    socket.send({ id: 'watch', type: 'complete' });
    socket.send({ id: 'never subscribed', type: 'complete' });
    // What comes for the id from here on is the answer to this one.
    socket.subscribe('barrier', '{ __typename }');
    await socket.received(({ id, type }) => id === 'barrier' && type === 'complete');
    const before = socket.messages.length;
    await sendChunks(client, sessionId, chunks, chunks.length);
    await endSession(client, sessionId);
    expect(socket.messages.slice(before)).toEqual([]);
    socket.subscribe('watch', '{ __typename }');
    await socket.received(({ id, type }) => id === 'watch' && type === 'complete');
    expect(socket.messages.slice(before)).toEqual([
      { id: 'watch', type: 'next', payload: { data: { __typename: 'Query' } } },
      { id: 'watch', type: 'complete' },
    ]);
    socket.socket.close();
  });

  it('takes messages as text and as bytes', async () => {
    const socket = await new RawSocket(server.url).open();
    const message = { type: 'subscribe', id: 'bytes', payload: { query: '{ __typename }' } };
    socket.socket.send(Buffer.from(JSON.stringify(message)), { binary: true });
    await socket.received(({ id, type }) => id === 'bytes' && type === 'complete');
    expect(socket.closedWith).toBeNull();
    socket.socket.close();
  });

  it('closes with 4408 what never introduces itself', async () => {
    expect(await silent.closed()).toBe(4408);
  });
});
