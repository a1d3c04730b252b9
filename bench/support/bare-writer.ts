import type Database from 'better-sqlite3';
import type { Segment, SessionRecord } from '../../src/database/session-store.ts';

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

/** The least that could write segments to a migrated database: prepared statements on a connection of this thread. */
export class BareWriter {
  readonly #database: Database.Database;
  readonly #insert: Database.Statement;
  readonly #writeBatch: Database.Transaction<(batch: readonly Segment[]) => void>;

  constructor(database: Database.Database) {
    database.pragma('journal_mode=WAL');
    database.pragma('synchronous=FULL');
    database.pragma('foreign_keys=ON');
    this.#database = database;
    this.#insert = database.prepare(
      `INSERT INTO segments (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map(() => '?').join(', ')})`,
    );
    this.#writeBatch = database.transaction((batch: readonly Segment[]) => {
      for (const segment of batch) this.#insert.run(valuesOf(segment));
    });
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
