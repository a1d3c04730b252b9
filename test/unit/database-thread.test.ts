import { execFile } from 'node:child_process';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Worker } from 'node:worker_threads';
import { PrismaBetterSqlite3 } from '@prisma/adapter-better-sqlite3';
import { DriverAdapterError, type ArgType, type SqlQuery } from '@prisma/driver-adapter-utils';
import BetterSqlite3 from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { driverErrorCode, toDatabaseError, violatedUniqueColumns } from '../../src/database/database-errors.ts';
import { Prisma } from '../../src/database/generated/prisma/client.ts';
import { DatabaseUnavailableError } from '../../src/database/store-errors.ts';
import { type Connection, ThreadedConnection } from '../../src/database/threaded-connection.ts';
import { compiled } from '../support/compiled-program.ts';
import { batch, finalSegment, newSession, useTemporaryDatabase, useTemporaryFolder } from './database-fixtures.ts';

/** Keeps SQLite busy for a good while, without the disk. */
const SLOW = `WITH RECURSIVE counter(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < 3000000)
  SELECT COUNT(*) AS counted FROM counter`;

/** The threads that were started during a test. */
function useThreads(): () => Worker {
  const threads: Worker[] = [];
  const remember = (thread: Worker) => threads.push(thread);
  beforeEach(() => {
    threads.length = 0;
    process.on('worker', remember);
  });
  afterEach(() => {
    process.off('worker', remember);
  });
  return () => {
    const newest = threads.at(-1);
    if (newest === undefined) throw new Error('No thread was started');
    return newest;
  };
}

describe('the thread of the database', () => {
  const newestThread = useThreads();
  const database = useTemporaryDatabase();

  it('lets the event loop turn while a statement runs', async () => {
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    expect(await database().client.$queryRawUnsafe(SLOW)).toEqual([{ counted: 3_000_000n }]);
    clearInterval(timer);
    // On the event loop's own thread the statement would leave it none.
    expect(turns).toBeGreaterThan(20);
  });

  it('carries calls out in the order in which they were made', async () => {
    const { client, store } = database();
    const slow = client.$queryRawUnsafe(SLOW).then(() => 'slow');
    const quick = store.createSession(newSession('a')).then(() => 'quick');
    expect(await Promise.race([slow, quick])).toBe('slow');
    await quick;
  });

  it('tells a violated constraint with its code and columns, through Prisma', async () => {
    const { client, store } = database();
    await store.createSession(newSession('a'));
    const error: unknown = await client.session.create({ data: rowOf('a') }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Prisma.PrismaClientKnownRequestError);
    expect(error).toMatchObject({ code: 'P2002' });
    expect(driverErrorCode(error)).toBe('SQLITE_CONSTRAINT_PRIMARYKEY');
    expect(violatedUniqueColumns(error)).toEqual(['id']);
  });

  it('fails what is under way as unavailable when it ends, and is replaced for what comes later', async () => {
    const { client, store, other } = database();
    await store.createSession(newSession('a'));
    const first = newestThread();
    const slow = client.$queryRawUnsafe(SLOW).catch((reason: unknown) => reason);
    await nextTurn();
    await first.terminate();
    expect(toDatabaseError(await slow)).toBeInstanceOf(DatabaseUnavailableError);

    expect(await store.commitBatch(batch('a', 0, 10, { finals: [finalSegment('a', 1)] }))).toBe('applied');
    expect(newestThread()).not.toBe(first);
    expect(await client.$queryRaw`PRAGMA synchronous`).toMatchObject([{ synchronous: 2n }]);
    expect(await client.$queryRaw`PRAGMA foreign_keys`).toMatchObject([{ foreign_keys: 1n }]);
    expect(other.prepare('SELECT id FROM segments').all()).toEqual([{ id: 'a:0:1' }]);
  });

  it('fails a call of the store as unavailable when it ends before it answers', async () => {
    const { store } = database();
    await store.createSession(newSession('a'));
    const thread = newestThread();
    // Sent ahead of the calls: neither an id nor a call, hence an exception that nobody catches.
    const postMessage = thread.postMessage.bind(thread);
    thread.postMessage = (message: unknown) => {
      postMessage(null);
      postMessage(message);
    };
    await expect(store.commitBatch(batch('a', 0, 10, { finals: [finalSegment('a', 1)] }))).rejects.toThrow(
      DatabaseUnavailableError,
    );
    expect(await store.findSession('a')).toMatchObject({ journalPosition: 0 });
  });

  it('leaves nothing of a transaction during which it ended, neither half of it nor its lock', async () => {
    const { client, store, other } = database();
    await store.createSession(newSession('a'));
    const transaction = client.$transaction(async (inside) => {
      await inside.session.update({ where: { id: 'a' }, data: { title: 'first half' } });
      await newestThread().terminate();
      await inside.session.update({ where: { id: 'a' }, data: { language: 'second half' } });
    });
    await expect(transaction).rejects.toMatchObject({ code: 'P1017' });

    await store.createSession(newSession('b'));
    expect(other.prepare('SELECT id, title, language FROM sessions ORDER BY id').all()).toEqual([
      { id: 'a', title: null, language: 'en' },
      { id: 'b', title: null, language: 'en' },
    ]);
  });

  it('ends when the database is closed', async () => {
    const ended = new Promise((resolve) => newestThread().once('exit', resolve));
    await database().close();
    await ended;
    await expect(database().store.ping()).rejects.toThrow(DatabaseUnavailableError);
  });
});

