import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Duplex } from 'node:stream';
import { expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { encodeResult, EventMessages } from '../../src/http/event-messages.ts';
import { until } from '../support/wait.ts';

it('messages of every length are whole messages to a WebSocket client, between those of the server', async () => {
  const http = createServer();
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  const ends: { readonly socket: WebSocket; readonly connection: Duplex }[] = [];
  http.on('upgrade', (request, connection, head) => {
    sockets.handleUpgrade(request, connection, head, (socket) => ends.push({ socket, connection }));
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const address = http.address();
  if (address === null || typeof address === 'string') throw new Error('The server listens on no port');
  const client = new WebSocket(`ws://127.0.0.1:${address.port}`);
  const received: unknown[] = [];
  client.on('message', (data: Buffer, isBinary) => received.push(isBinary ? data : JSON.parse(data.toString())));
  await once(client, 'open');
  const { socket, connection } = await until(() => ends[0], { what: 'the connection' });

  const id = 'a "quoted" naïve id';
  const messages = new EventMessages(id);
  const told: unknown[] = [];
  for (const length of [0, 20, 70, 125, 126, 1_000, 65_400, 65_470, 65_536, 200_000, 3]) {
    const payload = { data: { text: 'é'.repeat(length / 2) } };
    const result = encodeResult(JSON.stringify(payload));
    connection.write(messages.headOf(result.byteLength));
    connection.write(result);
    told.push({ id, type: 'next', payload });
    await until(() => received.length === told.length, { what: `a message of ${length} bytes` });
    socket.send('"between"');
    told.push('between');
    await until(() => received.length === told.length, { what: 'a message of the server' });
  }
  expect(received).toEqual(told);
  client.close();
  await once(client, 'close');
  sockets.close();
  http.close();
});
