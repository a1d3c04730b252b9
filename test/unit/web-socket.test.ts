import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { createSocket } from '../../web/src/api/socket.ts';
import { until } from '../support/wait.ts';

const PING_MS = 5;

let server: WebSocketServer | null = null;
afterEach(() => {
  for (const client of server?.clients ?? []) client.terminate();
  server?.close();
});

/** A server that accepts a connection, and is then asked for signs of life. */
async function serverThat(answersPings: boolean): Promise<{ url: string; pings: () => number }> {
  let pings = 0;
  server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'graphql-transport-ws' });
  server.on('connection', (socket) => {
    socket.on('message', (data: Buffer) => {
      const { type } = JSON.parse(data.toString()) as { type: string };
      if (type === 'connection_init') socket.send(JSON.stringify({ type: 'connection_ack' }));
      if (type !== 'ping') return;
      pings += 1;
      if (answersPings) socket.send(JSON.stringify({ type: 'pong' }));
    });
  });
  await once(server, 'listening');
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, pings: () => pings };
}

function subscribe(url: string, pongLimitMs: number) {
  const errors: unknown[] = [];
  const socket = createSocket({ url, webSocketImpl: WebSocket, onConnected: () => {}, pingMs: PING_MS, pongLimitMs });
  const sink = { next: () => {}, error: (error: unknown) => errors.push(error), complete: () => {} };
  return { errors, leave: socket.subscribe({ query: 'subscription { a }' }, sink) };
}

describe('a subscription of the page', () => {
  it('ends with an error when its connection gives no sign of life any more', async () => {
    const { url } = await serverThat(false);
    const { errors } = subscribe(url, 20);
    await until(() => errors.length > 0);
    expect(errors).toMatchObject([{ code: 4499 }]);
  });

  it('goes on as long as the server answers', async () => {
    const { url, pings } = await serverThat(true);
    const limitMs = 250;
    const { errors, leave } = subscribe(url, limitMs);
    // By then the limit of the first ping is over.
    await until(() => pings() > limitMs / PING_MS + 5);
    expect(errors).toEqual([]);
    leave();
  });
});
