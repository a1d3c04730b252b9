import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import BetterSqlite3 from 'better-sqlite3';
import { afterEach, describe, expect, it } from 'vitest';
import { DatabaseUnavailableError } from '../../src/database/store-errors.ts';
import { SqliteAdapterFactory } from '../../src/database/sqlite.ts';
import { until } from '../support/wait.ts';
import { batch, finalSegment, newSession, useTemporaryDatabase } from './database-fixtures.ts';

describe('the SQLite connection', () => {
  const database = useTemporaryDatabase();

  it('syncs its write-ahead log at every commit, enforces foreign keys and never waits inside SQLite', async () => {
    const { client } = database();
    expect(await client.$queryRaw`PRAGMA journal_mode`).toEqual([{ journal_mode: 'wal' }]);
    expect(await client.$queryRaw`PRAGMA synchronous`).toMatchObject([{ synchronous: 2n }]);
    expect(await client.$queryRaw`PRAGMA foreign_keys`).toMatchObject([{ foreign_keys: 1n }]);
    expect(await client.$queryRaw`PRAGMA busy_timeout`).toMatchObject([{ timeout: 0n }]);
  });

  it('keeps a write that was made while a transaction was open, when that transaction is rolled back', async () => {
    const { client, store, other } = database();
    await store.createSession(newSession('a'));
    let concurrent: Promise<void> | undefined;

    const transaction = client.$transaction(async (inside) => {
      await inside.session.update({ where: { id: 'a' }, data: { title: 'of the transaction' } });
      concurrent = store.createSession(newSession('beside it'));
      // Two turns of the event loop: time in which the write would slip into the transaction.
      await inside.session.findMany();
      await new Promise(setImmediate);
      throw new Error('changed my mind');
    });

    await expect(transaction).rejects.toThrow('changed my mind');
    await concurrent;
    expect(other.prepare('SELECT id, title FROM sessions ORDER BY id').all()).toEqual([
      { id: 'a', title: null },
      { id: 'beside it', title: null },
    ]);
  });

  it('does not show a root query what an open transaction has not committed', async () => {
    const { client, store } = database();
    let seen: Promise<unknown> | undefined;
    await client
      .$transaction(async (inside) => {
        await inside.session.create({ data: { ...rowOf('uncommitted') } });
        seen = store.findSession('uncommitted');
        await new Promise(setImmediate);
        throw new Error('rolled back');
      })
      .catch(() => {});
    expect(await seen).toBeNull();
  });

  it('loses no later write when a COMMIT fails', async () => {
    const { client, store, other } = database();
    await store.createSession(newSession('a'));

    const failing = client.$transaction(async (inside) => {
      // Deferred, the violated foreign key makes the COMMIT itself fail and leaves the transaction open.
      await inside.$executeRaw`PRAGMA defer_foreign_keys=ON`;
      await inside.$executeRaw`UPDATE sessions SET title = 'half' WHERE id = 'a'`;
      await inside.$executeRaw`
        INSERT INTO segments (id, session_id, revision, kind, text, start_ms, end_ms, words, channel, created_at)
        VALUES ('orphan', 'nobody', 1, 'final', '', 0, 0, '[]', 0, '2026-01-01T00:00:00.000+00:00')`;
    });
    await expect(failing).rejects.toThrow(/foreign ?key/i);

    await store.createSession(newSession('b'));
    await store.commitBatch(batch('a', 0, 10, { finals: [finalSegment('a', 1)] }));
    expect(other.prepare('SELECT id, title FROM sessions ORDER BY id').all()).toEqual([
      { id: 'a', title: null },
      { id: 'b', title: null },
    ]);
    expect(other.prepare('SELECT id FROM segments').all()).toEqual([{ id: 'a:0:1' }]);
  });

  it.each(['commit', 'rollback'] as const)('lets nothing follow a transaction after its %s was begun', async (end) => {
    const { file, store, other } = database();
    await store.createSession(newSession('a'));
    const adapter = await new SqliteAdapterFactory(file, 1_000).connect();
    const transaction = await adapter.startTransaction();
    const sql = `UPDATE sessions SET title = 'too late' WHERE id = 'a'`;
    const [ended, late] = await Promise.allSettled([
      transaction[end](),
      transaction.executeRaw({ sql, args: [], argTypes: [] }),
    ]);
    await adapter.dispose();
    expect(ended).toMatchObject({ status: 'fulfilled' });
    expect(late).toMatchObject({ reason: { cause: { kind: 'TransactionAlreadyClosed' } } });
    expect(other.prepare('SELECT title FROM sessions').all()).toEqual([{ title: null }]);
  });

  it('deletes the segments with their session', async () => {
    const { client, store } = database();
    await store.createSession(newSession('a'));
    await store.commitBatch(batch('a', 0, 10, { finals: [finalSegment('a', 1)] }));
    await client.session.delete({ where: { id: 'a' } });
    expect(await store.findSegment('a:0:1')).toBeNull();
  });

  it('says that the file is damaged, and works again as soon as a backup is in its place', async () => {
    const { store, other, file } = database();
    await store.createSession(newSession('a'));
    // More than SQLite keeps in memory.
    const finals = Array.from({ length: 3000 }, (_, index) => finalSegment('a', index + 1, { text: 'x'.repeat(2000) }));
    await store.commitBatch(batch('a', 0, 10, { finals }));
    other.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    const backup = await readFile(file);
    const damaged = Buffer.from(backup).fill(0xff, 4096);
    await writeFile(file, damaged, { flag: 'r+' });

    const all = { sessionId: 'a', afterSequence: 0, beforeSequence: Infinity, limit: 10_000, fromEnd: false };
    const refused = store.finalsBySequence([all]);
    await expect(refused).rejects.toThrow(DatabaseUnavailableError);
    await expect(refused).rejects.toThrow(/damaged \(SQLITE_CORRUPT\).*backup/);

    other.close();
    for (const beside of ['-wal', '-shm']) await rm(`${file}${beside}`, { force: true });
    await writeFile(`${file}.backup`, backup);
    await rename(`${file}.backup`, file);
    expect((await store.finalsBySequence([all]))[0]).toHaveLength(3000);
  });

  it('fails as unavailable once it is closed', async () => {
    const current = database();
    await current.close();
    await expect(current.store.ping()).rejects.toThrow(DatabaseUnavailableError);
  });
});

