import { nextStart, parseDay, startOf, type Grain } from './calendar.ts';

/** What the server tells of a day. Durations in seconds, confidence 0 to 1. */
export interface DayFigures {
  readonly day: string;
  readonly totalSessions: number;
  readonly wordCount: number;
  readonly recordedDuration: number;
  readonly speakingDuration: number;
  readonly averageConfidence: number | null;
  /** The weight of the average. */
  readonly confidenceCount: number;
  readonly averageLatencyMs: number | null;
  readonly latencyCount: number;
}

/** Figures of some days together; `null`: not known. */
export interface Figures {
  readonly sessions: number;
  readonly words: number;
  readonly recordedSeconds: number;
  readonly speakingSeconds: number;
  readonly confidence: number | null;
  readonly wordsPerMinute: number | null;
  readonly latencyMs: number | null;
}

/** Some days in a row, with what they have together. */
export interface Period {
  /** Days of the calendar, both included. */
  readonly first: number;
  readonly last: number;
  readonly figures: Figures;
}

/** The most bars that a phone shows so that they can be told apart and touched. */
const MOST_DAYS = 31;
const MOST_WEEKS = 27;
const MOST_MONTHS = 36;
const WEEK_DAYS = 7;
const MONTH_DAYS = 30.5;

/** How many days a bar should stand for, where there are so many days. */
export function grainOf(first: number, last: number): Grain {
  const days = last - first + 1;
  if (days <= MOST_DAYS) return 'day';
  if (days <= MOST_WEEKS * WEEK_DAYS) return 'week';
  return days <= MOST_MONTHS * MONTH_DAYS ? 'month' : 'year';
}

/**
 * All periods of a range in their order, those without any recording too; the first and the last one are cut off where the
 * range ends. A mean over several days counts every segment once.
 */
export function periodsOf(days: readonly DayFigures[], grain: Grain, first: number, last: number): Period[] {
  const byStart = new Map<number, DayFigures[]>();
  for (const figures of days) {
    const start = startOf(grain, parseDay(figures.day) ?? Number.NaN);
    byStart.set(start, [...(byStart.get(start) ?? []), figures]);
  }
  const periods: Period[] = [];
  for (let start = startOf(grain, first); start <= last; start = nextStart(grain, start)) {
    periods.push({
      first: Math.max(start, first),
      last: Math.min(nextStart(grain, start) - 1, last),
      figures: together(byStart.get(start) ?? []),
    });
  }
  return periods;
}

export function together(days: readonly DayFigures[]): Figures {
  const sum = (of: (day: DayFigures) => number) => days.reduce((total, day) => total + of(day), 0);
  const speakingSeconds = sum((day) => day.speakingDuration);
  const words = sum((day) => day.wordCount);
  const confidences = sum((day) => day.confidenceCount);
  const latencies = sum((day) => day.latencyCount);
  return {
    sessions: sum((day) => day.totalSessions),
    words,
    recordedSeconds: sum((day) => day.recordedDuration),
    speakingSeconds,
    confidence:
      confidences === 0 ? null : sum((day) => (day.averageConfidence ?? 0) * day.confidenceCount) / confidences,
    wordsPerMinute: speakingSeconds === 0 ? null : words / (speakingSeconds / 60),
    latencyMs: latencies === 0 ? null : sum((day) => (day.averageLatencyMs ?? 0) * day.latencyCount) / latencies,
  };
}
