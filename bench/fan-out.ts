import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { ApiConnection } from '../src/cli/api-connection.ts';
import type { Benchmark, BenchmarkContext, Outcome } from './benchmark.ts';
import { startBare } from './support/bare-process.ts';
import { Listeners, type ListenerCounts } from './support/listeners.ts';
import { START_SESSION, startedSession } from './support/live-stream.ts';
import { withMeasuredServer } from './support/server.ts';
import { TONE_FORMAT, toneChunks } from './support/tone-chunks.ts';

const LISTENERS = 1_000;
/** A draft is due with every second frame of the speech detector then, while somebody speaks. */
const INTERIM_INTERVAL_MS = 40;
const CHUNK_MS = 50;
/** The audio is sent this much faster than it was spoken, so that there are twenty events in each second. */
const PACE = 1.2;
const TURNS = 4;
/** Chunks of a turn: the audio loop twice, and so two finals. */
const LOOPS_PER_TURN = 2;

const SUBSCRIPTION_ID = 'segments';
const SEGMENT_ADDED = `subscription ($sessionId: ID!) { segmentAdded(sessionId: $sessionId) {
  id sequence revision kind text startMs endMs avgConfidence channel cursor } }`;
const SEND_AUDIO = `mutation ($input: SendAudioInput!) { sendAudio(input: $input) { nextSequence } }`;
const acknowledgement = z.object({ sendAudio: z.object({ nextSequence: z.int() }) });

export const fanOut: Benchmark = {
  name: 'fan-out',
  about: `CPU of the server for each event that it gives to ${LISTENERS} subscribers, against a bare broadcast of the same bytes`,
  bareLimit: 'the same messages at the same times to as many sockets of the same WebSocket library, each sent as it is',
  limitMs: 240_000,
  run,
};

/** A message as a subscriber got it, and when, in milliseconds from the beginning of its turn. */
interface Told {
  readonly text: string;
  readonly atMs: number;
}

interface Cost {
  cpuMs: number;
  messages: number;
  readonly p99s: number[];
}

async function run(context: BenchmarkContext): Promise<Outcome> {
  const { serverEntry: entry, signal, tell } = context;
  const settings = {
    MODEL: 'scripted',
    RECOGNISER_PROCESSES: '1',
    INTERIM_INTERVAL_MS: String(INTERIM_INTERVAL_MS),
    MAX_CONNECTIONS: String(LISTENERS + 100),
  };
  return await withMeasuredServer({ entry, settings, signal }, async (server) => {
    const directory = await mkdtemp(path.join(tmpdir(), 'verbatim-bare-'));
    const bare = await startBare(import.meta.resolve('./support/bare-broadcast.ts'), { directory, signal });
    const opened: Listeners[] = [];
    try {
      const connection = await ApiConnection.open(server.address);
      const { startSession } = await connection.request(
        START_SESSION,
        { input: { audio: TONE_FORMAT } },
        startedSession,
      );
      const sessionId = startSession.session.id;
      const variables = { sessionId };
      const subscription = JSON.stringify({
        id: SUBSCRIPTION_ID,
        type: 'subscribe',
        payload: { query: SEGMENT_ADDED, variables },
      });
      const socketUrl = server.address.url.href.replace(/^http/u, 'ws');
      tell(`opening ${LISTENERS} sockets to each`);
      const ours = await Listeners.open(socketUrl, LISTENERS, subscription, signal);
      opened.push(ours);
      const theirs = await Listeners.open(bare.url.href, LISTENERS, subscription, signal);
      opened.push(theirs);

      const scribe = await Scribe.open(socketUrl, subscription);
      const speaker = new WebSocket(bare.url, 'graphql-transport-ws', { perMessageDeflate: false });
      await once(speaker, 'open');
      const costs = { server: emptyCost(), bare: emptyCost() };
      const sender = new LoopSender(connection, sessionId);
      for (let turn = 0; turn < TURNS; turn++) {
        tell(`turn ${turn + 1} of ${TURNS}${turn === 0 ? ' (not counted)' : ''}`);
        const counted = turn > 0;
        const told: Told[] = [];
        const before = await ours.count();
        await measure(counted ? costs.server : emptyCost(), ours, async () => (await server.usage()).server.cpuMs, {
          speak: async () => {
            scribe.record(told);
            await sender.send(signal);
          },
          // Each final comes to everyone, and to the scribe; what is not final may be left out for who is slow.
          isOver: ({ finals }) => finals - before.finals === LISTENERS * LOOPS_PER_TURN,
          signal,
        });
        const sentBefore = (await theirs.count()).received;
        await measure(counted ? costs.bare : emptyCost(), theirs, async () => (await bare.child.usage()).cpuMs, {
          speak: () => repeat(speaker, told, signal),
          isOver: ({ received }) => received - sentBefore === LISTENERS * told.length,
          signal,
        });
        if (counted) scribe.total += told.length;
      }
      connection.close();
      scribe.close();
      speaker.close();
      return outcomeOf(costs, scribe, sender.sendingMs * ((TURNS - 1) / TURNS), server.complaints);
    } finally {
      for (const listeners of opened) listeners.close();
      await bare.child.stop();
      await rm(directory, { recursive: true, force: true });
    }
  });
}

