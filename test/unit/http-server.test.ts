import { connect } from 'node:net';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { createHttpServer, listen } from '../../src/http/http-server.ts';
import { readBody } from '../../src/http/request-body.ts';
import { ResponsesUnderWay } from '../../src/http/responses-under-way.ts';
import { sendJson } from '../../src/http/responses.ts';
import { ServiceError } from '../../src/services/errors.ts';
import { Gate } from '../support/gate.ts';
import { until } from '../support/wait.ts';

const HEAD = 'POST / HTTP/1.1\r\nhost: localhost\r\n';

/** A server that answers with the length of what it was sent, `/slow` once the gate is open. */
class EchoServer {
  readonly gate = new Gate();
  readonly underWay = new ResponsesUnderWay();
  begun = 0;
  readonly log: string[] = [];
  readonly #server;
  #port = 0;

  constructor({ headersLimitMs = 60_000, requestLimitMs = 60_000 }) {
    this.#server = createHttpServer({
      policy: { host: '127.0.0.1', allowedOrigins: [], authToken: null },
      route: (_request, { pathname }) => ({
        door: 'data',
        handle: async (request, response) => {
          const number = (this.begun += 1);
          if (pathname === '/slow') await this.gate.opened;
          const { length } = await readBody(request, 1_000, () => new ServiceError('AUDIO_TOO_LARGE', 'Too large.'));
          sendJson(response, 200, { length, number });
        },
      }),
      upgrade: (_request, socket) => socket.destroy(),
      isSocketPath: () => false,
      isSignedLink: () => false,
      responses: this.underWay,
      settings: { maxConnections: 10, slowReaderLimitMs: 60_000, headersLimitMs, requestLimitMs },
      tls: null,
      logger: pino({ level: 'info' }, { write: (line: string) => this.log.push(line) }),
    });
  }

  async open(): Promise<this> {
    this.#port = (await listen(this.#server, 0, '127.0.0.1')).port;
    return this;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** Sends bytes over a connection of its own; `received` is what came until the server hung up, if it did. */
  send(bytes: string) {
    const socket = connect(this.#port, '127.0.0.1');
    const exchange = { socket, received: '', ended: false };
    socket.on('data', (data) => (exchange.received += data.toString()));
    socket.on('error', () => undefined);
    socket.on('close', () => (exchange.ended = true));
    socket.write(bytes);
    return exchange;
  }
}

const opened: EchoServer[] = [];
afterEach(() => {
  for (const server of opened.splice(0)) server.close();
});
async function open(limits: ConstructorParameters<typeof EchoServer>[0] = {}): Promise<EchoServer> {
  const server = await new EchoServer(limits).open();
  opened.push(server);
  return server;
}

describe('a request that stops half-way', () => {
  it.each([
    ['in its body', `${HEAD}content-length: 100\r\n\r\nhalf`, 1],
    ['in a chunk of its body', `${HEAD}transfer-encoding: chunked\r\n\r\n64\r\nhalf`, 1],
    ['in its headers', `${HEAD}content-le`, 0],
  ])('%s is answered with 408 after the limit, hung up on, and forgotten', async (_where, bytes, begun) => {
    const server = await open({ headersLimitMs: 200, requestLimitMs: 200 });
    const exchange = server.send(bytes);
    await until(() => exchange.ended, { what: 'the end of the connection' });
    expect(exchange.received).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n[^{]*\r\n\r\n\{"error":\{"code":"BAD_USER_/u);
    expect(server.begun).toBe(begun);
    await until(() => server.underWay.count === 0);
    expect(server.log).toEqual([]);
  });

  it('is forgotten at once when its client leaves', async () => {
    const server = await open();
    const exchange = server.send(`${HEAD}content-length: 100\r\n\r\nhalf`);
    await until(() => server.begun === 1);
    exchange.socket.destroy();
    await until(() => server.underWay.count === 0);
    expect(server.log).toEqual([]);
  });

  it('behind one that is being answered does not spoil that answer', async () => {
    const server = await open({ headersLimitMs: 300, requestLimitMs: 300 });
    const whole = `${HEAD.replace('/ ', '/slow ')}content-length: 4\r\n\r\nfour`;
    const exchange = server.send(`${whole}${HEAD}content-length: 100\r\n\r\nhalf`);
    await until(() => server.begun === 2);
    server.gate.open();
    await until(() => exchange.ended, { what: 'the end of the connection' });
    const [first = '', second = ''] = exchange.received.split(/(?=HTTP\/1\.1 408)/u);
    expect(first).toMatch(/^HTTP\/1\.1 200 OK[^{]*\{"length":4,"number":1\}$/u);
    expect(second).toMatch(/^HTTP\/1\.1 408/u);
  });
});

describe('what is no request', () => {
  it.each([
    ['nonsense', 'hello\r\n\r\n', 400],
    ['a TLS greeting', '\u0016\u0003\u0001\u0002\u0000', 400],
    ['a length that is none', `${HEAD}content-length: many\r\n\r\n`, 400],
    ['two lengths', `${HEAD}content-length: 1\r\ncontent-length: 2\r\n\r\n`, 400],
    ['a length and chunks', `${HEAD}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n`, 400],
    ['a chunk without a length', `${HEAD}transfer-encoding: chunked\r\n\r\nzz\r\n`, 400],
    ['endless headers', `${HEAD}x: ${'x'.repeat(20_000)}`, 431],
  ])('is refused with a code and hung up on: %s', async (_what, bytes, status) => {
    const server = await open();
    const exchange = server.send(bytes);
    await until(() => exchange.ended, { what: 'the end of the connection' });
    expect(exchange.received.startsWith(`HTTP/1.1 ${status} `)).toBe(true);
    expect(JSON.parse(exchange.received.split('\r\n\r\n')[1] ?? '')).toMatchObject({
      error: { code: 'BAD_USER_INPUT' },
    });
    await until(() => server.underWay.count === 0);
  });

  it('is never taken for the answer to a request before it', async () => {
    const server = await open();
    const exchange = server.send(`${HEAD.replace('/ ', '/slow ')}content-length: 4\r\n\r\nfour`);
    await until(() => server.begun === 1);
    exchange.socket.write('hello\r\n\r\n');
    await until(() => exchange.ended, { what: 'the end of the connection' });
    expect(exchange.received).toBe('');
  });
});

describe('requests ahead of the answers', () => {
  const slow = 'GET /slow HTTP/1.1\r\nhost: localhost\r\n\r\n';

  it('are answered in order', async () => {
    const server = await open();
    const exchange = server.send(slow.repeat(32));
    await until(() => server.begun === 32);
    server.gate.open();
    const numbers = () => [...exchange.received.matchAll(/"number":(\d+)/gu)].map(([, number]) => Number(number));
    await until(() => numbers().length === 32, { what: 'all answers' });
    expect(numbers()).toEqual(Array.from({ length: 32 }, (_, index) => index + 1));
    exchange.socket.destroy();
  });

  it('are too many at some point: the connection is cut, and others are served', async () => {
    const server = await open();
    const flood = server.send(slow.repeat(10_000));
    await until(() => flood.ended, { what: 'the cut' });
    expect(server.begun).toBe(32);
    await until(() => server.underWay.count === 0);
    const other = server.send('GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n');
    await until(() => other.received.includes('{"length":0,'));
    server.gate.open();
  });
});
