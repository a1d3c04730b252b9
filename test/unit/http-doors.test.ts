import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { buildSchema, GraphQLError, type GraphQLSchema } from 'graphql';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { Documents } from '../../src/http/documents.ts';
import { EventStreams } from '../../src/http/event-streams.ts';
import { graphqlOverHttp } from '../../src/http/graphql-over-http.ts';
import { graphqlOverWebSocket, type WebSocketDoor } from '../../src/http/graphql-over-websocket.ts';
import type { GraphqlParts } from '../../src/http/graphql-parts.ts';
import { listen } from '../../src/http/http-server.ts';
import { PullSubscription } from '../../src/services/pull-subscription.ts';
import { Gate } from '../support/gate.ts';
import { until } from '../support/wait.ts';

const SETTINGS = {
  maxMessageBytes: 1_000_000,
  maxSubscriptionsPerSocket: 10,
  connectionInitTimeoutMs: 60_000,
  pingIntervalMs: 60_000,
  pongLimitMs: 60_000,
  slowReaderLimitMs: 60_000,
  closeLimitMs: 60_000,
};
const LARGE = 'x'.repeat(50_000);
/** What the buffers of two systems take of what nobody reads, and much more than that. */
const MUCH_BYTES = 50_000_000;

/** The doors of GraphQL on a schema of their own, on real sockets. */
class Doors {
  readonly webSockets: WebSocketDoor;
  readonly streams: EventStreams;
  readonly gate = new Gate();
  /** Characters that the flood has produced. */
  produced = 0;
  floodsEnded = 0;
  operations = 0;
  readonly log: string[] = [];
  readonly connections: Socket[] = [];
  readonly #server: Server;
  #port = 0;

  constructor(settings: Partial<typeof SETTINGS>) {
    const all = { ...SETTINGS, ...settings };
    const logger = pino({ level: 'info' }, { write: (line: string) => this.log.push(line) });
    const schema = this.#schema();
    const toClientError = (error: unknown) => (error instanceof GraphQLError ? error : new GraphQLError(String(error)));
    const parts: GraphqlParts = {
      schema,
      documents: new Documents(schema, toClientError),
      unchangingTypes: new Set(),
      createContext: () => ({}),
      toClientError,
    };
    this.streams = new EventStreams(all, logger);
    this.webSockets = graphqlOverWebSocket(parts, all, () => undefined, logger);
    const overHttp = graphqlOverHttp(parts, { maxBodyBytes: 1_000_000 }, this.streams);
    this.#server = createServer((request, response) => void overHttp(request, response));
    this.#server.on('connection', (socket: Socket) => this.connections.push(socket));
    this.#server.on('upgrade', (request, socket, head) => this.webSockets.accept(request, socket, head));
  }

  async open(): Promise<this> {
    this.#port = (await listen(this.#server, 0, '127.0.0.1')).port;
    return this;
  }

  async close(): Promise<void> {
    await this.webSockets.close(0);
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async socket(options: { autoPong?: boolean } = {}): Promise<RawClient> {
    const client = new RawClient(new WebSocket(`ws://127.0.0.1:${this.#port}`, 'graphql-transport-ws', options));
    await once(client.socket, 'open');
    client.send({ type: 'connection_init' });
    await until(() => client.types.includes('connection_ack'));
    return client;
  }

  /** The raw bytes of an event stream; reads as long as it is not paused. */
  stream(): Socket {
    const socket = connect(this.#port, '127.0.0.1');
    const body = JSON.stringify({ query: 'subscription { flood }' });
    socket.write(
      'POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/event-stream\r\ncontent-type: application/json\r\n' +
        `content-length: ${body.length}\r\n\r\n${body}`,
    );
    return socket;
  }

  /** Bytes that wait in this process for clients to read on. */
  get bufferedBytes(): number {
    return this.connections.reduce((sum, socket) => sum + socket.writableLength, 0);
  }

  #schema(): GraphQLSchema {
    const schema = buildSchema('type Query { quick: Int slow: Int } type Subscription { flood: String quiet: Int }');
    const query = schema.getQueryType()?.getFields();
    const subscription = schema.getSubscriptionType()?.getFields();
    if (!query?.['quick'] || !query['slow'] || !subscription?.['flood'] || !subscription['quiet']) throw new Error();
    query['quick'].resolve = () => (this.operations += 1);
    query['slow'].resolve = async () => {
      this.operations += 1;
      await this.gate.opened;
      return 1;
    };
    subscription['flood'].subscribe = () => this.#flood();
    subscription['quiet'].subscribe = () => quiet();
    return schema;
  }

  #flood(): PullSubscription<{ flood: string }> {
    const pull = () => {
      if (this.produced >= MUCH_BYTES) return 'end';
      this.produced += LARGE.length;
      return { item: { flood: LARGE } };
    };
    return new PullSubscription(pull, () => (this.floodsEnded += 1));
  }
}

