import diagnostics from 'node:diagnostics_channel';
import { once } from 'node:events';
import { connect, Socket } from 'node:net';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dataOf } from '../support/graphql-client.ts';
import {
  collectSegments,
  endSession,
  finalsOf,
  sendChunk,
  speechChunks,
  startSession,
  textsOf,
} from '../support/operations.ts';
import { RawSocket } from '../support/raw-socket.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { until } from '../support/wait.ts';

const SPEECH = speechChunks(['alpha', 'bravo', { silenceMs: 1_000 }]);
const WORDS = 'alpha bravo';
const MIB = 1024 * 1024;
/** Of what may wait for one client in this process: two of the largest answers, and what was on its way before. */
const MOST_WAITING_BYTES = 2 * MIB;

/** Costs next to nothing, and is answered with more bytes than it has. */
const LIGHT = `{ ${Array.from({ length: 40 }, (_, index) => `a${index}: __typename`).join(' ')} }`;
const LIGHT_FLOOD = 20_000;
/** Of which each event has some thousand bytes. */
const TALKATIVE = `subscription ($sessionId: ID!) { segmentAdded(sessionId: $sessionId, fromStart: true) {
  ${Array.from({ length: 45 }, (_, index) => `a${index}: cursor`).join(' ')} } }`;
/** As much as one operation may cost: all of the schema, four times. */
const HEAVY = `{ a: __schema { ...All } b: __schema { ...All } c: __schema { ...All } d: __schema { ...All } }
  fragment All on __Schema { types { name description fields { name description args { name description type { ...Named } } type { ...Named } } inputFields { name description type { ...Named } } } }
  fragment Named on __Type { name kind ofType { name kind ofType { name kind ofType { name kind } } } }`;
const HEAVY_FLOOD = 60;
/** As many as may be sent ahead of the answers, almost. */
const HTTP_FLOOD = 30;

let server: TestServer;
const log: string[] = [];
/** The server's ends of all connections. */
const connections: Socket[] = [];
const noteConnection = (message: unknown) => {
  if (typeof message === 'object' && message !== null && 'socket' in message && message.socket instanceof Socket) {
    connections.push(message.socket);
  }
};
beforeAll(async () => {
  diagnostics.subscribe('net.server.socket', noteConnection);
  const logger = pino({ level: 'info' }, { write: (line: string) => log.push(line) });
  server = await startTestServer({ slowReaderLimitMs: 400, logger });
  await speak();
});
afterAll(async () => {
  diagnostics.unsubscribe('net.server.socket', noteConnection);
  await server.stop();
});

/** A whole session, each chunk after the acknowledgement of the one before; all its words are there. */
async function speak(): Promise<void> {
  const sessionId = await startSession(server.client);
  for (const [sequence, chunk] of SPEECH.entries()) {
    const { nextSequence } = dataOf(await sendChunk(server.client, sessionId, sequence, chunk)).sendAudio;
    expect(nextSequence).toBe(sequence + 1);
  }
  await endSession(server.client, sessionId, SPEECH.length);
  const segments = await collectSegments(server.client, sessionId, { fromStart: true });
  expect(textsOf(finalsOf(segments))).toEqual([WORDS]);
}

/** One end of a connection at the client, and the other one at the server. */
class Flooder {
  readonly client: RawSocket;
  readonly connection: Socket;
  /** Most bytes that waited for it in the server's process. */
  mostWaiting = 0;
  /** What was read of it, until the server had enough. */
  bytesTaken = 0;
  readonly #logged = log.length;
  readonly #watching: NodeJS.Timeout;

