import diagnostics from 'node:diagnostics_channel';
import { once } from 'node:events';
import { Socket } from 'node:net';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import {
  collectSegments,
  endSession,
  finalsOf,
  SEGMENT_ADDED,
  sendChunks,
  speechChunks,
  startSession,
  type SegmentView,
} from '../support/operations.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { until } from '../support/wait.ts';

/** So many subscriptions of one client make its finals as many bytes as those of a long time. */
const SUBSCRIPTIONS = 180;
/** More than one message is: that much of each subscription may wait at most. */
const MESSAGE_BYTES = 1_500;
const MOST_FINALS = 400;
const UTTERANCE = speechChunks(['alpha', 'bravo', { silenceMs: 700 }]);

const log: string[] = [];
const connections: Socket[] = [];
const noteConnection = (message: unknown) => {
  if (typeof message === 'object' && message !== null && 'socket' in message && message.socket instanceof Socket) {
    connections.push(message.socket);
  }
};
let server: TestServer;

beforeAll(async () => {
  diagnostics.subscribe('net.server.socket', noteConnection);
  const logger = pino({ level: 'info' }, { write: (line: string) => log.push(line) });
  server = await startTestServer({ slowReaderLimitMs: 1_000, logger });
});
afterEach(() => {
  connections.length = 0;
});
afterAll(async () => {
  diagnostics.unsubscribe('net.server.socket', noteConnection);
  await server.stop();
});

function bufferedBytes(): number {
  return connections.reduce((sum, socket) => sum + socket.writableLength, 0);
}

/** A client with many subscriptions that remembers the finals of the first one. */
class Subscriber {
  readonly finals: SegmentView[] = [];
  readonly socket: WebSocket;
  closedWith: number | null = null;

  constructor(url: string) {
    this.socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
    this.socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as {
        id?: string;
        type: string;
        payload?: { data: { segmentAdded: SegmentView } };
      };
      if (message.type !== 'next' || message.id !== '0' || message.payload === undefined) return;
      this.finals.push(...finalsOf([message.payload.data.segmentAdded]));
    });
    this.socket.on('close', (code) => {
      this.closedWith = code;
    });
  }

  async subscribe(sessionId: string): Promise<void> {
    await once(this.socket, 'open');
    this.socket.send(JSON.stringify({ type: 'connection_init' }));
    await once(this.socket, 'message');
    const payload = { query: SEGMENT_ADDED, variables: { sessionId, fromStart: true } };
    for (let id = 0; id < SUBSCRIPTIONS; id += 1) {
      this.socket.send(JSON.stringify({ id: `${id}`, type: 'subscribe', payload }));
    }
  }
}

it(
  'a subscriber that stops reading costs bounded memory and nobody else anything, and resumes without a gap or a double',
  { timeout: 120_000 },
  async () => {
    const { client, url } = server;
    const sessionId = await startSession(client);
    const others = collectSegments(client, sessionId, { fromStart: true });
    const onTime: SegmentView[] = [];
    const watching = (async () => {
      const events = client.events<{ segmentAdded: SegmentView }>(SEGMENT_ADDED, { sessionId, fromStart: true });
      for await (const { segmentAdded } of events) onTime.push(...finalsOf([segmentAdded]));
    })();
    const slow = new Subscriber(url);
    await slow.subscribe(sessionId);

    let sent = 0;
    let finals = 0;
    let mostBuffered = 0;
    const speak = async () => {
      sent = (await sendChunks(client, sessionId, UTTERANCE, sent)).nextSequence;
      finals += 1;
      // Everybody else has each final before the next one is spoken.
      await until(() => onTime.length === finals, { what: `final ${finals} at the others` });
      mostBuffered = Math.max(mostBuffered, bufferedBytes());
    };
    await speak();
    await until(() => slow.finals.length === 1, { what: 'the first final at the slow one' });
    slow.socket.pause();
    const isHungUpOn = () => log.some((line) => line.includes('reads too slowly'));
    for (let spoken = 0; spoken < MOST_FINALS && !isHungUpOn(); spoken += 1) await speak();
    expect(isHungUpOn()).toBe(true);
    expect(mostBuffered).toBeGreaterThan(0);
    expect(mostBuffered).toBeLessThan(SUBSCRIPTIONS * MESSAGE_BYTES);
    await speak();

    slow.socket.resume();
    expect(await until(() => slow.closedWith, { what: 'the close' })).toBe(1013);
    expect(slow.finals.length).toBeLessThan(finals);
    const cursor = slow.finals.at(-1)?.cursor ?? '';
    const rest = collectSegments(client, sessionId, { after: cursor });
    await endSession(client, sessionId, sent);
    await watching;
    expect(onTime.map(({ sequence }) => sequence)).toEqual(Array.from({ length: finals }, (_, index) => index + 1));
    expect([...slow.finals, ...finalsOf(await rest)]).toEqual(onTime);
    expect(finalsOf(await others)).toEqual(onTime);
  },
);
