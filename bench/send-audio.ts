import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { ApiConnection } from '../src/cli/api-connection.ts';
import type { Benchmark, BenchmarkContext, Figure, Outcome } from './benchmark.ts';
import { startBare } from './support/bare-process.ts';
import { httpFlood, socketFlood, type Flood } from './support/flood.ts';
import { CHUNK_MS, END_SESSION, endedSession, START_SESSION, startedSession } from './support/live-stream.ts';
import type { MeasuredProcess } from './support/measured-process.ts';
import { withMeasuredServer, type MeasuredServer } from './support/server.ts';
import { TONE_FORMAT, toneChunks } from './support/tone-chunks.ts';

/** The subjects take turns, so that whatever the machine does meets all; in the first ones code is compiled: they don't count. */
const WARM_UP_TURNS = 2;
const COUNTED_TURNS = 4;
const CHUNKS_PER_TURN = 5_000;
/** Requests ahead of the answers; over HTTP the server takes 32 on a connection. */
const UNDER_WAY = 24;
const COMPLETED_MS = 60_000;
const LOOK_AGAIN_MS = 100;

const STATUS = `query ($id: ID!) { session(id: $id) { status } }`;
const statusOf = z.object({ session: z.object({ status: z.string() }) });

export const sendAudio: Benchmark = {
  name: 'send-audio',
  about:
    'CPU of the server for each chunk that is sent with sendAudio, flat out, against bare servers that answer JSON',
  bareLimit:
    'servers over the same WebSocket library, and node:http, that parse the same messages and answer with JSON; one also appends and syncs the audio',
  limitMs: 240_000,
  run,
};

/** One of those that are compared. */
interface Subject {
  readonly name: string;
  readonly flood: Flood;
  cpuMs(): Promise<number>;
  /** Before a turn. @returns the session that is sent to */
  begin(): Promise<string>;
  /** Resolves when nothing is left to do for what was sent in a turn. */
  finish(sessionId: string): Promise<void>;
}

interface Cost {
  answeredMs: number;
  finishedMs: number;
}

async function run(context: BenchmarkContext): Promise<Outcome> {
  const { serverEntry: entry, signal } = context;
  const settings = { MODEL: 'scripted', RECOGNISER_PROCESSES: '1' };
  return await withMeasuredServer({ entry, settings, signal }, async (server) => {
    const directory = await mkdtemp(path.join(tmpdir(), 'verbatim-bare-'));
    const bare: MeasuredProcess[] = [];
    try {
      const echo = await startBare(import.meta.resolve('./support/bare-echo.ts'), { directory, signal });
      bare.push(echo.child);
      const synced = await startBare(import.meta.resolve('./support/bare-server.ts'), {
        environment: { STORE: 'yes' },
        directory,
        signal,
      });
      bare.push(synced.child);
      const options = { underWay: UNDER_WAY, audio: toneChunks(CHUNK_MS) };
      const graphql = server.address.url;
      const connection = await ApiConnection.open(server.address);
      const subjects = [
        bareSubject('echo over WebSocket', socketFlood(echo.url, options), echo.child),
        bareSubject('append and fdatasync', socketFlood(synced.url, options), synced.child),
        serverSubject('sendAudio over WebSocket', socketFlood(graphql, options), server, connection),
        bareSubject('echo over HTTP', httpFlood(echo.url, options), echo.child),
        serverSubject('sendAudio over HTTP', httpFlood(graphql, options), server, connection),
      ];
      const costs = await takeTurns(subjects, context);
      connection.close();
      return {
        kind: 'measured',
        figures: figuresOf(costs),
        notes: [
          `scripted recogniser in a process of its own, files synced; ${COUNTED_TURNS} turns of ${CHUNKS_PER_TURN} chunks of ${CHUNK_MS} ms (3,200 bytes, as base64), ${UNDER_WAY} under way on one connection, one session`,
          'CPU is that of the whole server process, user and system, of all its threads, until the last chunk of a turn is acknowledged; "with all that follows": until the session is completed, its segments in the journal and the database',
          ...server.complaints.map((line) => `logged: ${line}`),
        ],
      };
    } finally {
      await Promise.all(bare.map((child) => child.stop()));
      await rm(directory, { recursive: true, force: true });
    }
  });
}

