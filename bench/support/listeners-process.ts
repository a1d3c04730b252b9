// The listeners of the fan-out benchmark, in a process of their own: open sockets, say what they are told to say, and count.
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { percentile } from './percentile.ts';

const order = z.discriminatedUnion('type', [
  z.object({ type: z.literal('open'), url: z.string(), sockets: z.int(), subscription: z.string() }),
  z.object({ type: z.literal('count') }),
]);

/** Sockets that are opened at a time. */
const OPENING_AT_A_TIME = 50;
const sockets: WebSocket[] = [];
let received = 0;
let finals = 0;
/** When each message came to the first of the sockets, on the clock of `performance.now()`. */
const firstAt = new Map<string, number>();
let behindFirst: number[] = [];

process.on('message', (message) => {
  const parsed = order.parse(message);
  if (parsed.type === 'open') void open(parsed.url, parsed.sockets, parsed.subscription);
  else count();
});
// Without its parent nobody would end it.
process.on('disconnect', () => process.exit(1));

/** @param subscription what each of them says when it is acknowledged */
async function open(url: string, number: number, subscription: string): Promise<void> {
  while (sockets.length < number) {
    const some = Math.min(OPENING_AT_A_TIME, number - sockets.length);
    sockets.push(...(await Promise.all(Array.from({ length: some }, () => openOne(url, subscription)))));
  }
  process.send?.({ type: 'opened' });
}

async function openOne(url: string, subscription: string): Promise<WebSocket> {
  const socket = new WebSocket(url, 'graphql-transport-ws', { perMessageDeflate: false });
  await once(socket, 'open');
  socket.send('{"type":"connection_init"}');
  await once(socket, 'message');
  socket.on('message', (data: Buffer) => take(data.toString()));
  socket.on('close', (code, reason) => {
    console.error(`a listener was hung up on: ${code} ${reason.toString()}`);
    process.exit(1);
  });
  socket.send(subscription);
  return socket;
}

function take(text: string): void {
  if (!text.includes('"next"')) return;
  received += 1;
  if (text.includes('"FINAL"')) finals += 1;
  const now = performance.now();
  const first = firstAt.get(text);
  if (first === undefined) firstAt.set(text, now);
  else behindFirst.push(now - first);
}

function count(): void {
  process.send?.({ type: 'counted', received, finals, p99BehindFirstMs: percentile(behindFirst, 0.99) ?? 0 });
  behindFirst = [];
  firstAt.clear();
}
