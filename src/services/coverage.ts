import type { Coverage } from '../database/session-store.ts';
import { timelineMs } from '../recognition/recogniser.ts';

/**
 * The account of the decided part of a timeline, in whole milliseconds. Every boundary is floored to milliseconds before
 * it is subtracted, so that the classes add up to the length of the decided part exactly.
 */
export interface DecidedCoverage {
  /** All samples before this one are in a class. */
  readonly decidedSample: number;
  readonly transcribedMs: number;
  readonly silenceMs: number;
  readonly gapMs: number;
  readonly failedMs: number;
}

export type CoverageClass = 'transcribed' | 'silence' | 'gap' | 'failed';

export const NOTHING_DECIDED: DecidedCoverage = {
  decidedSample: 0,
  transcribedMs: 0,
  silenceMs: 0,
  gapMs: 0,
  failedMs: 0,
};

/**
 * Decides the timeline up to `endSample`: what lies between the decided part and `startSample` is silence, the rest is of
 * class `kind`. A stretch that is decided already stays as it is.
 */
export function decide(
  coverage: DecidedCoverage,
  kind: CoverageClass,
  startSample: number,
  endSample: number,
): DecidedCoverage {
  const start = Math.max(startSample, coverage.decidedSample);
  const end = Math.max(endSample, start);
  const silence = timelineMs(start) - timelineMs(coverage.decidedSample);
  const length = timelineMs(end) - timelineMs(start);
  return {
    decidedSample: end,
    transcribedMs: coverage.transcribedMs + (kind === 'transcribed' ? length : 0),
    silenceMs: coverage.silenceMs + silence + (kind === 'silence' ? length : 0),
    gapMs: coverage.gapMs + (kind === 'gap' ? length : 0),
    failedMs: coverage.failedMs + (kind === 'failed' ? length : 0),
  };
}

/** The account of the whole timeline: what is not decided is pending. */
export function coverageOf(decided: DecidedCoverage, receivedMs: number): Coverage {
  const { transcribedMs, silenceMs, gapMs, failedMs } = decided;
  const decidedMs = transcribedMs + silenceMs + gapMs + failedMs;
  return { receivedMs, transcribedMs, silenceMs, gapMs, failedMs, pendingMs: Math.max(0, receivedMs - decidedMs) };
}
