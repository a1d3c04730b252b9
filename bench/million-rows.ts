import { statSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { ApiConnection } from '../src/cli/api-connection.ts';
import type { Benchmark, BenchmarkContext, Figure, Outcome } from './benchmark.ts';
import { listQueries, type ListQuery } from './support/list-queries.ts';
import { percentile } from './support/percentile.ts';
import { withMeasuredServer, type MeasuredServer } from './support/server.ts';
import { createStoredSessions, segmentsIn, type StoredSessions } from './support/stored-sessions.ts';

const LARGE: StoredSessions = { sessions: 9_904, segmentsPerSession: 100, segmentsOfLongest: 9_700 };
const SMALL: StoredSessions = { sessions: 104, segmentsPerSession: 100, segmentsOfLongest: 100 };
/** Small and large take turns, so that a machine that changes its pace meets both. The first turn is not counted. */
const TURNS = 31;
/** Queries that read all there is are asked less often. */
const TURNS_OF_LONG_ONES = 4;
/** What a page may take of a list a hundred times as long. */
const LARGEST_RATIO = 2;
const MIB = 1024 * 1024;

export const millionRows: Benchmark = {
  name: 'million-rows',
  about: `lists and statistics over the API, p50, with ${inWords(LARGE)} in the database`,
  bareLimit: `the same queries with ${inWords(SMALL)} in the database, in turns with the others`,
  limitMs: 420_000,
  run,
};

/** Medians in ms. */
interface Times {
  readonly query: ListQuery;
  readonly ours: number;
  readonly bare: number;
}

/** A server with that many sessions. */
interface Subject {
  readonly queries: readonly ListQuery[];
  ask(query: ListQuery): Promise<void>;
}

async function run(context: BenchmarkContext): Promise<Outcome> {
  const { serverEntry: entry, signal, tell } = context;
  const sizes: { buildMs: number; mebibytes: number }[] = [];
  const prepare = (size: StoredSessions) => async (directory: string) => {
    tell(`making a database with ${inWords(size)}`);
    const file = path.join(directory, 'verbatim.db');
    const startedAt = performance.now();
    await createStoredSessions(file, size);
    sizes.push({ buildMs: performance.now() - startedAt, mebibytes: statSync(file).size / MIB });
  };
  const settings = { MODEL: 'scripted', RECOGNISER_PROCESSES: '1' };
  return await withMeasuredServer({ entry, settings, signal, prepare: prepare(LARGE) }, (large) =>
    withMeasuredServer({ entry, settings, signal, prepare: prepare(SMALL) }, async (small) => {
      const figures = await compare(context, large, small);
      return {
        kind: 'measured',
        figures,
        notes: [
          ...sizes.map(
            ({ buildMs, mebibytes }, index) =>
              `${index === 0 ? 'the large' : 'the small'} database has ${mebibytes.toFixed(0)} MiB and was made in ${(buildMs / 1000).toFixed(1)} s, without syncs`,
          ),
          `p50 of ${TURNS - 1} requests of each kind, one at a time over a WebSocket; pages have 20 items`,
          ...[large, small].flatMap(({ complaints }) => complaints.map((line) => `logged: ${line}`)),
        ],
      };
    }),
  );
}

async function compare(
  { signal, tell, details }: BenchmarkContext,
  large: MeasuredServer,
  small: MeasuredServer,
): Promise<Figure[]> {
  const connections = await Promise.all([large, small].map(({ address }) => ApiConnection.open(address)));
  const [ours, bare] = await Promise.all(
    connections.map((connection, index) => subject(connection, index === 0 ? LARGE : SMALL)),
  );
  if (ours === undefined || bare === undefined) throw new Error('there is nothing to compare');
  const times: Times[] = [];
  for (const [index, query] of ours.queries.entries()) {
    signal.throwIfAborted();
    const counterpart = bare.queries[index];
    if (counterpart?.what !== query.what) throw new Error(`there is no counterpart of ${query.what}`);
    const measured = { ours: [] as number[], bare: [] as number[] };
    const turns = query.reads === 'segments' ? TURNS_OF_LONG_ONES : TURNS;
    for (let turn = 0; turn < turns; turn++) {
      const [oursMs, bareMs] = [await timed(() => ours.ask(query)), await timed(() => bare.ask(counterpart))];
      if (turn === 0) continue;
      measured.ours.push(oursMs);
      measured.bare.push(bareMs);
    }
    const [oursP50, bareP50] = [percentile(measured.ours, 0.5), percentile(measured.bare, 0.5)];
    times.push({ query, ours: oursP50 ?? Number.NaN, bare: bareP50 ?? Number.NaN });
    if (details) tell(`${query.what}: ${oursP50?.toFixed(2)} ms, ${bareP50?.toFixed(2)} ms`);
  }
  for (const connection of connections) connection.close();
  return figuresOf(times);
}

async function subject(connection: ApiConnection, size: StoredSessions): Promise<Subject> {
  const request = (document: string, variables: Readonly<Record<string, unknown>>) =>
    connection.request(document, { ...variables }, z.unknown());
  return {
    queries: await listQueries(size, request),
    ask: async ({ document, variables }) => {
      await request(document, variables);
    },
  };
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

/** A figure for each group: of the query in it that suffers most. What has to read more than its page has no target. */
function figuresOf(times: readonly Times[]): Figure[] {
  const groups = [...new Set(times.map(({ query }) => query.group))];
  return groups.flatMap((group): Figure[] => {
    const [worst, ...others] = times
      .filter(({ query }) => query.group === group)
      .toSorted((a, b) => b.ours / b.bare - a.ours / a.bare);
    if (worst === undefined) return [];
    return [
      {
        what: others.length === 0 ? group : `${group}: the worst of ${others.length + 1} (${worst.query.what})`,
        unit: 'ms',
        ours: worst.ours,
        bareLimit: worst.bare,
        ...(worst.query.reads === 'page' && { target: { of: 'ratio', atMost: LARGEST_RATIO } as const }),
      },
    ];
  });
}

function inWords(size: StoredSessions): string {
  const [segments, sessions] = [segmentsIn(size), size.sessions].map((count) => count.toLocaleString('en-GB'));
  return `${segments} segments in ${sessions} sessions`;
}
