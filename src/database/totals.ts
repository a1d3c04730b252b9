import type { PrismaClient } from './generated/prisma/client.ts';
import { sessionConditions } from './session-list.ts';
import { type DayTotals, InvalidTimeZoneError, type SessionFilter, type Totals } from './session-store.ts';
import { allOf } from './sql.ts';

/**
 * All offsets from UTC in use are whole multiples of 15 minutes, so that each quarter of an hour lies in one local day
 * of any time zone: the database adds up the quarters, and only they are placed in days here.
 */
const SLOT_SECONDS = 15 * 60;

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

interface SlotRow extends Record<keyof Sums, number | bigint> {
  /** Quarters of an hour since 1970. */
  readonly slot: number | bigint;
}

/** See `SessionStore.totals`. */
export async function totals(
  client: PrismaClient,
  filter: SessionFilter,
  timeZone: string,
): Promise<{ totals: Totals; days: DayTotals[] }> {
  const dayOf = localDays(timeZone);
  const slots = await client.$queryRaw<SlotRow[]>`
    SELECT CAST(strftime('%s', s.created_at) AS INTEGER) / ${SLOT_SECONDS} AS slot,
      COUNT(*) AS sessions,
      SUM(s.total_segments) AS segments,
      SUM(s.word_count) AS words,
      SUM(s.received_ms) AS "receivedMs",
      SUM(s.speaking_duration) AS "speakingDuration",
      TOTAL(s.average_confidence * s.confidence_count) AS "confidenceSum",
      SUM(s.confidence_count) AS "confidenceCount"
    FROM sessions s WHERE ${allOf(sessionConditions(filter))}
    GROUP BY 1 ORDER BY 1`;

  let all = NOTHING;
  const byDay = new Map<string, Sums>();
  for (const row of slots) {
    const sums = toSums(row);
    const day = dayOf(new Date(Number(row.slot) * SLOT_SECONDS * 1000));
    all = add(all, sums);
    byDay.set(day, add(byDay.get(day) ?? NOTHING, sums));
  }
  return { totals: toTotals(all), days: [...byDay].map(([day, sums]) => ({ day, ...toTotals(sums) })) };
}

/** Gives the calendar day, `YYYY-MM-DD`, of an instant in a time zone. */
function localDays(timeZone: string): (instant: Date) => string {
  // Swedish writes dates as ISO 8601 does.
  const options = { timeZone, calendar: 'iso8601', year: 'numeric', month: '2-digit', day: '2-digit' } as const;
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('sv-SE', options);
  } catch (error) {
    throw new InvalidTimeZoneError(`"${timeZone}" is not a known time zone; use an IANA name like "Europe/Berlin"`, {
      cause: error,
    });
  }
  return (instant) => format.format(instant);
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

function toSums(row: SlotRow): Sums {
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
