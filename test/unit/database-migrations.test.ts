import { cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { migrationToModels } from '../../scripts/schema-engine.mjs';
import { migrate, MigrationError, MIGRATIONS_FOLDER } from '../../src/database/migrations.ts';
import { openDatabase, UnsupportedDatabaseError } from '../../src/database/open-database.ts';
import { DatabaseUnavailableError } from '../../src/database/store-errors.ts';
import { newSession, useTemporaryFolder } from './database-fixtures.ts';

describe('migrations', () => {
  const folder = useTemporaryFolder();
  const file = () => path.join(folder(), 'verbatim.db');
  const busyPatienceMs = 50;

  /** The program's migrations in a folder that a test may change. */
  async function ownMigrations(): Promise<string> {
    const migrations = path.join(folder(), 'migrations');
    await cp(MIGRATIONS_FOLDER, migrations, { recursive: true });
    return migrations;
  }

  async function addMigration(migrations: string, name: string, sql: string): Promise<void> {
    await mkdir(path.join(migrations, name));
    await writeFile(path.join(migrations, name, 'migration.sql'), sql);
  }

  function onFile<T>(work: (database: BetterSqlite3.Database) => T): T {
    const database = new BetterSqlite3(file());
    try {
      return work(database);
    } finally {
      database.close();
    }
  }

  const tables = () =>
    onFile((database) => database.prepare(`SELECT sql FROM sqlite_schema WHERE type = 'table' ORDER BY name`).all());

  it('lead to the very schema that the models describe', async () => {
    await migrate(file(), { busyPatienceMs });
    expect(await migrationToModels(file())).toBeNull();
  });

  it('are told apart from models that they do not lead to', async () => {
    await migrate(file(), { busyPatienceMs });
    onFile((database) => database.exec('ALTER TABLE segments DROP COLUMN speaker'));
    expect(await migrationToModels(file())).toMatch(/ADD COLUMN "speaker" TEXT/);
  });

  it('are applied once, and recorded as Prisma records them', async () => {
    const names = (await readdir(MIGRATIONS_FOLDER, { withFileTypes: true }))
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
    expect(await migrate(file(), { busyPatienceMs })).toEqual(names.toSorted());
    expect(await migrate(file(), { busyPatienceMs })).toEqual([]);

    const recorded = onFile((database) =>
      database.prepare<[], Record<string, unknown>>('SELECT * FROM _prisma_migrations ORDER BY migration_name').all(),
    );
    expect(recorded.map((row) => row['migration_name'])).toEqual(names.toSorted());
    for (const row of recorded) {
      expect(row).toMatchObject({ applied_steps_count: 1, rolled_back_at: null, finished_at: expect.any(Number) });
      expect(row['checksum']).toMatch(/^[0-9a-f]{64}$/);
    }
  });

  it('are all undone when one of them fails', async () => {
    const migrations = await ownMigrations();
    await migrate(file(), { folder: migrations, busyPatienceMs });
    const before = tables();
    await addMigration(migrations, '29990101000000_good', 'CREATE TABLE good (id INTEGER);');
    await addMigration(
      migrations,
      '29990102000000_bad',
      'CREATE TABLE bad (id INTEGER); CREATE TABLE bad (id INTEGER);',
    );

    await expect(migrate(file(), { folder: migrations, busyPatienceMs })).rejects.toThrow(/29990102000000_bad failed/);
    expect(tables()).toEqual(before);
  });

  it('keep the segments when a migration rebuilds the table of the sessions', async () => {
    const migrations = await ownMigrations();
    await migrate(file(), { folder: migrations, busyPatienceMs });
    onFile((database) =>
      database.exec(`
        INSERT INTO sessions (id, status, language, audio_encoding, sample_rate, channels, created_at)
        VALUES ('a', 'active', 'en', 'pcm_s16le', 16000, 1, '2026-01-01T00:00:00.000+00:00');
        INSERT INTO segments (id, session_id, revision, kind, text, start_ms, end_ms, words, channel, created_at)
        VALUES ('a1', 'a', 1, 'final', 'kept', 0, 1, '[]', 0, '2026-01-01T00:00:00.000+00:00');`),
    );
    // The form in which Prisma writes a rebuild.
    await addMigration(
      migrations,
      '29990101000000_rebuild',
      `PRAGMA defer_foreign_keys=ON;
       PRAGMA foreign_keys=OFF;
       CREATE TABLE "new_sessions" AS SELECT * FROM "sessions";
       DROP TABLE "sessions";
       CREATE TABLE "sessions" ("id" TEXT NOT NULL PRIMARY KEY, "status" TEXT NOT NULL);
       INSERT INTO "sessions" SELECT "id", "status" FROM "new_sessions";
       DROP TABLE "new_sessions";
       PRAGMA foreign_keys=ON;
       PRAGMA defer_foreign_keys=OFF;`,
    );

    await migrate(file(), { folder: migrations, busyPatienceMs });
    expect(onFile((database) => database.prepare('SELECT text FROM segments').all())).toEqual([{ text: 'kept' }]);
  });

  it('know no latency of the sessions that were there before it was measured', async () => {
    const migrations = await ownMigrations();
    const names = (await readdir(migrations)).filter(
      (name) => name >= '20261125180321_add_final_latency' && name < 'm',
    );
    for (const name of names) await rm(path.join(migrations, name), { recursive: true });
    await migrate(file(), { folder: migrations, busyPatienceMs });
    onFile((database) =>
      database.exec(`
        INSERT INTO sessions (id, status, language, audio_encoding, sample_rate, channels, created_at, total_segments, word_count)
        VALUES ('a', 'completed', 'en', 'pcm_s16le', 16000, 1, '2026-01-01T00:00:00.000+00:00', 7, 70);`),
    );
    const migrated = await openDatabase({ url: `file:${file()}` });
    const { totals } = await migrated.store.totals({}, 'UTC');
    const session = await migrated.store.findSession('a');
    await migrated.close();
    expect(session?.statistics).toMatchObject({ totalSegments: 7, averageLatencyMs: null, latencyCount: 0 });
    expect(totals).toMatchObject({ words: 70, averageLatencyMs: null, latencyCount: 0 });
  });

  it('are refused when they would leave segments without a session', async () => {
    const migrations = await ownMigrations();
    await migrate(file(), { folder: migrations, busyPatienceMs });
    await addMigration(
      migrations,
      '29990101000000_orphans',
      `INSERT INTO segments (id, session_id, revision, kind, text, start_ms, end_ms, words, channel, created_at)
       VALUES ('a1', 'nobody', 1, 'final', '', 0, 1, '[]', 0, '2026-01-01T00:00:00.000+00:00');`,
    );
    await expect(migrate(file(), { folder: migrations, busyPatienceMs })).rejects.toThrow(/rows that do not exist/);
    expect(onFile((database) => database.prepare('SELECT id FROM segments').all())).toEqual([]);
  });

  it('are refused when one was edited after it was applied', async () => {
    const migrations = await ownMigrations();
    await addMigration(migrations, '29990101000000_more', 'CREATE TABLE more (id INTEGER);');
    await migrate(file(), { folder: migrations, busyPatienceMs });
    await writeFile(path.join(migrations, '29990101000000_more', 'migration.sql'), 'CREATE TABLE more (id TEXT);');

    const refused = migrate(file(), { folder: migrations, busyPatienceMs });
    await expect(refused).rejects.toThrow(MigrationError);
    await expect(refused).rejects.toThrow(/29990101000000_more was edited/);
  });

  it('are refused when the database is newer than the program', async () => {
    const migrations = await ownMigrations();
    await addMigration(migrations, '29990101000000_newer', 'CREATE TABLE newer (id INTEGER);');
    await migrate(file(), { folder: migrations, busyPatienceMs });
    await expect(openDatabase({ url: `file:${file()}` })).rejects.toThrow(/newer than this program/);
  });

  it('are refused when one was begun and never finished, until somebody says how it stands', async () => {
    await migrate(file(), { busyPatienceMs });
    onFile((database) => database.exec('UPDATE _prisma_migrations SET finished_at = NULL'));
    await expect(migrate(file(), { busyPatienceMs })).rejects.toThrow(/never finished/);

    onFile((database) => database.exec('UPDATE _prisma_migrations SET finished_at = started_at'));
    expect(await migrate(file(), { busyPatienceMs })).toEqual([]);
  });

  it('are applied once when two programs start at the same time', async () => {
    const applied = await Promise.all([
      migrate(file(), { busyPatienceMs: 5_000 }),
      migrate(file(), { busyPatienceMs: 5_000 }),
    ]);
    expect(applied.filter((names) => names.length > 0)).toHaveLength(1);
  });

  it('wait for a locked database no longer than told', async () => {
    await migrate(file(), { busyPatienceMs });
    const holder = new BetterSqlite3(file());
    holder.exec('BEGIN IMMEDIATE');
    await expect(openDatabase({ url: `file:${file()}`, busyPatienceMs })).rejects.toThrow(DatabaseUnavailableError);
    holder.close();
  });
});

describe('openDatabase', () => {
  const folder = useTemporaryFolder();

  it('creates the file and its folders, and finds in it again what was stored', async () => {
    const url = `file:${path.join(folder(), 'deep', 'er', 'verbatim.db')}`;
    const first = await openDatabase({ url });
    await first.store.createSession(newSession('a'));
    await first.close();

    const second = await openDatabase({ url });
    expect(await second.store.findSession('a')).toMatchObject({ id: 'a' });
    await second.close();
  });

  it.each([
    ['postgresql://localhost/verbatim', /scheme "postgresql:"/],
    ['verbatim.db', /no scheme/],
    ['file::memory:', /keeps nothing/],
  ])('refuses %s and says what it takes', async (url, message) => {
    await expect(openDatabase({ url })).rejects.toThrow(UnsupportedDatabaseError);
    await expect(openDatabase({ url })).rejects.toThrow(message);
  });

  it('fails as unavailable when the file cannot be opened', async () => {
    await mkdir(path.join(folder(), 'a folder'));
    await expect(openDatabase({ url: `file:${path.join(folder(), 'a folder')}` })).rejects.toThrow(
      DatabaseUnavailableError,
    );
  });
});
