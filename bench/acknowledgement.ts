import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ApiConnection } from '../src/cli/api-connection.ts';
import type { Benchmark, BenchmarkContext, Figure, Outcome } from './benchmark.ts';
import { startBare } from './support/bare-process.ts';
import { CHUNK_MS, END_SESSION, endedSession, START_SESSION, startedSession } from './support/live-stream.ts';
import type { MeasuredProcess, ProcessUsage } from './support/measured-process.ts';
import { PacedSender, type PacedRound } from './support/paced-sender.ts';
import { largest, percentile } from './support/percentile.ts';
import { withMeasuredServer, type MeasuredServer } from './support/server.ts';
import { TONE_FORMAT, toneChunks } from './support/tone-chunks.ts';

const SESSIONS = 20;
const CHUNK_BYTES = (TONE_FORMAT.sampleRate * 2 * CHUNK_MS) / 1000;
/** Of what clients wait for, in milliseconds, with the disk's own time in it. */
const WANTED = { p50: 5, p99: 25 };
/**
 * The subjects take turns, so that a disk or a machine that changes its pace meets all of them. The first turn is not
 * counted: it is where code is compiled and files are opened.
 */
const TURNS = 5;
const CHUNKS_PER_TURN = 50;

export const acknowledgement: Benchmark = {
  name: 'acknowledgement',
  about: `${SESSIONS} live sessions: how soon a chunk is on stable storage and acknowledged, and what that costs`,
  bareLimit:
    'a WebSocket server that answers the same messages at once, or after it appended and synced them, and does nothing else',
  limitMs: 240_000,
  run,
};

/** One of those that are compared. */
interface Subject {
  readonly senders: readonly PacedSender[];
  usage(): Promise<ProcessUsage>;
}

interface Measurement {
  readonly latencies: number[];
  readonly lateness: number[];
  cpuMs: number;
  readonly loopDelays: ProcessUsage['loopDelayMs'][];
}

async function run(context: BenchmarkContext): Promise<Outcome> {
  const { serverEntry: entry, signal } = context;
  const settings = { MODEL: 'scripted', RECOGNISER_PROCESSES: '1' };
  return await withMeasuredServer({ entry, settings, signal }, async (server) => {
    const directory = await mkdtemp(path.join(tmpdir(), 'verbatim-bare-'));
    const bare: MeasuredProcess[] = [];
    try {
      const subjects: Subject[] = [];
      for (const STORE of ['no', 'yes']) {
        const { child, url } = await startBare(import.meta.resolve('./support/bare-server.ts'), {
          environment: { STORE },
          directory,
          signal,
        });
        bare.push(child);
        subjects.push(await bareSubject(child, url));
      }
      const [echo, synced] = subjects;
      if (echo === undefined || synced === undefined) throw new Error('there is nothing to compare with');
      return await compare(context, server, echo, synced);
    } finally {
      await Promise.all(bare.map((child) => child.stop()));
      await rm(directory, { recursive: true, force: true });
    }
  });
}

async function compare(
  { signal, tell }: BenchmarkContext,
  server: MeasuredServer,
  echo: Subject,
  synced: Subject,
): Promise<Outcome> {
  const connection = await ApiConnection.open(server.address);
  const sessionIds = await startSessions(connection);
  const socketUrl = server.address.url.href.replace(/^http/u, 'ws');
  const senders = await Promise.all(sessionIds.map((id) => PacedSender.open(socketUrl, id, true)));
  const ours: Subject = { senders, usage: async () => (await server.usage()).server };

  const measurements = [echo, ours, synced].map((subject) => ({ subject, measurement: emptyMeasurement() }));
  for (let turn = 0; turn < TURNS; turn++) {
    tell(`turn ${turn + 1} of ${TURNS}${turn === 0 ? ' (not counted)' : ''}`);
    for (const { subject, measurement } of measurements) {
      await takeTurn(subject, turn === 0 ? emptyMeasurement() : measurement, signal);
    }
  }
  await Promise.all(
    sessionIds.map((sessionId, index) => {
      const input = { sessionId, nextSequence: senders[index]?.sent };
      return connection.request(END_SESSION, { input }, endedSession);
    }),
  );
  connection.close();
  for (const sender of [...senders, ...echo.senders, ...synced.senders]) sender.close();

  const [ofEcho, ofServer, ofSynced] = measurements.map(({ measurement }) => measurement);
  if (ofEcho === undefined || ofServer === undefined || ofSynced === undefined) throw new Error('nothing was measured');
  return {
    kind: 'measured',
    figures: [
      ...latencyFigures(ofServer, 'append and fdatasync', ofSynced, WANTED),
      ...latencyFigures(ofServer, 'echo without storage', ofEcho),
      ...costFigures(ofServer, ofSynced, ofEcho),
    ],
    notes: [
      `${SESSIONS} sessions with a subscription each, a chunk of ${CHUNK_BYTES} bytes every ${CHUNK_MS} ms, ${ofServer.latencies.length} chunks in ${TURNS - 1} turns; the bare limits answer the same messages in the same turns`,
      `subscribers received ${senders.reduce((sum, { segments }) => sum + segments, 0)} versions of segments; backlog at most ${Math.max(...senders.map((sender) => sender.largestBacklogMs))} ms`,
      `the senders were late by ${(percentile(ofServer.lateness, 0.99) ?? 0).toFixed(1)} ms at p99, ${(largest(ofServer.lateness) ?? 0).toFixed(1)} ms at most`,
      ...server.complaints.map((line) => `logged: ${line}`),
    ],
  };
}