describe('a connection in a thread', () => {
  const newestThread = useThreads();
  const folder = useTemporaryFolder();
  const open: Connection[] = [];
  afterEach(async () => {
    for (const connection of open.splice(0)) await connection.dispose();
  });

  async function openThreaded(): Promise<ThreadedConnection> {
    const connection = await ThreadedConnection.open(path.join(folder(), 'threaded.db'));
    open.push(connection);
    return connection;
  }

  async function openBoth(): Promise<readonly Connection[]> {
    const plain = await new PrismaBetterSqlite3({ url: path.join(folder(), 'plain.db') }).connect();
    open.push(plain);
    return [await openThreaded(), plain];
  }

  it('gives the same values, column types and counts as one that is not', async () => {
    const [ofThread, plain] = await Promise.all(
      (await openBoth()).map(async (connection) => {
        await connection.executeScript(
          'CREATE TABLE t (i INTEGER, b BIGINT, r REAL, s TEXT, y BOOLEAN, d DATETIME, j JSONB, x BLOB, n TEXT)',
        );
        const values: readonly (readonly [unknown, ArgType['scalarType']])[] = [
          [42, 'int'],
          [9_007_199_254_740_993n, 'bigint'],
          [0.1, 'float'],
          ['Grüße, 世界 \u{1F600}', 'string'],
          [true, 'boolean'],
          [new Date('2026-03-14T09:26:53.589Z'), 'datetime'],
          ['{"a":[1,null]}', 'json'],
          [Buffer.from([0, 1, 255]).toString('base64'), 'bytes'],
          [null, 'string'],
        ];
        const changes = await connection.executeRaw({
          sql: `INSERT INTO t VALUES (${values.map(() => '?').join(', ')})`,
          args: values.map(([value]) => value),
          argTypes: values.map(([, scalarType]) => ({ scalarType, arity: 'scalar' })),
        });
        const stored = await connection.queryRaw(sql('SELECT *, i + 1 AS computed FROM t'));
        return {
          changes,
          stored,
          blob: asBytes(stored.rows[0]?.[7]),
          none: await connection.queryRaw(sql('SELECT 1 WHERE 0')),
        };
      }),
    );
    // A blob comes as the bytes that Prisma asks for, without the methods of a Buffer.
    const bare = (outcome: typeof ofThread) => ({
      ...outcome,
      stored: { ...outcome?.stored, rows: outcome?.stored.rows.map((row) => row.with(7, null)) },
    });
    expect(bare(ofThread)).toEqual(bare(plain));
    expect(ofThread?.blob).toEqual([0, 1, 255]);
    expect(ofThread?.stored.rows[0]?.slice(0, 2)).toEqual([42, '9007199254740993']);
  });

  it.each([
    ['a syntax error', 'SELEKT 1'],
    ['a missing table', 'SELECT * FROM nowhere'],
    ['a missing column', 'SELECT nothing FROM t'],
    ['a repeated key', 'INSERT INTO t (id) VALUES (1)'],
    ['a missing value', 'INSERT INTO t (id, needed) VALUES (2, NULL)'],
    ['a broken reference', 'INSERT INTO t (id, parent) VALUES (2, 99)'],
    ['a missing argument', 'SELECT ?'],
    ['two statements', 'SELECT 1; SELECT 2'],
  ])('fails for %s as one that is not', async (_, statement) => {
    const [ofThread, plain] = await Promise.all(
      (await openBoth()).map(async (connection) => {
        await connection.executeScript(`PRAGMA foreign_keys=ON;
          CREATE TABLE t (id INTEGER PRIMARY KEY, needed TEXT NOT NULL DEFAULT '', parent INTEGER REFERENCES t (id));
          INSERT INTO t (id) VALUES (1)`);
        return await connection.queryRaw(sql(statement)).then(() => null, describeError);
      }),
    );
    expect(ofThread).not.toBeNull();
    expect(ofThread).toEqual(plain);
  });

  it('leaves nothing of a transaction whose guard meets no row, or that fails in a statement or its COMMIT', async () => {
    const connection = await openThreaded();
    await connection.executeScript(`PRAGMA foreign_keys=ON;
      CREATE TABLE t (id INTEGER PRIMARY KEY, changed INTEGER DEFAULT 0,
                      parent INTEGER REFERENCES t (id) DEFERRABLE INITIALLY DEFERRED);
      INSERT INTO t (id) VALUES (1)`);
    const change = (id: number, runs: readonly (readonly number[])[]) =>
      connection.transact({
        guard: { sql: 'UPDATE t SET changed = changed + 1 WHERE id = ?', values: [id] },
        steps: [{ sql: 'INSERT INTO t (id, parent) VALUES (?, ?)', runs }],
      });
    expect(await change(7, [[2, 1]])).toBe(false);
    const codeOf = (attempt: Promise<boolean>) => attempt.then(() => null, driverErrorCode);
    expect(
      await codeOf(
        change(1, [
          [3, 1],
          [3, 1],
        ]),
      ),
    ).toBe('SQLITE_CONSTRAINT_PRIMARYKEY');
    expect(await codeOf(change(1, [[4, 99]]))).toBe('SQLITE_CONSTRAINT_FOREIGNKEY');

    expect(
      await change(1, [
        [5, 1],
        [6, 5],
      ]),
    ).toBe(true);
    const { rows } = await connection.queryRaw(sql('SELECT id, changed, parent FROM t ORDER BY id'));
    expect(rows).toEqual([
      [1, 1, null],
      [5, 0, 1],
      [6, 0, 5],
    ]);
  });

  it('says with which code SQLite refused to open the file, and leaves no thread behind', async () => {
    const error: unknown = await ThreadedConnection.open(folder()).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(BetterSqlite3.SqliteError);
    expect(driverErrorCode(error)).toBe('SQLITE_CANTOPEN');
    expect(newestThread().threadId).toBe(-1);
  });

  it.each([
    ['was ended', () => void newestThread().terminate()],
    ['threw', () => newestThread().postMessage(null)],
  ])('fails as closed once its thread %s, and can still be disposed of', async (_, end) => {
    const connection = await openThreaded();
    const attempt = () => connection.queryRaw(sql('SELECT 1')).catch((reason: unknown) => reason);
    end();
    for (const error of [await attempt(), await attempt()]) {
      expect(error).toBeInstanceOf(DriverAdapterError);
      expect(error).toMatchObject({ cause: { kind: 'ConnectionClosed' } });
    }
    expect(connection.isLost).toBe(true);
    await connection.dispose();
  });

  it('refuses an argument that no thread can be sent, and goes on', async () => {
    const connection = await openThreaded();
    await expect(
      connection.queryRaw({ sql: 'SELECT ?', args: [() => 1], argTypes: [{ scalarType: 'unknown', arity: 'scalar' }] }),
    ).rejects.toThrow(/could not be cloned/);
    expect(await connection.queryRaw(sql('SELECT 1'))).toMatchObject({ rows: [[1]] });
  });

  it('keeps no process alive that forgot to dispose of it, and lets one end only after a call under way', async () => {
    const script = `
      const { ThreadedConnection } = await import(${JSON.stringify(compiled('database/threaded-connection.ts'))});
      const connection = await ThreadedConnection.open(${JSON.stringify(path.join(folder(), 'forgotten.db'))});
      connection.queryRaw({ sql: ${JSON.stringify(SLOW)}, args: [], argTypes: [] }).then(({ rows }) => console.log(rows[0][0]));`;
    const args = ['--input-type=module', '-e', script];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 15_000 });
    expect(stdout.trim()).toBe('3000000');
  });
});

function sql(statement: string): SqlQuery {
  return { sql: statement, args: [], argTypes: [] };
}

function asBytes(value: unknown): number[] {
  if (!(value instanceof Uint8Array)) throw new TypeError('not bytes');
  return [...value];
}

function describeError(error: unknown) {
  if (!(error instanceof Error)) return error;
  return { type: error.constructor.name, name: error.name, message: error.message, cause: error.cause };
}

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
