import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { z } from 'zod';

/** Another server works on the data directory. */
export class DataDirectoryInUseError extends Error {
  override readonly name = 'DataDirectoryInUseError';
}

export interface DataDirectoryLock {
  /** Gives the directory up; doing so again does nothing. */
  release(): void;
}

const LOCK_FILE = 'lock.db';
const ANNOUNCEMENT_FILE = 'server.json';

/** For whoever only looks whether the lock is held, which takes a moment's shared lock. */
const LOOKERS_MS = 500;

const announcement = z.object({ url: z.string(), pid: z.int(), startedAt: z.string() });

/**
 * Makes this process the only server of `directory`, until it releases the lock or ends, however it ends.
 *
 * The lock is the exclusive lock of an SQLite file, which the operating system takes back with the process. A file
 * with a process id would lie after a crash: ids are used again, and in a container every server is number 1.
 *
 * @param directory created when absent; on a file system with working POSIX locks
 * @throws DataDirectoryInUseError
 */
export function lockDataDirectory(directory: string): DataDirectoryLock {
  mkdirSync(directory, { recursive: true });
  const database = new Database(path.join(directory, LOCK_FILE), { timeout: LOOKERS_MS });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (isBusy(error)) throw inUse(directory, error);
    throw error;
  }
  // What a server left that ended without releasing.
  rmSync(path.join(directory, ANNOUNCEMENT_FILE), { force: true });
  return {
    release: () => {
      if (!database.open) return;
      rmSync(path.join(directory, ANNOUNCEMENT_FILE), { force: true });
      database.close();
    },
  };
}

/** Leaves a note for other programs where the server of `directory` listens; for the holder of its lock only. */
export function announceServer(directory: string, { url }: { url: string }): void {
  const file = path.join(directory, ANNOUNCEMENT_FILE);
  const note: z.infer<typeof announcement> = { pid: process.pid, url, startedAt: new Date().toISOString() };
  // In one step, so that nobody reads half of it.
  writeFileSync(`${file}.new`, `${JSON.stringify(note, null, 2)}\n`);
  renameSync(`${file}.new`, file);
}

/** The running server of `directory`; `null` when none holds its lock or it has not announced itself (yet). */
export function readAnnouncedServer(directory: string): { url: string; pid: number } | null {
  if (!isLocked(directory)) return null;
  const note = readAnnouncement(directory);
  return note === null ? null : { url: note.url, pid: note.pid };
}

function isLocked(directory: string): boolean {
  const file = path.join(directory, LOCK_FILE);
  if (!existsSync(file)) return false;
  const database = new Database(file, { readonly: true, timeout: 0 });
  try {
    database.prepare('SELECT COUNT(*) FROM sqlite_schema').get();
    return false;
  } catch (error) {
    if (isBusy(error)) return true;
    throw error;
  } finally {
    database.close();
  }
}

function readAnnouncement(directory: string): z.infer<typeof announcement> | null {
  let text: string;
  try {
    text = readFileSync(path.join(directory, ANNOUNCEMENT_FILE), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
  return announcement.parse(JSON.parse(text));
}

function inUse(directory: string, cause: unknown): DataDirectoryInUseError {
  const server = readAnnouncement(directory);
  const who = server === null ? 'Another server' : `A server (process ${server.pid}, ${server.url})`;
  return new DataDirectoryInUseError(
    `${who} uses the data directory ${path.resolve(directory)}. Stop it first, or give this one a directory of its own.`,
    { cause },
  );
}

function isBusy(error: unknown): boolean {
  return error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY');
}
