import Database from 'better-sqlite3';
import { migrate } from '../../src/database/migrations.ts';

/** Sessions as they stand in a database long after they were recorded, for those who need many at once. */
export interface StoredSessions {
  readonly sessions: number;
  readonly segmentsPerSession: number;
  /** Of the session in the middle of the list, which is longer than the others. */
  readonly segmentsOfLongest: number;
}

/** The middle of the list by date. */
export function longestSessionId({ sessions }: StoredSessions): string {
  return sessionId(Math.floor(sessions / 2));
}

export function segmentsIn({ sessions, segmentsPerSession, segmentsOfLongest }: StoredSessions): number {
  return (sessions - 1) * segmentsPerSession + segmentsOfLongest;
}

/** Rare: one segment of the oldest session has it. */
export const RARE_TEXT = 'quintessence';
/** In one segment of 20. */
export const COMMON_TEXT = 'harbour';

const MINUTE_MS = 60_000;
/** Between the starts of two sessions: 10,000 of them fill a year. */
const APART_MS = 52 * MINUTE_MS;
const LATEST = Date.parse('2026-06-30T12:00:00.000Z');
const SEGMENT_MS = 6_000;
const VOCABULARY =
  'the of and a to in is that it was for on are with they be at one have this from or had by hot but some what there we can out other were all your when up use word how said an each she which do their time if will way about many then them would write like so these her long make thing see him two has look more day could go come did my sound no most number who over know water than call first people may down side been now find'.split(
    ' ',
  );
const WORDS_PER_SEGMENT = 12;

/**
 * Makes a database of that many sessions, fast: without syncs, for it is made again when it is lost. Each has what a real
 * one has: all columns, and words with times and confidences. The same numbers give the same rows.
 *
 * @param file path of the database; must be absent
 */
export async function createStoredSessions(file: string, size: StoredSessions): Promise<void> {
  await migrate(file, { busyPatienceMs: 0 });
  const database = new Database(file);
  try {
    database.pragma('synchronous=OFF');
    database.pragma('cache_size=-200000');
    database.transaction(() => {
      const sessions = Array.from({ length: size.sessions }, (_, index) => {
        const isLongest = sessionId(index) === longestSessionId(size);
        return sessionRow(index, isLongest ? size.segmentsOfLongest : size.segmentsPerSession, size);
      });
      insertAll(database, 'sessions', sessions);
      // The newest first: in one transaction, the index of what was said takes segments fastest in its own order.
      for (const [index, session] of [...sessions.entries()].toReversed()) {
        const createdAt = Date.parse(session.created_at);
        const segments = Array.from({ length: session.total_segments }, (_, before) =>
          segmentRow(index, before + 1, createdAt),
        );
        insertAll(database, 'segments', segments);
      }
    })();
    database.pragma('wal_checkpoint(TRUNCATE)');
  } finally {
    database.close();
  }
}

function markOf(session: number, sequence: number): string {
  if (session === 0 && sequence === 1) return RARE_TEXT;
  return sequence % 20 === 0 ? COMMON_TEXT : '';
}

/** Of one statement: each makes the index of what was said be flushed. */
const ROWS_PER_STATEMENT = 100;

function insertAll(database: Database.Database, table: string, rows: readonly object[]): void {
  for (let start = 0; start < rows.length; start += ROWS_PER_STATEMENT) {
    const some = rows.slice(start, start + ROWS_PER_STATEMENT);
    const columns = Object.keys(some[0] ?? {});
    const row = `(${columns.map(() => '?').join(', ')})`;
    const values = some.map(() => row).join(', ');
    database
      .prepare(`INSERT INTO ${table} (${columns.join(', ')}) VALUES ${values}`)
      .run(some.flatMap((one) => Object.values(one)));
  }
}

/** Ids are in no order, as those of the server are. */
function sessionId(index: number): string {
  const hash = Math.imul(index + 1, 2_654_435_761) >>> 0;
  return `${hash.toString(16).padStart(8, '0')}-0000-4000-8000-${index.toString(16).padStart(12, '0')}`;
}

function sessionRow(index: number, segments: number, { sessions }: StoredSessions) {
  const createdAt = LATEST - (sessions - 1 - index) * APART_MS;
  const lengthMs = segments * SEGMENT_MS;
  const isFailed = index % 5 === 4;
  return {
    id: sessionId(index),
    external_id: index % 2 === 0 ? `meeting-${index}` : null,
    title: index % 3 === 0 ? null : `${VOCABULARY[index % VOCABULARY.length] ?? ''} meeting ${index}`,
    status: isFailed ? 'failed' : 'completed',
    end_reason: 'client',
    language: index % 50 === 0 ? 'cy' : 'en',
    audio_encoding: 'pcm_s16le',
    sample_rate: 16_000,
    channels: isStereo(index) ? 2 : 1,
    metadata: JSON.stringify({ room: index % 12 }),
    created_at: storedDate(createdAt),
    ended_at: storedDate(createdAt + lengthMs),
    // Without logs there is nothing that a server could derive again.
    recording_removed_at: isFailed ? storedDate(LATEST) : null,
    next_sequence: lengthMs / 100,
    journal_position: segments * 3_000,
    total_segments: segments,
    average_confidence: index % 10 === 0 ? null : 0.6 + (index % 397) / 1_000,
    confidence_count: index % 10 === 0 ? 0 : segments,
    total_duration: lengthMs / 1000 - (index % 5),
    word_count: segments * WORDS_PER_SEGMENT,
    speaking_duration: (segments * SEGMENT_MS * 0.8) / 1000,
    received_ms: lengthMs,
    transcribed_ms: lengthMs * 0.8,
    silence_ms: lengthMs * 0.2,
    gap_ms: 0,
    failed_ms: 0,
  };
}

function isStereo(index: number): boolean {
  return index % 20 === 10;
}

function segmentRow(session: number, sequence: number, sessionCreatedAt: number) {
  const id = sessionId(session);
  const channel = isStereo(session) ? sequence % 2 : 0;
  const mark = markOf(session, sequence);
  const startMs = (sequence - 1) * SEGMENT_MS;
  const text: string[] = [];
  const words: object[] = [];
  for (let index = 0; index < WORDS_PER_SEGMENT; index++) {
    const word =
      index === 7 && mark !== '' ? mark : (VOCABULARY[(sequence * 31 + index * 17) % VOCABULARY.length] ?? '');
    text.push(word);
    const wordStartMs = startMs + index * 320;
    words.push({ text: word, startMs: wordStartMs, endMs: wordStartMs + 280, confidence: 0.5 + (index % 50) / 101 });
  }
  return {
    id: `${id}.${channel}.${startMs * 16}`,
    session_id: id,
    sequence,
    revision: 9,
    kind: 'final',
    text: `${text.join(' ')}.`,
    start_ms: startMs,
    end_ms: startMs + 0.8 * SEGMENT_MS,
    avg_confidence: 0.6 + (sequence % 397) / 1_000,
    words: JSON.stringify(words),
    speaker: null,
    channel,
    created_at: storedDate(sessionCreatedAt + startMs),
  };
}

/** A date as Prisma stores it. */
function storedDate(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '+00:00');
}
