import { existsSync } from 'node:fs';
import Database from 'better-sqlite3';
import { sessionStatuses } from './vocabulary.ts';

/** What a backup must know of a session to copy and judge its logs. */
export interface CopiedSession {
  readonly id: string;
  readonly isOver: boolean;
  /** Bytes of its journal that the rows reflect: the checkpoint. */
  readonly journalPosition: number;
}

/** There is no database to copy, or none that a copy of would be of use. */
class DatabaseNotCopiedError extends Error {
  override readonly name = 'DatabaseNotCopiedError';
}

/** In WAL mode, nobody holds a lock that keeps readers out for more than a moment. */
const PATIENCE_MS = 10_000;
/** Copied in one go, about 4 MiB: between two of them an abort is heard. */
const PAGES_AT_ONCE = 1_000;

const OPEN_STATUSES = [sessionStatuses.toColumn('ACTIVE'), sessionStatuses.toColumn('FINALIZING')];

/**
 * Copies an SQLite database, as it is at one moment, while other processes may go on to write to it: they wait for nothing,
 * since the copy reads a snapshot that the write-ahead log keeps. The copy is one file, without a log beside it, but not
 * yet synced.
 *
 * @param target a path at which there is nothing
 * @param patienceMs how long to wait for a lock of another process
 * @returns the sessions of the copy, oldest first
 * @throws DatabaseNotCopiedError when there is no database of sessions at `source`, or it is damaged
 * @throws Database.SqliteError when it can't be read
 */
export async function copyDatabase(
  source: string,
  target: string,
  signal: AbortSignal,
  patienceMs = PATIENCE_MS,
): Promise<CopiedSession[]> {
  if (!existsSync(source)) throw new DatabaseNotCopiedError(`There is no database at ${source}: nothing to back up.`);
  const database = new Database(source, { readonly: true, timeout: patienceMs });
  try {
    // A transaction of its own holds the snapshot: without it, SQLite begins anew whenever somebody writes.
    database.exec('BEGIN');
    database.prepare('SELECT COUNT(*) FROM sqlite_schema').get();
    await database.backup(target, {
      progress: () => {
        signal.throwIfAborted();
        return PAGES_AT_ONCE;
      },
    });
  } finally {
    database.close();
  }
  return inspectCopy(source, target);
}

function inspectCopy(source: string, target: string): CopiedSession[] {
  const copy = new Database(target, { fileMustExist: true });
  try {
    // It carries the mode of its source, in which each reader would leave files beside it; a server turns it back.
    copy.pragma('journal_mode = DELETE');
    const found: unknown = copy.pragma('quick_check(1)', { simple: true });
    if (found !== 'ok') {
      throw new DatabaseNotCopiedError(
        `The database ${source} is damaged (${String(found)}): keep a copy of the whole data directory, and restore the last backup.`,
      );
    }
    if (copy.prepare(`SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'sessions'`).get() === undefined) {
      throw new DatabaseNotCopiedError(`${source} is no database of this program: it has no table of sessions.`);
    }
    return copy
      .prepare<[], { id: string; status: string; journal_position: number }>(
        'SELECT id, status, journal_position FROM sessions ORDER BY created_at, id',
      )
      .all()
      .map(({ id, status, journal_position: journalPosition }) => ({
        id,
        isOver: !OPEN_STATUSES.includes(status),
        journalPosition,
      }));
  } finally {
    copy.close();
  }
}
