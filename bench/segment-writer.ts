import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { migrate } from '../src/database/migrations.ts';
import { openDatabase } from '../src/database/open-database.ts';
import type { Segment } from '../src/database/session-records.ts';
import type { NewSession, SessionStore } from '../src/database/session-store.ts';
import type { FinalEntry } from '../src/services/journal-entry.ts';
import type { Logger } from '../src/services/logger.ts';
import { OpenSession } from '../src/services/open-session.ts';
import { SegmentWriter } from '../src/services/segment-writer.ts';
import { finalSegment } from '../src/services/segments.ts';
import { SessionLogDirectory } from '../src/services/session-logs.ts';
import type { Benchmark, BenchmarkContext, Figure, Outcome } from './benchmark.ts';
import { percentile } from './support/percentile.ts';
import { BareWriter } from './support/bare-writer.ts';

/** Finals of a batch, and how many sessions have one waiting in each turn. */
const SHAPES = [
  { batchSize: 5, sessions: 60 },
  { batchSize: 50, sessions: 20 },
  { batchSize: 500, sessions: 4 },
] as const;
/** What is wanted of the writer at batches of 50, against the bare limit. */
const WANTED = { batchSize: 50, share: 0.5 } as const;
/** Both take turns, so that a disk that changes its pace meets both. The first turn is not counted. */
const TURNS = 13;
const SAMPLES_PER_FINAL = 5 * 16_000;
const WORDS = 'the meeting will begin as soon as everybody has found a seat'.split(' ');

export const segmentWriter: Benchmark = {
  name: 'segment-writer',
  about:
    'finals that stand in the journals of several sessions, written to the database in batches: rows per second, median of the turns',
  bareLimit:
    'better-sqlite3 in the same thread, which inserts the same rows with the same settings, tables and indices, a transaction for each batch, without moving a checkpoint or keeping statistics',
  limitMs: 240_000,
  run,
};

async function run({ tell, signal }: BenchmarkContext): Promise<Outcome> {
  const figures: Figure[] = [];
  let rowBytes = 0;
  for (const { batchSize, sessions } of SHAPES) {
    signal.throwIfAborted();
    tell(`batches of ${batchSize}`);
    const directory = await mkdtemp(path.join(tmpdir(), 'verbatim-writer-'));
    try {
      const { ours, bare, bytes } = await compare(directory, batchSize, sessions, signal);
      rowBytes = bytes;
      figures.push({
        what: `batches of ${batchSize}`,
        unit: 'per second',
        ours,
        bareLimit: bare,
        ...(batchSize === WANTED.batchSize && { target: { of: 'ratio', atLeast: WANTED.share } as const }),
      });
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }
  return {
    kind: 'measured',
    figures,
    notes: [
      `${WORDS.length} words for each row, ${rowBytes} bytes as JSON; every commit is synced; ${TURNS - 1} turns of each`,
      'ours is the whole way: entries are read from the journal, checked, and committed by the thread that has the connection, with statistics, coverage and the checkpoint',
    ],
  };
}

async function compare(directory: string, batchSize: number, sessionCount: number, signal: AbortSignal) {
  const database = await openDatabase({ url: `file:${path.join(directory, 'ours.db')}` });
  const bareFile = path.join(directory, 'bare.db');
  await migrate(bareFile, { busyPatienceMs: 0 });
  const bare = new BareWriter(new Database(bareFile));
  const writer = new SegmentWriter(database.store, { batchSize, batchIntervalMs: 3_600_000 }, SILENT);
  const sessions: OpenSession[] = [];
  try {
    for (let index = 0; index < sessionCount; index++) {
      const session = await startSession(database.store, directory, `session-${index}`);
      bare.addSession(session.record);
      await writer.follow(session);
      sessions.push(session);
    }
    const rates = { ours: [] as number[], bare: [] as number[] };
    for (let turn = 0; turn < TURNS; turn++) {
      signal.throwIfAborted();
      const batches = await Promise.all(sessions.map((session) => journalFinals(session, turn * batchSize, batchSize)));
      const perSecond = (ms: number) => (sessionCount * batchSize * 1000) / ms;
      const oursMs = await timed(() => Promise.all(sessions.map((session) => writer.flush(session))));
      const bareMs = await timed(() => bare.write(batches));
      if (turn === 0) continue;
      rates.ours.push(perSecond(oursMs));
      rates.bare.push(perSecond(bareMs));
    }
    if (bare.rows !== TURNS * batchSize * sessionCount) throw new Error('the bare writer did not write all rows');
    const stored = await database.store.totals({}, 'UTC');
    if (stored.totals.segments !== bare.rows) throw new Error('the writer did not write all rows');
    const bytes = JSON.stringify(finalSegment(firstOf(sessions).record, finalEntry(1)).words).length;
    return { ours: percentile(rates.ours, 0.5), bare: percentile(rates.bare, 0.5), bytes };
  } finally {
    await writer.stop();
    await Promise.all(sessions.map((session) => session.close()));
    await database.close();
    bare.close();
  }
}

const quiet = () => undefined;
const SILENT: Logger = { debug: quiet, info: quiet, warn: quiet, error: quiet };

async function startSession(store: SessionStore, directory: string, id: string): Promise<OpenSession> {
  const session: NewSession = {
    id,
    externalId: null,
    title: 'A meeting',
    language: 'en',
    audioFormat: { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 1 },
    speakers: [],
    metadata: null,
    createdAt: new Date(),
  };
  await store.createSession(session);
  const record = await store.findSession(id);
  if (record === null) throw new Error(`the session ${id} is not there`);
  const logs = await new SessionLogDirectory(directory, SILENT).open(record);
  return new OpenSession({ record, ...logs, readFinals: () => Promise.resolve([]) });
}

/** Puts finals into the journal, as the transcription does. @returns the segments that they mean. */
async function journalFinals(session: OpenSession, from: number, count: number): Promise<Segment[]> {
  const entries = Array.from({ length: count }, (_, index) => finalEntry(from + index + 1));
  // Appended together, they share a sync.
  await Promise.all(entries.map((entry) => session.journal.append(entry)));
  for (const entry of entries) session.apply(entry);
  return entries.map((entry) => finalSegment(session.record, entry));
}

function finalEntry(sequence: number): FinalEntry {
  const startSample = (sequence - 1) * SAMPLES_PER_FINAL;
  const endSample = startSample + SAMPLES_PER_FINAL;
  return {
    type: 'final',
    sequence,
    channel: 0,
    startSample,
    endSample,
    text: `${WORDS.join(' ')}.`,
    words: WORDS.map((text, index) => ({
      text,
      startSample: startSample + index * 6_000,
      endSample: startSample + index * 6_000 + 4_800,
      confidence: 0.5 + ((sequence * 7 + index * 13) % 50) / 101,
    })),
    confidence: 0.5 + ((sequence * 11) % 50) / 101,
    revision: 6,
    createdAt: new Date().toISOString(),
    latencyMs: 640,
    decidedSample: endSample,
    resume: { readFromFrame: endSample, state: { silenceFrames: 16, context: 'x'.repeat(1_300) } },
  };
}

function firstOf<T>(items: readonly T[]): T {
  const [first] = items;
  if (first === undefined) throw new Error('there is none');
  return first;
}

async function timed(work: () => unknown): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