  private constructor(client: RawSocket, connection: Socket) {
    this.client = client;
    this.connection = connection;
    this.#watching = setInterval(() => this.#look(), 1);
    connection.once('close', () => clearInterval(this.#watching));
    connection.on('drain', () => this.#look());
  }

  static async open(): Promise<Flooder> {
    const known = connections.length;
    const client = await new RawSocket(server.url).open();
    const [connection] = connections.slice(known);
    if (connection === undefined) throw new Error('The server has no such connection');
    return new Flooder(client, connection);
  }

  subscribe(count: number, query: string): void {
    for (let index = 0; index < count; index += 1) this.client.subscribe(String(index), query);
  }

  async untilGivenUp(): Promise<void> {
    await until(() => this.#isGivenUp, { what: 'the end of its patience' });
  }

  /** How the server hung up on it, once it has, which the client learns by reading on. */
  async hungUpOn(): Promise<number> {
    await this.untilGivenUp();
    this.client.socket.resume();
    return this.client.closed();
  }

  get #isGivenUp(): boolean {
    return log.slice(this.#logged).some((line) => line.includes('reads too slowly'));
  }

  #look(): void {
    // What comes after that is not taken.
    if (this.#isGivenUp) return;
    this.bytesTaken = this.connection.bytesRead;
    this.mostWaiting = Math.max(this.mostWaiting, this.connection.writableLength);
  }
}

describe('a socket that floods costs bounded memory and nobody else anything', () => {
  it('with light queries whose answers it does not read: it is not read on, and hung up on', async () => {
    const flooder = await Flooder.open();
    flooder.client.socket.pause();
    flooder.subscribe(LIGHT_FLOOD, LIGHT);
    await speak();
    expect(await flooder.hungUpOn()).toBe(1013);
    expect(flooder.bytesTaken).toBeLessThan((LIGHT_FLOOD * LIGHT.length) / 2);
    expect(flooder.mostWaiting).toBeLessThan(MOST_WAITING_BYTES);
    await speak();
  });

  it('with the heaviest queries, reading the answers: a few are made at a time, and in their order', async () => {
    const flooder = await Flooder.open();
    flooder.subscribe(HEAVY_FLOOD / 4, HEAVY);
    await speak();
    const completed = () => flooder.client.messages.filter(({ type }) => type === 'complete').length;
    await until(() => completed() === HEAVY_FLOOD / 4, { what: 'all answers', timeoutMs: 30_000 });
    const ids = flooder.client.messages.filter(({ type }) => type === 'next').map(({ id }) => Number(id));
    expect(ids).toEqual(Array.from({ length: HEAVY_FLOOD / 4 }, (_, index) => index));
    expect(flooder.mostWaiting).toBeLessThan(MOST_WAITING_BYTES);
    flooder.client.socket.close();
  });

  it('with the heaviest queries, reading nothing: no more are made, and it is hung up on', async () => {
    const flooder = await Flooder.open();
    flooder.client.socket.pause();
    flooder.subscribe(HEAVY_FLOOD, HEAVY);
    await speak();
    expect(await flooder.hungUpOn()).toBe(1013);
    expect(flooder.mostWaiting).toBeGreaterThan(0);
    expect(flooder.mostWaiting).toBeLessThan(MOST_WAITING_BYTES);
  });

  it('by subscribing and completing without end, and reading nothing', async () => {
    const sessionId = await startSession(server.client);
    for (const [sequence, chunk] of SPEECH.entries()) await sendChunk(server.client, sessionId, sequence, chunk);
    const flooder = await Flooder.open();
    flooder.client.socket.pause();
    const over = new AbortController();
    const flood = (async () => {
      for (let index = 0; !over.signal.aborted; index += 1) {
        flooder.client.subscribe(String(index), TALKATIVE, { sessionId });
        // What was sent comes first, so that there is something to complete.
        if (index >= 50) flooder.client.send({ id: String(index - 50), type: 'complete' });
        if (index % 50 === 0) await new Promise(setImmediate);
      }
    })();
    await speak();
    await flooder.untilGivenUp();
    over.abort();
    await flood;
    expect(await flooder.hungUpOn()).toBe(1013);
    expect(flooder.mostWaiting).toBeLessThan(MOST_WAITING_BYTES);
  });

  it('with pings of the protocol that it does not read the answers of: it is not read on, and hung up on', async () => {
    const flooder = await Flooder.open();
    flooder.client.socket.pause();
    const payload = { text: 'x'.repeat(1_000) };
    for (let index = 0; index < LIGHT_FLOOD; index += 1) flooder.client.send({ type: 'ping', payload });
    await speak();
    expect(await flooder.hungUpOn()).toBe(1013);
    expect(flooder.bytesTaken).toBeLessThan((LIGHT_FLOOD * payload.text.length) / 2);
    expect(flooder.mostWaiting).toBeLessThan(MOST_WAITING_BYTES);
  });

  it('with pings of WebSockets, and with what is no message at all: it is hung up on', async () => {
    const pinging = await Flooder.open();
    pinging.client.socket.pause();
    for (let index = 0; index < LIGHT_FLOOD; index += 1) pinging.client.socket.ping('x'.repeat(125));
    const talking = await Flooder.open();
    for (let index = 0; index < LIGHT_FLOOD; index += 1) talking.client.socket.send('}{');
    await speak();
    expect(await talking.client.closed()).toBe(4400);
    await until(() => pinging.connection.destroyed, { what: 'the end of the connection' });
    expect(pinging.mostWaiting).toBeLessThan(MOST_WAITING_BYTES);
  });
});

describe('a connection that floods over HTTP', () => {
  it('with heavy requests ahead of the answers, and reads none, is hung up on, and costs nobody else anything', async () => {
    const body = JSON.stringify({ query: HEAVY });
    const head = ['POST /graphql HTTP/1.1', 'host: localhost', 'content-type: application/json'];
    const request = [...head, `content-length: ${body.length}`, '', body].join('\r\n');
    const known = connections.length;
    const { port, hostname } = new URL(server.url);
    const client = connect(Number(port), hostname);
    await once(client, 'connect');
    const connection = await until(() => connections[known], { what: 'the connection at the server' });
    client.on('error', () => undefined).pause();
    client.write(request.repeat(HTTP_FLOOD));
    await speak();
    await until(() => connection.destroyed, { what: 'the end of the connection' });
    expect(connection.bytesRead).toBe(request.length * HTTP_FLOOD);
    client.destroy();
  });
});