describe('a write lock held by another process', () => {
  const database = useTemporaryDatabase({ busyPatienceMs: 10_000 });
  const holders: (() => void)[] = [];
  afterEach(() => {
    for (const end of holders.splice(0)) end();
  });

  /** Another process that holds the write lock until it is told to let go. */
  async function lockedByAnotherProcess(): Promise<{ letGo: () => void }> {
    const script = `
      const Database = require('better-sqlite3');
      const database = new Database(process.argv[1]);
      database.exec('BEGIN IMMEDIATE');
      process.stdout.write('held');
      process.stdin.once('data', () => { database.exec('ROLLBACK'); database.close(); process.exit(); });`;
    const holder = spawn(process.execPath, ['-e', script, database().file], { stdio: ['pipe', 'pipe', 'inherit'] });
    holders.push(() => holder.kill('SIGKILL'));
    await once(holder.stdout, 'data');
    return { letGo: () => holder.stdin.write('go') };
  }

  it('makes a write wait without stopping the event loop, then lets it succeed; reads go on meanwhile', async () => {
    const { store } = database();
    await store.createSession(newSession('a'));
    const { letGo } = await lockedByAnotherProcess();

    const loop = watchEventLoop();
    let settled = 0;
    const writes = [
      store.createSession(newSession('b')),
      store.commitBatch(batch('a', 0, 10, { finals: [finalSegment('a', 1)] })),
    ].map((write) => write.finally(() => (settled += 1)));
    await until(() => loop.turns() > 100, { what: 'the event loop turning while the writes wait' });
    expect(await store.findSession('a')).toMatchObject({ journalPosition: 0 });
    expect(settled).toBe(0);
    const { longestMs } = loop.stop();
    letGo();

    await Promise.all(writes);
    expect(await store.findSession('b')).not.toBeNull();
    expect(await store.findSession('a')).toMatchObject({ journalPosition: 10 });
    // SQLite's own waiting would have stopped it until the lock was free. Half a second allows for a loaded machine.
    expect(longestMs).toBeLessThan(500);
  });
});

describe('a write lock that is not given back', () => {
  const database = useTemporaryDatabase({ busyPatienceMs: 100 });

  it('makes writes fail as unavailable after the patience, having changed nothing; they work again afterwards', async () => {
    const { store, other } = database();
    await store.createSession(newSession('a'));
    const refused = batch('a', 0, 10, { finals: [finalSegment('a', 1)] });

    other.exec('BEGIN IMMEDIATE');
    await expect(store.commitBatch(refused)).rejects.toThrow(DatabaseUnavailableError);
    await expect(store.createSession(newSession('b'))).rejects.toThrow(DatabaseUnavailableError);
    expect(await store.findSession('a')).toMatchObject({ journalPosition: 0 });
    other.exec('ROLLBACK');

    expect(await store.commitBatch(refused)).toBe('applied');
    await store.createSession(newSession('b'));
  });

  it('fails as unavailable when the file has no room left, leaving nothing of the batch', async () => {
    const { store, client, file } = database();
    await store.createSession(newSession('a'));
    const [size] = await client.$queryRaw<{ page_count: bigint }[]>`PRAGMA page_count`;
    await client.$queryRawUnsafe(`PRAGMA max_page_count=${size?.page_count}`);
    const finals = Array.from({ length: 2000 }, (_, index) => finalSegment('a', index + 1));

    await expect(store.commitBatch(batch('a', 0, 10, { finals }))).rejects.toThrow(DatabaseUnavailableError);
    const reader = new BetterSqlite3(file, { readonly: true });
    expect(reader.prepare('SELECT COUNT(*) AS count FROM segments').get()).toEqual({ count: 0 });
    reader.close();

    await client.$queryRaw`PRAGMA max_page_count=1000000`;
    expect(await store.commitBatch(batch('a', 0, 10, { finals }))).toBe('applied');
  });
});

function rowOf(id: string) {
  return {
    id,
    status: 'active',
    language: 'en',
    audioEncoding: 'pcm_s16le',
    sampleRate: 16_000,
    channels: 1,
    createdAt: new Date(),
  };
}

/** Counts turns of the event loop and measures the longest pause between two of them, in ms. */
function watchEventLoop(): { turns: () => number; stop: () => { longestMs: number } } {
  let turns = 0;
  let longestMs = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    longestMs = Math.max(longestMs, now - last);
    last = now;
    turns += 1;
  }, 1);
  return {
    turns: () => turns,
    stop: () => {
      clearInterval(timer);
      return { longestMs };
    },
  };
}
