import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { afterEach, beforeEach } from 'vitest';
import { type Database, openDatabase } from '../../src/database/open-database.ts';
import type { Coverage, Segment, SessionStatistics } from '../../src/database/session-records.ts';
import type { NewSession, SegmentBatch, SessionProgress } from '../../src/database/session-store.ts';

/** A folder of its own for each test, removed afterwards. */
export function useTemporaryFolder(): () => string {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'verbatim-database-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });
  return () => folder;
}

export interface TemporaryDatabase extends Database {
  readonly file: string;
  /** Another connection to the same file, as another program has it; fails at once when locked. */
  readonly other: BetterSqlite3.Database;
}

/** A migrated database in a file of its own for each test. */
export function useTemporaryDatabase({ busyPatienceMs }: { busyPatienceMs?: number } = {}): () => TemporaryDatabase {
  const folder = useTemporaryFolder();
  let current: TemporaryDatabase | undefined;
  beforeEach(async () => {
    const file = path.join(folder(), 'verbatim.db');
    const database = await openDatabase({
      url: `file:${file}`,
      ...(busyPatienceMs !== undefined && { busyPatienceMs }),
    });
    current = { ...database, file, other: new BetterSqlite3(file, { timeout: 0 }) };
  });
  afterEach(async () => {
    current?.other.close();
    await current?.close();
  });
  return () => {
    if (current === undefined) throw new Error('The database is open during tests only');
    return current;
  };
}

export function newSession(id: string, changes: Partial<NewSession> = {}): NewSession {
  return {
    id,
    externalId: null,
    title: null,
    language: 'en',
    audioFormat: { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 1 },
    speakers: [null],
    metadata: null,
    createdAt: new Date('2026-03-14T09:26:53.589Z'),
    ...changes,
  };
}

export function finalSegment(sessionId: string, sequence: number, changes: Partial<Segment> = {}): Segment {
  return {
    id: `${sessionId}:0:${sequence}`,
    sessionId,
    sequence,
    revision: 1,
    kind: 'FINAL',
    text: `sentence ${sequence}`,
    startMs: sequence * 1000,
    endMs: sequence * 1000 + 900,
    avgConfidence: 0.9,
    words: [{ text: 'sentence', startMs: sequence * 1000, endMs: sequence * 1000 + 400, confidence: 0.9 }],
    speaker: null,
    channel: 0,
    createdAt: new Date('2026-03-14T09:27:00.001Z'),
    ...changes,
  };
}

export function interimSegment(sessionId: string, id: string, changes: Partial<Segment> = {}): Segment {
  return finalSegment(sessionId, 0, { id, sequence: null, kind: 'INTERIM', text: 'so far', ...changes });
}

export function progress(
  changes: Partial<Omit<SessionProgress, 'statistics' | 'coverage'>> & {
    statistics?: Partial<SessionStatistics>;
    coverage?: Partial<Coverage>;
  } = {},
): SessionProgress {
  return {
    status: 'ACTIVE',
    endReason: null,
    endedAt: null,
    nextSequence: 0,
    ...changes,
    statistics: {
      totalSegments: 0,
      averageConfidence: null,
      totalDuration: 0,
      wordCount: 0,
      speakingDuration: 0,
      wordsPerMinute: null,
      averageLatencyMs: null,
      latencyCount: 0,
      ...changes.statistics,
    },
    coverage: {
      receivedMs: 0,
      transcribedMs: 0,
      silenceMs: 0,
      gapMs: 0,
      failedMs: 0,
      pendingMs: 0,
      ...changes.coverage,
    },
  };
}

export function batch(sessionId: string, from: number, to: number, changes: Partial<SegmentBatch> = {}): SegmentBatch {
  return {
    sessionId,
    fromPosition: from,
    toPosition: to,
    finals: [],
    interims: [],
    session: progress(),
    ...changes,
  };
}
