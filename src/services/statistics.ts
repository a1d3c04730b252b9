import type { Segment, SessionStatistics } from '../database/session-records.ts';

/** Running sums over a session's finals, of all of its channels, from which its statistics follow. */
export interface StatisticsSums {
  readonly segments: number;
  readonly words: number;
  readonly confidenceSum: number;
  readonly confidenceCount: number;
  /** By time: on another channel a later final may begin before the first one. */
  readonly firstStartMs: number | null;
  readonly lastEndMs: number | null;
  /** Where two channels speak at the same time, both count. */
  readonly speakingMs: number;
  /** Sum of the latencies that are known, and how many are. */
  readonly latencySumMs: number;
  readonly latencyCount: number;
}

export const NO_FINALS: StatisticsSums = {
  segments: 0,
  words: 0,
  confidenceSum: 0,
  confidenceCount: 0,
  firstStartMs: null,
  lastEndMs: null,
  speakingMs: 0,
  latencySumMs: 0,
  latencyCount: 0,
};

/** Words as a reader counts them: what stands between white space. */
export function countWords(text: string): number {
  return text.split(/\s+/u).filter((word) => word !== '').length;
}

/** What statistics are made of. */
export interface FinalFigures extends Pick<Segment, 'text' | 'startMs' | 'endMs' | 'avgConfidence'> {
  /** How long after its end it was there, in milliseconds; `null` where that is not known. */
  readonly latencyMs: number | null;
}

export function addFinal(sums: StatisticsSums, final: FinalFigures): StatisticsSums {
  return {
    segments: sums.segments + 1,
    words: sums.words + countWords(final.text),
    confidenceSum: sums.confidenceSum + (final.avgConfidence ?? 0),
    confidenceCount: sums.confidenceCount + (final.avgConfidence === null ? 0 : 1),
    firstStartMs: Math.min(sums.firstStartMs ?? Infinity, final.startMs),
    lastEndMs: Math.max(sums.lastEndMs ?? 0, final.endMs),
    speakingMs: sums.speakingMs + (final.endMs - final.startMs),
    latencySumMs: sums.latencySumMs + (final.latencyMs ?? 0),
    latencyCount: sums.latencyCount + (final.latencyMs === null ? 0 : 1),
  };
}

export function statisticsOf(sums: StatisticsSums): SessionStatistics {
  const minutes = sums.speakingMs / 60_000;
  return {
    totalSegments: sums.segments,
    averageConfidence: sums.confidenceCount === 0 ? null : sums.confidenceSum / sums.confidenceCount,
    totalDuration: ((sums.lastEndMs ?? 0) - (sums.firstStartMs ?? 0)) / 1000,
    wordCount: sums.words,
    speakingDuration: sums.speakingMs / 1000,
    wordsPerMinute: minutes === 0 ? null : sums.words / minutes,
    averageLatencyMs: sums.latencyCount === 0 ? null : sums.latencySumMs / sums.latencyCount,
    latencyCount: sums.latencyCount,
  };
}
