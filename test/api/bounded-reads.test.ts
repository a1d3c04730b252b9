import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { listQueries, type ListQuery } from '../../bench/support/list-queries.ts';
import { createStoredSessions, type StoredSessions } from '../../bench/support/stored-sessions.ts';
import { ThreadedConnection } from '../../src/database/threaded-connection.ts';
import { startTestServer } from '../support/server.ts';

const FEW: StoredSessions = { sessions: 248, segmentsPerSession: 1, segmentsOfLongest: 128 };
const MANY: StoredSessions = { sessions: 1_016, segmentsPerSession: 2, segmentsOfLongest: 1_000 };

interface Statement {
  readonly sql: string;
  readonly parameters: number;
}

/** What each query asked the database of a server. */
type Asked = readonly { readonly query: ListQuery; readonly statements: readonly Statement[] }[];

describe('lists and statistics', () => {
  let folder: string;
  let ofFew: Asked;
  let ofMany: Asked;
  let database: BetterSqlite3.Database;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'verbatim-test-'));
    ofFew = await askEverything(path.join(folder, 'few'), FEW);
    ofMany = await askEverything(path.join(folder, 'many'), MANY);
    database = new BetterSqlite3(path.join(folder, 'many', 'verbatim.db'), { readonly: true });
  });
  afterAll(async () => {
    database.close();
    await rm(folder, { recursive: true });
  });

  it('take as many statements for thousands of rows as for hundreds, and few', () => {
    const counts = (asked: Asked) => asked.map(({ query, statements }) => `${query.what}: ${statements.length}`);
    expect(counts(ofMany)).toEqual(counts(ofFew));
    // At most the page in two stretches, whether there is more before and behind it, and the sessions of its segments.
    expect(Math.max(...ofMany.map(({ statements }) => statements.length))).toBeLessThanOrEqual(5);
    expect(Math.min(...ofMany.map(({ statements }) => statements.length))).toBeGreaterThan(0);
  });

  it('are read from an index, row by row, where a page is asked for', () => {
    const unbounded = ofMany
      .filter(({ query }) => query.reads === 'page')
      .flatMap(({ query, statements }) =>
        statements.flatMap((statement) =>
          stepsThatReadMore(database, statement).map((step) => `${query.what}: ${step} in ${statement.sql}`),
        ),
      );
    expect(unbounded).toEqual([]);
  });

  it('never look at all segments, but for a word', () => {
    const all = ofMany.flatMap(({ query, statements }) =>
      statements.flatMap((statement) =>
        planOf(database, statement)
          .filter((step) => /^MATERIALIZE|^SCAN (g|(main\.)?segments)\b/u.test(step))
          .map((step) => `${query.what}: ${step} in ${statement.sql}`),
      ),
    );
    expect(all).toEqual([]);
  });

  it('add statistics across sessions up from an index alone', () => {
    const all = ofMany.find(({ query }) => query.group === 'statistics of all sessions');
    expect(all?.statements).toHaveLength(2);
    for (const statement of all?.statements ?? []) {
      const reads = planOf(database, statement).filter((step) => /\b(sessions|s)\b/u.test(step));
      expect(reads.length).toBeGreaterThan(0);
      for (const step of reads) expect(step).toMatch(/USING COVERING INDEX/u);
    }
    expect(planOf(database, all?.statements[1] ?? { sql: 'SELECT 1', parameters: 0 }).join('\n')).toContain(
      'USING COVERING INDEX sessions_totals_idx',
    );
  });

  it('would be noticed here if they read everything', () => {
    const steps = (sql: string) => stepsThatReadMore(database, { sql, parameters: 0 });
    expect(steps('SELECT * FROM sessions ORDER BY language LIMIT 20')).toEqual([
      'SCAN sessions',
      'USE TEMP B-TREE FOR ORDER BY',
    ]);
    expect(steps('SELECT * FROM sessions ORDER BY created_at, id')).toEqual(['no limit to the walk through an index']);
    expect(steps('SELECT * FROM sessions ORDER BY created_at, id LIMIT 20')).toEqual([]);
    const hits = `SELECT rowid FROM segment_search WHERE segment_search MATCH 'word'`;
    expect(steps(`${hits} ORDER BY text LIMIT 20`)).toEqual(['USE TEMP B-TREE FOR ORDER BY']);
    expect(steps(`${hits} ORDER BY rowid`)).toEqual(['no limit to the walk through an index']);
    expect(steps('SELECT rowid FROM segment_search LIMIT 20')).toHaveLength(1);
    expect(steps(`${hits} ORDER BY rowid LIMIT 20`)).toEqual([]);
  });
});

/** Steps of a statement's plan that read more than it answers: no index, a sort, or a walk through an index without end. */
function stepsThatReadMore(database: BetterSqlite3.Database, statement: Statement): string[] {
  const plan = planOf(database, statement);
  const isWalk = plan.some((step) => /^SCAN .* USING (COVERING )?INDEX/u.test(step) || IN_SEARCH_INDEX.test(step));
  return [
    ...plan.filter(
      (step) => /TEMP B-TREE|MATERIALIZE|AUTOMATIC|^SCAN (?!.*USING)/u.test(step) && !IN_SEARCH_INDEX.test(step),
    ),
    ...(isWalk && !/\bLIMIT\b/u.test(statement.sql) ? ['no limit to the walk through an index'] : []),
  ];
}

/** The hits of an expression (M), in the order of the index (no other would be read without a sort). */
const IN_SEARCH_INDEX = /^SCAN segment_search VIRTUAL TABLE INDEX \d+:.*M/u;

/** https://www.sqlite.org/eqp.html */
function planOf(database: BetterSqlite3.Database, { sql, parameters }: Statement): string[] {
  const explained = database.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`);
  return explained.all(Array.from({ length: parameters }, () => null)).map(({ detail }) => detail);
}

/** Asks a server for every list, and notes the statements that its database was given for it. */
async function askEverything(dataDirectory: string, size: StoredSessions): Promise<Asked> {
  await mkdir(dataDirectory);
  await createStoredSessions(path.join(dataDirectory, 'verbatim.db'), size);
  const server = await startTestServer({ dataDirectory });
  // Looked at, and carried out as ever.
  const reading = vi.spyOn(ThreadedConnection.prototype, 'queryRaw');
  const writing = vi.spyOn(ThreadedConnection.prototype, 'executeRaw');
  try {
    const asked: { query: ListQuery; statements: Statement[] }[] = [];
    for (const query of await listQueries(size, (document, variables) => server.client.data(document, variables))) {
      reading.mockClear();
      writing.mockClear();
      await server.client.data(query.document, query.variables);
      const calls = [...reading.mock.calls, ...writing.mock.calls];
      const statements = calls.map(([{ sql, args }]) => ({ sql, parameters: args.length }));
      asked.push({ query, statements });
    }
    return asked;
  } finally {
    reading.mockRestore();
    writing.mockRestore();
    await server.stop();
  }
}