async function takeTurn(subject: Subject, measurement: Measurement, signal: AbortSignal): Promise<void> {
  const before = await subject.usage();
  const startAt = performance.now() + CHUNK_MS;
  const rounds = await Promise.all(
    subject.senders.map((sender, index): Promise<PacedRound> => {
      // Spread over the length of a chunk, as unrelated sessions are.
      const offset = (index * CHUNK_MS) / SESSIONS;
      return sender.send(CHUNKS_PER_TURN, (sequence) => audioOf(index, sequence), startAt + offset, signal);
    }),
  );
  const after = await subject.usage();
  for (const { latencies, lateness } of rounds) {
    measurement.latencies.push(...latencies);
    measurement.lateness.push(...lateness);
  }
  measurement.cpuMs += after.cpuMs - before.cpuMs;
  measurement.loopDelays.push(after.loopDelayMs);
}

function emptyMeasurement(): Measurement {
  return { latencies: [], lateness: [], cpuMs: 0, loopDelays: [] };
}

function latencyFigures(
  ours: Measurement,
  limit: string,
  bare: Measurement,
  wanted: Readonly<Record<string, number>> = {},
): Figure[] {
  const shares = [
    ['p50', 0.5],
    ['p95', 0.95],
    ['p99', 0.99],
    ['largest', 1],
  ] as const;
  return shares.map(([name, share]) => ({
    what: `${name}, against ${limit}`,
    unit: 'ms',
    ours: percentile(ours.latencies, share),
    bareLimit: percentile(bare.latencies, share),
    ...(wanted[name] === undefined ? {} : { target: { of: 'ours', atMost: wanted[name] } }),
  }));
}

function costFigures(ours: Measurement, synced: Measurement, echo: Measurement): Figure[] {
  // A stream is a session's audio of one second, ten chunks.
  const perStreamSecond = ({ cpuMs, latencies }: Measurement) => cpuMs / ((latencies.length * CHUNK_MS) / 1000);
  const worst = ({ loopDelays }: Measurement, which: 'p50' | 'p99' | 'max') =>
    largest(loopDelays.map((delays) => delays[which]));
  return [
    {
      what: 'server CPU per second of a stream, against append and fdatasync',
      unit: 'cpu ms per s',
      ours: perStreamSecond(ours),
      bareLimit: perStreamSecond(synced),
    },
    {
      what: 'server CPU per second of a stream, against echo without storage',
      unit: 'cpu ms per s',
      ours: perStreamSecond(ours),
      bareLimit: perStreamSecond(echo),
    },
    {
      what: 'event-loop delay p99 (worst turn), against append and fdatasync',
      unit: 'ms',
      ours: worst(ours, 'p99'),
      bareLimit: worst(synced, 'p99'),
    },
    {
      what: 'event-loop delay largest, against append and fdatasync',
      unit: 'ms',
      ours: worst(ours, 'max'),
      bareLimit: worst(synced, 'max'),
    },
  ];
}

async function startSessions(connection: ApiConnection): Promise<string[]> {
  const ids: string[] = [];
  for (let index = 0; index < SESSIONS; index++) {
    const { startSession } = await connection.request(START_SESSION, { input: { audio: TONE_FORMAT } }, startedSession);
    ids.push(startSession.session.id);
  }
  return ids;
}

async function bareSubject(child: MeasuredProcess, url: URL): Promise<Subject> {
  const senders = await Promise.all(
    Array.from({ length: SESSIONS }, (_, index) => PacedSender.open(url.href, String(index), false)),
  );
  return { senders, usage: () => child.usage() };
}

/** Each session is somewhere else in the same audio. */
const AUDIO = toneChunks(CHUNK_MS);

function audioOf(session: number, sequence: number): string {
  return AUDIO[(session * 7 + sequence) % AUDIO.length] ?? '';
}