/** One event, and no end. */
function quiet(): PullSubscription<{ quiet: number }> {
  let isTold = false;
  const pull = () => {
    if (isTold) return 'nothing-yet';
    isTold = true;
    return { item: { quiet: 1 } };
  };
  return new PullSubscription(pull, () => undefined);
}

/** A socket that speaks the protocol's messages as they are. */
class RawClient {
  readonly socket: WebSocket;
  readonly types: string[] = [];
  /** Ids of operations that got a result. */
  readonly results: string[] = [];
  closedWith: number | null = null;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer) => {
      const { type, id } = JSON.parse(data.toString()) as { type: string; id?: string };
      this.types.push(type);
      if (type === 'next' && id !== undefined) this.results.push(id);
    });
    socket.on('close', (code) => {
      this.closedWith = code;
    });
    socket.on('error', () => undefined);
  }

  send(message: object): void {
    this.socket.send(JSON.stringify(message));
  }

  ask(id: string, query: string): void {
    this.send({ id, type: 'subscribe', payload: { query } });
  }

  closed(): Promise<number> {
    return until(() => this.closedWith, { what: 'the close of the socket' });
  }
}

const opened: Doors[] = [];
afterEach(async () => {
  for (const doors of opened.splice(0)) await doors.close();
});

async function open(settings: Partial<typeof SETTINGS> = {}): Promise<Doors> {
  const doors = await new Doors(settings).open();
  opened.push(doors);
  return doors;
}

describe('a WebSocket whose client does not read', () => {
  it('is closed with 1013 after the limit, which the client finds when it reads on; little waits meanwhile', async () => {
    const doors = await open({ slowReaderLimitMs: 300 });
    const client = await doors.socket();
    client.socket.pause();
    client.ask('flood', 'subscription { flood }');
    await until(() => doors.log.some((line) => line.includes('reads too slowly')), { what: 'the hang-up' });
    expect(doors.produced).toBeLessThan(MUCH_BYTES);
    expect(doors.bufferedBytes).toBeGreaterThan(0);
    expect(doors.bufferedBytes).toBeLessThan(2 * LARGE.length);
    client.socket.resume();
    expect(await client.closed()).toBe(1013);
    expect(client.types).not.toContain('complete');
    await until(() => doors.floodsEnded === 1, { what: 'the end of the subscription' });
  });

  it('is hung up on when the client does not even read that', async () => {
    const doors = await open({ slowReaderLimitMs: 100, closeLimitMs: 100 });
    const client = await doors.socket();
    client.socket.pause();
    client.ask('flood', 'subscription { flood }');
    await until(() => doors.connections.every((connection) => connection.destroyed), { what: 'the hang-up' });
    await until(() => doors.floodsEnded === 1, { what: 'the end of the subscription' });
    expect(doors.produced).toBeLessThan(MUCH_BYTES);
  });

  it('is closed even while the client sends: it answers no ping', async () => {
    const doors = await open({ pingIntervalMs: 200, pongLimitMs: 300, closeLimitMs: 100 });
    const client = await doors.socket();
    client.socket.pause();
    const sending = setInterval(() => client.ask(`${doors.operations}`, '{ quick }'), 5);
    try {
      await until(() => doors.log.some((line) => line.includes('reads too slowly')), { what: 'the hang-up' });
      expect(doors.operations).toBeGreaterThan(0);
      await until(() => doors.connections.every((connection) => connection.destroyed), { what: 'its end' });
    } finally {
      clearInterval(sending);
      client.socket.terminate();
    }
  });
});

