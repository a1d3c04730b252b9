import { once } from 'node:events';
import { connect, createServer, Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { sortOutPlainVisitors } from '../../src/http/plain-visitors.ts';
import { until } from '../support/wait.ts';

const LIMIT_MS = 200;
const HANDSHAKE = 0x16;

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A connection of which the server has not decided yet what it speaks. */
async function visit(onTls: () => void = () => undefined): Promise<{ client: Socket; visitor: Socket }> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server listens on no port');
  const arrival = once(server, 'connection');
  const client = connect(address.port, '127.0.0.1').on('error', () => undefined);
  const [visitor] = await arrival;
  if (!(visitor instanceof Socket)) throw new TypeError('Nobody came');
  sortOutPlainVisitors(visitor, LIMIT_MS, onTls);
  closing.push(() => {
    client.destroy();
    server.close();
  });
  return { client, visitor };
}

describe('a connection that does not say in time whether it speaks TLS', () => {
  it.each([
    ['is silent', () => undefined],
    ['sends its request one character at a time', (client: Socket) => void client.write('x')],
  ])('is hung up on when it %s', async (_how, act) => {
    const { client, visitor } = await visit();
    const acting = setInterval(() => act(client), LIMIT_MS / 10);
    closing.push(() => clearInterval(acting));
    await until(() => visitor.destroyed, { what: 'the hang-up', timeoutMs: 2_000 });
    expect(visitor.destroyed).toBe(true);
  });

  it('is left to TLS once it does, with all that it has sent', async () => {
    let isTls = false;
    const { client, visitor } = await visit(() => (isTls = true));
    client.write(Buffer.of(HANDSHAKE, 3));
    await until(() => isTls, { what: 'the decision' });
    expect(visitor.read()).toEqual(Buffer.of(HANDSHAKE, 3));
  });
});
