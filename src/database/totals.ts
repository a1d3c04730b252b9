import { z } from 'zod';
import type { PrismaClient } from './generated/prisma/client.ts';
import { sessionConditions } from './session-list.ts';
import type { SessionFilter } from './lists.ts';
import type { DayTotals, Totals } from './session-store.ts';
import { allOf } from './sql.ts';
import { localDays } from './utc-offsets.ts';

interface Sums {
  readonly sessions: number;
  readonly segments: number;
  readonly words: number;
  readonly receivedMs: number;
  readonly speakingDuration: number;
  /** Sum of the segments' confidences, and how many have one. */
  readonly confidenceSum: number;
  readonly confidenceCount: number;
  /** Sum of the segments' latencies in milliseconds, and how many have one. */
  readonly latencySumMs: number;
  readonly latencyCount: number;
}

const storedSums = z
  .tuple([z.number(), z.number(), z.number(), z.number(), z.number(), z.number(), z.number(), z.number(), z.number()])
  .transform(([sessions, segments, words, receivedMs, speakingDuration, ...means]): Sums => {
    const [confidenceSum, confidenceCount, latencySumMs, latencyCount] = means;
    return {
      sessions,
      segments,
      words,
      receivedMs,
      speakingDuration,
      confidenceSum,
      confidenceCount,
      latencySumMs,
      latencyCount,
    };
  });

interface StretchRow {
  readonly day: string;
  /** What `storedSums` says, as JSON. */
  readonly sums: string;
}

/**
 * See `SessionStore.totals`. The database goes through a run of an index for each day, which has all that there is to add up:
 * neither rows of sessions nor sorting are needed, and never segments.
 */
export async function totals(
  client: PrismaClient,
  filter: SessionFilter,
  timeZone: string,
): Promise<{ totals: Totals; days: DayTotals[] }> {
  const stretches = localDays(timeZone, await daysOfSessions(client, filter));
  const asked = stretches.map(({ day, from, until }) => [day, columnValue(from), columnValue(until)]);
  const rows = await client.$queryRaw<StretchRow[]>`
    SELECT d.value->>0 AS day, (
      SELECT json_array(COUNT(*), TOTAL(s.total_segments), TOTAL(s.word_count), TOTAL(s.received_ms),
        TOTAL(s.speaking_duration), TOTAL(s.average_confidence * s.confidence_count), TOTAL(s.confidence_count),
        TOTAL(s.average_latency_ms * s.latency_count), TOTAL(s.latency_count))
      FROM sessions s
      WHERE s.created_at >= d.value->>1 AND s.created_at < d.value->>2 AND ${allOf(sessionConditions(filter))}
    ) AS sums
    FROM json_each(${JSON.stringify(asked)}) d`;
  const byDay = new Map<string, Sums>();
  for (const { day, sums: json } of rows) {
    const sums = storedSums.parse(JSON.parse(json));
    if (sums.sessions > 0) byDay.set(day, add(byDay.get(day) ?? NOTHING, sums));
  }
  const days = [...byDay].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return {
    totals: toTotals(days.map(([, sums]) => sums).reduce(add, NOTHING)),
    days: days.map(([day, sums]) => ({ day, ...toTotals(sums) })),
  };
}

/** Days of UTC with sessions that may be among those that the filter names, as the ms since 1970 of their beginnings. */
async function daysOfSessions(client: PrismaClient, { from, to }: SessionFilter): Promise<number[]> {
  const bounds = allOf(sessionConditions({ ...(from !== undefined && { from }), ...(to !== undefined && { to }) }));
  // From the first session of a day to the first of a later one: as many steps as there are days.
  const rows = await client.$queryRaw<{ day: string }[]>`
    WITH RECURSIVE days (day) AS (
      SELECT (SELECT date(MIN(s.created_at)) FROM sessions s WHERE ${bounds})
      UNION ALL
      SELECT (SELECT date(MIN(s.created_at)) FROM sessions s WHERE s.created_at >= date(day, '+1 day') AND ${bounds})
      FROM days WHERE day IS NOT NULL
    )
    SELECT day FROM days WHERE day IS NOT NULL`;
  return rows.map(({ day }) => Date.parse(day));
}

/** An instant (ms since 1970) as it stands in the column. */
function columnValue(instant: number): string {
  return new Date(instant).toISOString().replace('Z', '+00:00');
}

const NOTHING: Sums = {
  sessions: 0,
  segments: 0,
  words: 0,
  receivedMs: 0,
  speakingDuration: 0,
  confidenceSum: 0,
  confidenceCount: 0,
  latencySumMs: 0,
  latencyCount: 0,
};

function add(a: Sums, b: Sums): Sums {
  return {
    sessions: a.sessions + b.sessions,
    segments: a.segments + b.segments,
    words: a.words + b.words,
    receivedMs: a.receivedMs + b.receivedMs,
    speakingDuration: a.speakingDuration + b.speakingDuration,
    confidenceSum: a.confidenceSum + b.confidenceSum,
    confidenceCount: a.confidenceCount + b.confidenceCount,
    latencySumMs: a.latencySumMs + b.latencySumMs,
    latencyCount: a.latencyCount + b.latencyCount,
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
    confidenceCount: sums.confidenceCount,
    wordsPerMinute: sums.speakingDuration > 0 ? sums.words / (sums.speakingDuration / 60) : null,
    averageLatencyMs: sums.latencyCount > 0 ? sums.latencySumMs / sums.latencyCount : null,
    latencyCount: sums.latencyCount,
  };
}