describe('pings', () => {
  it('find a client that is gone without a word', async () => {
    const doors = await open({ pingIntervalMs: 100 });
    const silent = await doors.socket({ autoPong: false });
    expect(await silent.closed()).toBe(1006);
  });

  it('leave a client alone that answers them, and one whose answers wait while it sends', async () => {
    const doors = await open({ pingIntervalMs: 200 });
    const answering = await doors.socket();
    const sending = await doors.socket({ autoPong: false });
    let pings = 0;
    answering.socket.on('ping', () => (pings += 1));
    sending.socket.on('ping', () => sending.send({ type: 'pong' }));
    await until(() => pings >= 3, { what: 'three pings' });
    expect([answering.closedWith, sending.closedWith]).toEqual([null, null]);
  });
});

describe('a WebSocket at the end of the server', () => {
  it('gets the answers to what was taken, then 1001; its subscriptions do not complete', async () => {
    const doors = await open();
    const client = await doors.socket();
    client.ask('watch', 'subscription { quiet }');
    client.ask('slow', '{ slow }');
    await until(() => doors.operations === 1 && client.results.includes('watch'));
    const closing = doors.webSockets.close(60_000);
    client.ask('late', '{ quick }');
    doors.gate.open();
    expect(await client.closed()).toBe(1001);
    await closing;
    expect(client.results).toEqual(['watch', 'slow']);
    // That of the answer; the one that came too late was not begun.
    expect(client.types.filter((type) => type === 'complete')).toHaveLength(1);
    expect(doors.operations).toBe(1);
  });

  it('does not wait longer than the limit for an answer or a goodbye', async () => {
    const doors = await open();
    const [waiting, deaf] = [await doors.socket(), await doors.socket()];
    waiting.ask('slow', '{ slow }');
    await until(() => doors.operations === 1);
    deaf.socket.pause();
    await doors.webSockets.close(400);
    expect(await waiting.closed()).toBe(1001);
    expect(doors.connections.every((connection) => connection.destroyed)).toBe(true);
  });
});

describe('an event stream', () => {
  it('whose client does not read is broken off after the limit; little waits meanwhile', async () => {
    const doors = await open({ slowReaderLimitMs: 300 });
    const client = doors.stream().pause();
    await until(() => doors.log.some((line) => line.includes('reads too slowly')), { what: 'the hang-up' });
    expect(doors.bufferedBytes).toBeLessThan(4 * LARGE.length);
    expect(doors.produced).toBeLessThan(MUCH_BYTES);
    await until(() => doors.floodsEnded === 1, { what: 'the end of the subscription' });
    client.destroy();
  });

  it('whose client reads goes on to its end, however long that takes', async () => {
    const doors = await open({ slowReaderLimitMs: 50 });
    let received = '';
    const client = doors.stream();
    client.on('data', (data: Buffer) => (received = (received + data.toString()).slice(-100)));
    await until(() => received.includes('event: complete'), { what: 'the end' });
    expect(doors.produced).toBe(MUCH_BYTES);
    client.destroy();
  });

  it('ends with the server, without the event that says that there is no more', async () => {
    const doors = await open();
    let received = '';
    const client = doors.stream().pause();
    await until(() => doors.produced > 0);
    client.on('data', (data: Buffer) => (received = (received + data.toString()).slice(-100)));
    client.on('error', () => undefined);
    doors.streams.end();
    client.resume();
    await once(client, 'close');
    expect(received.endsWith('0\r\n\r\n')).toBe(false);
    expect(received).not.toContain('complete');
    await until(() => doors.floodsEnded === 1, { what: 'the end of the subscription' });
  });
});
