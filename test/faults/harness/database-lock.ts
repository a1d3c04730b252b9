import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import BetterSqlite3 from 'better-sqlite3';

/** Holds the write lock of the server's database for `ms` milliseconds, as another program may. */
export async function lockDatabase(dataDirectory: string, ms: number, signal: AbortSignal): Promise<void> {
  const database = new BetterSqlite3(path.join(dataDirectory, 'verbatim.db'), { timeout: 10_000 });
  try {
    database.exec('BEGIN IMMEDIATE');
    await delay(ms, undefined, { signal });
    database.exec('ROLLBACK');
  } finally {
    database.close();
  }
}
