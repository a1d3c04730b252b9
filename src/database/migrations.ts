import { createHash, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { retryWhileBusy } from './busy.ts';

/** The database is not in a state that this program can bring up to date. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

/** Shipped beside the program: two folders up from here, in the sources as in the compiled program. */
export const MIGRATIONS_FOLDER = fileURLToPath(new URL('../../prisma/migrations/sqlite/', import.meta.url));

interface Migration {
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

interface AppliedMigration {
  readonly migration_name: string;
  readonly checksum: string;
  readonly finished_at: number | string | null;
  readonly rolled_back_at: number | string | null;
}

/** As `prisma migrate deploy` creates it, so that either may go on from the other. */
const HISTORY_TABLE = `CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
    "id"                    TEXT PRIMARY KEY NOT NULL,
    "checksum"              TEXT NOT NULL,
    "finished_at"           DATETIME,
    "migration_name"        TEXT NOT NULL,
    "logs"                  TEXT,
    "rolled_back_at"        DATETIME,
    "started_at"            DATETIME NOT NULL DEFAULT current_timestamp,
    "applied_steps_count"   INTEGER UNSIGNED NOT NULL DEFAULT 0
)`;

/**
 * Applies the migrations that the SQLite file lacks, all in one transaction: either the database is up to date
 * afterwards or it is as it was.
 *
 * @param file path of the database, created when absent
 * @param options.folder of migrations, in Prisma's format
 * @param options.busyPatienceMs how long to wait for another process's lock
 * @returns the names of the applied ones
 * @throws MigrationError when the recorded history does not fit the program's migrations, or a migration failed
 */
export async function migrate(
  file: string,
  { folder = MIGRATIONS_FOLDER, busyPatienceMs }: { folder?: string; busyPatienceMs: number },
): Promise<string[]> {
  const migrations = readMigrations(folder);
  const database = new Database(file, { timeout: 0 });
  try {
    await retryWhileBusy(() => {
      // Full durability for the history too. No foreign keys: Prisma rebuilds a table by dropping the old one, which
      // would delete the rows that refer to it, and its own `PRAGMA foreign_keys=OFF` does nothing in a transaction.
      database.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=OFF;');
      database.exec('BEGIN IMMEDIATE');
    }, busyPatienceMs);
    const applied = applyMissing(database, migrations);
    database.exec('COMMIT');
    return applied;
  } finally {
    // Closing rolls back what is still open.
    database.close();
  }
}

function readMigrations(folder: string): Migration[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => {
      const sql = readFileSync(path.join(folder, name, 'migration.sql'), 'utf8');
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function applyMissing(database: Database.Database, migrations: readonly Migration[]): string[] {
  database.exec(HISTORY_TABLE);
  const history = database
    .prepare<[], AppliedMigration>(
      `SELECT migration_name, checksum, finished_at, rolled_back_at FROM "_prisma_migrations"`,
    )
    .all();
  const missing = missingMigrations(migrations, history);
  if (missing.length === 0) return [];
  const record = database.prepare(
    `INSERT INTO "_prisma_migrations" (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
     VALUES (?, ?, ?, ?, ?, 1)`,
  );
  for (const { name, sql, checksum } of missing) {
    const startedAt = Date.now();
    try {
      database.exec(sql);
    } catch (error) {
      throw new MigrationError(
        `Migration ${name} failed; the database is unchanged. Report this, with the cause, to whoever made the migration.`,
        { cause: error },
      );
    }
    record.run(randomUUID(), checksum, name, startedAt, Date.now());
  }
  if (database.prepare('PRAGMA foreign_key_check').get() !== undefined) {
    throw new MigrationError(
      'After the migrations some rows would refer to rows that do not exist; the database is unchanged. ' +
        'Run "PRAGMA foreign_key_check" on it to find rows that were so before.',
    );
  }
  return missing.map(({ name }) => name);
}

function missingMigrations(migrations: readonly Migration[], history: readonly AppliedMigration[]): Migration[] {
  const known = new Map(migrations.map((migration) => [migration.name, migration]));
  const inForce = history.filter((row) => row.rolled_back_at === null);
  for (const row of inForce) {
    const name = row.migration_name;
    const migration = known.get(name);
    if (row.finished_at === null) {
      throw new MigrationError(
        `Migration ${name} was begun earlier and never finished. Restore the database from a backup, or repair it by ` +
          `hand and set finished_at (if its changes are all there) or rolled_back_at (if none is) in _prisma_migrations.`,
      );
    }
    if (migration === undefined) {
      throw new MigrationError(
        `The database is newer than this program: it has the migration ${name}, which this version does not know. ` +
          `Start the newer version again, or restore a backup from before the upgrade.`,
      );
    }
    if (row.checksum !== migration.checksum) {
      throw new MigrationError(
        `Migration ${name} was edited after it was applied to this database. Restore the file as it was released; ` +
          `put further changes into a migration of their own.`,
      );
    }
  }
  const applied = new Set(inForce.map((row) => row.migration_name));
  return migrations.filter(({ name }) => !applied.has(name));
}
