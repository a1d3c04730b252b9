import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { toDatabaseError } from './database-errors.ts';
import { PrismaClient } from './generated/prisma/client.ts';
import { migrate } from './migrations.ts';
import { PrismaSessionStore } from './prisma-session-store.ts';
import type { SessionStore } from './session-store.ts';
import { SqliteAdapterFactory } from './sqlite.ts';

export interface DatabaseOptions {
  /** `file:` and a path, absolute or relative to the working directory; the file is created when absent. */
  readonly url: string;
  /**
   * How long a call waits for a lock that another process holds before it fails as `DatabaseUnavailableError`, in ms.
   * @default 5_000 // 5 seconds
   */
  readonly busyPatienceMs?: number;
}

export interface Database {
  readonly client: PrismaClient;
  readonly store: SessionStore;
  /** Rolls back transactions under way and lets go of the file; what comes later fails as `DatabaseUnavailableError`. */
  close(): Promise<void>;
}

/** The URL names no database that this program can use. */
export class UnsupportedDatabaseError extends Error {
  override readonly name = 'UnsupportedDatabaseError';
}

/** Beyond the patience with other processes: turns to wait for in this one, and a disk that is slow. */
const TRANSACTION_MARGIN_MS = 10_000;

/**
 * Opens the database, after applying the migrations that it lacks.
 *
 * @throws UnsupportedDatabaseError
 * @throws MigrationError when the database is newer than the program or its history is broken
 * @throws DatabaseUnavailableError when the file cannot be opened or stays locked
 */
export async function openDatabase({ url, busyPatienceMs = 5_000 }: DatabaseOptions): Promise<Database> {
  const file = sqliteFile(url);
  await mkdir(path.dirname(file), { recursive: true });
  const adapter = new SqliteAdapterFactory(file, busyPatienceMs);
  const client = new PrismaClient({
    adapter,
    transactionOptions: { maxWait: busyPatienceMs + TRANSACTION_MARGIN_MS, timeout: TRANSACTION_MARGIN_MS },
    errorFormat: 'minimal',
  });
  try {
    await migrate(file, { busyPatienceMs });
    await client.$connect();
  } catch (error) {
    throw toDatabaseError(error);
  }
  return {
    client,
    store: new PrismaSessionStore(client, (transaction) => adapter.transact(transaction)),
    close: async () => {
      adapter.retire();
      await client.$disconnect();
    },
  };
}

/**
 * Absolute path of the SQLite file that a URL names.
 * @throws UnsupportedDatabaseError
 */
export function sqliteFile(url: string): string {
  if (/^file:\/\//i.test(url)) return fileURLToPath(url);
  const file = /^file:(.+)$/i.exec(url)?.[1];
  if (file === undefined) {
    const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1];
    throw new UnsupportedDatabaseError(
      `The database URL ${scheme === undefined ? 'has no scheme' : `has the scheme "${scheme}:"`}; this version knows ` +
        'SQLite files: use for example "file:./data/verbatim.db"',
    );
  }
  if (file === ':memory:') {
    throw new UnsupportedDatabaseError(
      'A database in memory keeps nothing; use a file, for example "file:./verbatim.db"',
    );
  }
  return path.resolve(file);
}