async function measure(
  cost: Cost,
  listeners: Listeners,
  cpuMs: () => Promise<number>,
  turn: {
    readonly speak: () => Promise<void>;
    readonly isOver: (counts: ListenerCounts) => boolean;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { received } = await listeners.count();
  const before = await cpuMs();
  await turn.speak();
  const counts = await listeners.until(turn.isOver, turn.signal);
  cost.cpuMs += (await cpuMs()) - before;
  cost.messages += counts.received - received;
  cost.p99s.push(counts.p99BehindFirstMs);
}

function emptyCost(): Cost {
  return { cpuMs: 0, messages: 0, p99s: [] };
}

/** Has the bare server say the same, at the same pace. */
async function repeat(speaker: WebSocket, told: readonly Told[], signal: AbortSignal): Promise<void> {
  const startedAt = performance.now();
  for (const { text, atMs } of told) {
    await delay(Math.max(0, startedAt + atMs - performance.now()), undefined, { signal });
    speaker.send(text);
  }
}

/** A subscriber like the others, who writes down what it is told. */
class Scribe {
  /** Events that were counted. */
  total = 0;
  #told: Told[] = [];
  #startedAt = 0;
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => {
      const text = data.toString();
      if (text.includes('"next"')) this.#told.push({ text, atMs: performance.now() - this.#startedAt });
    });
  }

  static async open(url: string, subscription: string): Promise<Scribe> {
    const socket = new WebSocket(url, 'graphql-transport-ws', { perMessageDeflate: false });
    await once(socket, 'open');
    socket.send('{"type":"connection_init"}');
    await once(socket, 'message');
    socket.send(subscription);
    return new Scribe(socket);
  }

  record(told: Told[]): void {
    this.#told = told;
    this.#startedAt = performance.now();
  }

  close(): void {
    this.#socket.close(1000);
  }
}

/** Sends the audio of a turn, a little faster than it was spoken. */
class LoopSender {
  /** How long it takes to send, in milliseconds. */
  sendingMs = 0;
  readonly #connection: ApiConnection;
  readonly #sessionId: string;
  readonly #chunks = toneChunks(CHUNK_MS);
  #sequence = 0;

  constructor(connection: ApiConnection, sessionId: string) {
    this.#connection = connection;
    this.#sessionId = sessionId;
  }

  async send(signal: AbortSignal): Promise<void> {
    const startedAt = performance.now();
    const chunks = this.#chunks.length * LOOPS_PER_TURN;
    const answers: Promise<unknown>[] = [];
    for (let index = 0; index < chunks; index++) {
      await delay(Math.max(0, startedAt + (index * CHUNK_MS) / PACE - performance.now()), undefined, { signal });
      const input = {
        sessionId: this.#sessionId,
        sequence: this.#sequence++,
        audio: this.#chunks[index % this.#chunks.length],
      };
      answers.push(this.#connection.request(SEND_AUDIO, { input }, acknowledgement));
    }
    await Promise.all(answers);
    this.sendingMs += (chunks * CHUNK_MS) / PACE;
  }
}

function outcomeOf(
  costs: { readonly server: Cost; readonly bare: Cost },
  scribe: Scribe,
  sendingMs: number,
  complaints: readonly string[],
): Outcome {
  const perMessage = ({ cpuMs, messages }: Cost) => (cpuMs * 1000) / messages;
  return {
    kind: 'measured',
    figures: [
      {
        what: `CPU per message to one of ${LISTENERS} subscribers, against a bare broadcast`,
        unit: 'µs',
        ours: perMessage(costs.server),
        bareLimit: perMessage(costs.bare),
        target: { of: 'ratio', atMost: 1.5 },
      },
      {
        what: 'p99 behind the first who got the message (worst turn)',
        unit: 'ms',
        ours: Math.max(...costs.server.p99s),
        bareLimit: Math.max(...costs.bare.p99s),
      },
      { what: 'events per second', unit: 'per second', ours: scribe.total / (sendingMs / 1000) },
      {
        what: 'messages left out for slow subscribers (interims only)',
        unit: 'percent',
        ours: 1 - costs.server.messages / (scribe.total * LISTENERS),
      },
    ],
    notes: [
      `one live session with the scripted recogniser, drafts every ${INTERIM_INTERVAL_MS} ms; the CPU is that of the whole server process, which also takes and stores the audio; all sockets of one server are in one other process`,
      ...complaints.map((line) => `logged: ${line}`),
    ],
  };
}
