import { Prisma, type PrismaClient } from './generated/prisma/client.ts';
import { sessionConditions } from './session-list.ts';
import type { DayTotals, SessionFilter, Totals } from './session-store.ts';
import { allOf } from './sql.ts';
import { type OffsetSpan, offsetSpans } from './utc-offsets.ts';

interface Sums {
  readonly sessions: number;
  readonly segments: number;
  readonly words: number;
  readonly receivedMs: number;
  readonly speakingDuration: number;
  /** Sum of the segments' confidences, and how many have one. */
  readonly confidenceSum: number;
  readonly confidenceCount: number;
}

interface DayRow extends Record<keyof Sums, number | bigint> {
  /** Local days since 1970-01-01. */
  readonly day: number | bigint;
}

const DAY_SECONDS = 86_400;
const DAY_MS = DAY_SECONDS * 1000;

/**
 * See `SessionStore.totals`. The database adds up a row of each session, never its segments, and answers with a row for each
 * day, so what is left to do here grows with the days alone.
 */
export async function totals(
  client: PrismaClient,
  filter: SessionFilter,
  timeZone: string,
): Promise<{ totals: Totals; days: DayTotals[] }> {
  const spans = offsetSpans(timeZone, ...(await spanOfSessions(client, filter)));
  // Parameters are floating-point numbers to SQLite, so it is the outer CAST that makes whole days.
  const rows = await client.$queryRaw<DayRow[]>`
    SELECT CAST((strftime('%s', s.created_at) + ${offsetOf(spans)}) / ${DAY_SECONDS} AS INTEGER) AS day,
      COUNT(*) AS sessions,
      SUM(s.total_segments) AS segments,
      SUM(s.word_count) AS words,
      SUM(s.received_ms) AS "receivedMs",
      SUM(s.speaking_duration) AS "speakingDuration",
      TOTAL(s.average_confidence * s.confidence_count) AS "confidenceSum",
      SUM(s.confidence_count) AS "confidenceCount"
    FROM sessions s WHERE ${allOf(sessionConditions(filter))}
    GROUP BY 1 ORDER BY 1`;
  const days = rows.map((row) => ({ day: dateOf(Number(row.day)), sums: toSums(row) }));
  return {
    totals: toTotals(days.map(({ sums }) => sums).reduce(add, NOTHING)),
    days: days.map(({ day, sums }) => ({ day, ...toTotals(sums) })),
  };
}

interface SpanRow {
  /** Seconds since 1970; `null` when there is no session. */
  readonly earliest: number | bigint | null;
  readonly latest: number | bigint | null;
}

/** From when until when there may be sessions that the filter names, in ms since 1970. */
async function spanOfSessions(client: PrismaClient, filter: SessionFilter): Promise<[from: number, until: number]> {
  const [span] = await client.$queryRaw<SpanRow[]>`
    SELECT CAST(strftime('%s', (SELECT MIN(created_at) FROM sessions)) AS INTEGER) AS earliest,
      CAST(strftime('%s', (SELECT MAX(created_at) FROM sessions)) AS INTEGER) AS latest`;
  const from = Math.max(Number(span?.earliest ?? 0) * 1000, filter.from?.getTime() ?? -Infinity);
  const until = Math.min(Number(span?.latest ?? 0) * 1000, filter.to?.getTime() ?? Infinity);
  // A session that is started between the statements is in the span, too.
  return [from, until + DAY_MS];
}

/** The offset of the local clock at a session's `created_at`, in seconds. */
function offsetOf(spans: readonly OffsetSpan[]): Prisma.Sql {
  const last = spans.at(-1)?.offsetSeconds ?? 0;
  const earlier = spans.slice(0, -1);
  if (earlier.length === 0) return Prisma.sql`${last}`;
  const cases = earlier.map(
    ({ until, offsetSeconds }) => Prisma.sql`WHEN s.created_at < ${new Date(until)} THEN ${offsetSeconds}`,
  );
  return Prisma.sql`CASE ${Prisma.join(cases, ' ')} ELSE ${last} END`;
}

function dateOf(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

const NOTHING: Sums = {
  sessions: 0,
  segments: 0,
  words: 0,
  receivedMs: 0,
  speakingDuration: 0,
  confidenceSum: 0,
  confidenceCount: 0,
};

function toSums(row: DayRow): Sums {
  return {
    sessions: Number(row.sessions),
    segments: Number(row.segments),
    words: Number(row.words),
    receivedMs: Number(row.receivedMs),
    speakingDuration: Number(row.speakingDuration),
    confidenceSum: Number(row.confidenceSum),
    confidenceCount: Number(row.confidenceCount),
  };
}

function add(a: Sums, b: Sums): Sums {
  return {
    sessions: a.sessions + b.sessions,
    segments: a.segments + b.segments,
    words: a.words + b.words,
    receivedMs: a.receivedMs + b.receivedMs,
    speakingDuration: a.speakingDuration + b.speakingDuration,
    confidenceSum: a.confidenceSum + b.confidenceSum,
    confidenceCount: a.confidenceCount + b.confidenceCount,
  };
}

function toTotals(sums: Sums): Totals {
  return {
    sessions: sums.sessions,
    segments: sums.segments,
    words: sums.words,
    recordedDuration: sums.receivedMs / 1000,
    speakingDuration: sums.speakingDuration,
    averageConfidence: sums.confidenceCount > 0 ? sums.confidenceSum / sums.confidenceCount : null,
  };
}