async function takeTurns(
  subjects: readonly Subject[],
  { tell, signal }: BenchmarkContext,
): Promise<ReadonlyMap<string, Cost>> {
  const costs = new Map(subjects.map(({ name }) => [name, { answeredMs: 0, finishedMs: 0 }]));
  for (let turn = -WARM_UP_TURNS; turn < COUNTED_TURNS; turn++) {
    tell(turn < 0 ? 'a turn that does not count' : `turn ${turn + 1} of ${COUNTED_TURNS}`);
    for (const subject of subjects) {
      const { name, flood } = subject;
      signal.throwIfAborted();
      const sessionId = await subject.begin();
      const before = await subject.cpuMs();
      await flood(sessionId, CHUNKS_PER_TURN);
      const answered = await subject.cpuMs();
      await subject.finish(sessionId);
      const finished = await subject.cpuMs();
      const cost = costs.get(name);
      if (turn < 0 || cost === undefined) continue;
      cost.answeredMs += answered - before;
      cost.finishedMs += finished - before;
    }
  }
  return costs;
}

function bareSubject(name: string, flood: Flood, child: MeasuredProcess): Subject {
  return {
    name,
    flood,
    cpuMs: async () => (await child.usage()).cpuMs,
    // As long as one of ours.
    begin: () => Promise.resolve(Buffer.alloc(33, 's').toString('base64')),
    finish: () => Promise.resolve(),
  };
}

function serverSubject(name: string, flood: Flood, server: MeasuredServer, connection: ApiConnection): Subject {
  return {
    name,
    flood,
    cpuMs: async () => (await server.usage()).server.cpuMs,
    begin: async () => {
      const { startSession } = await connection.request(
        START_SESSION,
        { input: { audio: TONE_FORMAT } },
        startedSession,
      );
      return startSession.session.id;
    },
    finish: async (sessionId) => {
      await connection.request(END_SESSION, { input: { sessionId, nextSequence: CHUNKS_PER_TURN } }, endedSession);
      for (const deadline = performance.now() + COMPLETED_MS; performance.now() < deadline;) {
        const { session } = await connection.request(STATUS, { id: sessionId }, statusOf);
        if (session.status === 'COMPLETED') return;
        await delay(LOOK_AGAIN_MS);
      }
      throw new Error(`session ${sessionId} was not completed`);
    },
  };
}

function figuresOf(costs: ReadonlyMap<string, Cost>): Figure[] {
  const perChunk = (name: string, which: keyof Cost = 'answeredMs') =>
    ((costs.get(name)?.[which] ?? Number.NaN) * 1000) / (CHUNKS_PER_TURN * COUNTED_TURNS);
  const webSocket = 'sendAudio over WebSocket';
  const overHttp = 'sendAudio over HTTP';
  return [
    {
      what: 'CPU per chunk over one WebSocket, against a JSON echo',
      unit: 'µs',
      ours: perChunk(webSocket),
      bareLimit: perChunk('echo over WebSocket'),
      target: { of: 'ratio', atMost: 2 },
    },
    {
      what: 'CPU per chunk over one WebSocket, against append and fdatasync',
      unit: 'µs',
      ours: perChunk(webSocket),
      bareLimit: perChunk('append and fdatasync'),
    },
    {
      what: 'CPU per chunk over one WebSocket, with all that follows',
      unit: 'µs',
      ours: perChunk(webSocket, 'finishedMs'),
    },
    {
      what: 'CPU per chunk over HTTP, against a JSON echo',
      unit: 'µs',
      ours: perChunk(overHttp),
      bareLimit: perChunk('echo over HTTP'),
      target: { of: 'ratio', atMost: 2 },
    },
    { what: 'CPU per chunk over HTTP, with all that follows', unit: 'µs', ours: perChunk(overHttp, 'finishedMs') },
  ];
}
