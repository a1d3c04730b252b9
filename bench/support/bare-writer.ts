import type Database from 'better-sqlite3';
import type { Segment, SessionRecord } from '../../src/database/session-records.ts';

const COLUMNS = [
  'id',
  'session_id',
  'sequence',
  'revision',
  'kind',
  'text',
  'start_ms',
  'end_ms',
  'avg_confidence',
  'words',
  'speaker',
  'channel',
  'created_at',
];

/** Of one statement: each makes the index of what was said be flushed. */
const ROWS_PER_STATEMENT = 50;

/** The least that could write segments to a migrated database: prepared statements on a connection of this thread. */
export class BareWriter {
  readonly #database: Database.Database;
  readonly #inserts = new Map<number, Database.Statement>();
  readonly #writeBatch: Database.Transaction<(batch: readonly Segment[]) => void>;

  constructor(database: Database.Database) {
    database.pragma('journal_mode=WAL');
    database.pragma('synchronous=FULL');
    database.pragma('foreign_keys=ON');
    this.#database = database;
    this.#writeBatch = database.transaction((batch: readonly Segment[]) => {
      for (let start = 0; start < batch.length; start += ROWS_PER_STATEMENT) {
        const rows = batch.slice(start, start + ROWS_PER_STATEMENT);
        this.#insertOf(rows.length).run(rows.flatMap(valuesOf));
      }
    });
  }

  #insertOf(rows: number): Database.Statement {
    const row = `(${COLUMNS.map(() => '?').join(', ')})`;
    const insert =
      this.#inserts.get(rows) ??
      this.#database.prepare(
        `INSERT INTO segments (${COLUMNS.join(', ')}) VALUES ${Array.from({ length: rows }, () => row).join(', ')}`,
      );
    this.#inserts.set(rows, insert);
    return insert;
  }

  addSession({ id, language, audioFormat, createdAt }: SessionRecord): void {
    this.#database
      .prepare(
        `INSERT INTO sessions (id, status, language, audio_encoding, sample_rate, channels, created_at)
         VALUES (?, 'active', ?, 'pcm_s16le', ?, ?, ?)`,
      )
      .run(id, language, audioFormat.sampleRate, audioFormat.channels, createdAt.toISOString());
  }

  /** A synced transaction for each batch. */
  write(batches: readonly (readonly Segment[])[]): void {
    for (const batch of batches) this.#writeBatch.immediate(batch);
  }

  get rows(): number {
    return Number(this.#database.prepare('SELECT COUNT(*) FROM segments').pluck().get());
  }

  close(): void {
    this.#database.close();
  }
}

function valuesOf(segment: Segment): unknown[] {
  const { id, sessionId, sequence, revision, text, startMs, endMs, avgConfidence, words, speaker, channel } = segment;
  return [
    id,
    sessionId,
    sequence,
    revision,
    'final',
    text,
    startMs,
    endMs,
    avgConfidence,
    JSON.stringify(words),
    speaker,
    channel,
    segment.createdAt.toISOString(),
  ];
}
