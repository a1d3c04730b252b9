import type { Coverage } from '../database/session-store.ts';
import { TIMELINE_RATE, timelineMs } from '../recognition/recogniser.ts';

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
  /** The end of the decided part, in order: what of it turns out to have failed on another channel is looked up here. */
  readonly recent: readonly Stretch[];
}

export type CoverageClass = 'transcribed' | 'silence' | 'gap' | 'failed';

/** `[startSample, endSample)` of the timeline. */
interface Stretch {
  readonly kind: CoverageClass;
  readonly startSample: number;
  readonly endSample: number;
}

/** No channel is decided further ahead of another: an utterance has 15 s at most. */
const RECENT_SAMPLES = 60 * TIMELINE_RATE;

export const NOTHING_DECIDED: DecidedCoverage = {
  decidedSample: 0,
  transcribedMs: 0,
  silenceMs: 0,
  gapMs: 0,
  failedMs: 0,
  recent: [],
};

/**
 * Decides the timeline up to `endSample`: what lies between the decided part and `startSample` is silence, the rest is of
 * class `kind`. A stretch that is decided already stays as it is, unless it failed now: what failed on one channel is not
 * made good by what another one said meanwhile.
 */
export function decide(
  coverage: DecidedCoverage,
  kind: CoverageClass,
  startSample: number,
  endSample: number,
): DecidedCoverage {
  const { decidedSample } = coverage;
  const start = Math.max(startSample, decidedSample);
  const end = Math.max(endSample, start);
  const before = kind === 'failed' ? withFailed(coverage.recent, startSample, endSample) : coverage.recent;
  const added: Stretch[] = [
    { kind: 'silence', startSample: decidedSample, endSample: start },
    { kind, startSample: start, endSample: end },
  ];
  const recent = [...before, ...added].filter((one) => one.startSample < one.endSample);
  const msOf = (which: CoverageClass): number => lengthMs(recent, which) - lengthMs(coverage.recent, which);
  return {
    decidedSample: end,
    transcribedMs: coverage.transcribedMs + msOf('transcribed'),
    silenceMs: coverage.silenceMs + msOf('silence'),
    gapMs: coverage.gapMs + msOf('gap'),
    failedMs: coverage.failedMs + msOf('failed'),
    recent: recent.filter((one) => one.endSample > end - RECENT_SAMPLES),
  };
}

/** The stretches, cut at the boundaries of what failed, and of class `failed` in between. */
function withFailed(stretches: readonly Stretch[], startSample: number, endSample: number): Stretch[] {
  return stretches.flatMap((one) => {
    const from = Math.min(Math.max(startSample, one.startSample), one.endSample);
    const to = Math.max(Math.min(endSample, one.endSample), from);
    return [
      { ...one, endSample: from },
      { kind: 'failed' as const, startSample: from, endSample: to },
      { ...one, startSample: to },
    ];
  });
}

function lengthMs(stretches: readonly Stretch[], kind: CoverageClass): number {
  return stretches
    .filter((one) => one.kind === kind)
    .reduce((sum, one) => sum + timelineMs(one.endSample) - timelineMs(one.startSample), 0);
}

/** The account of the whole timeline: what is not decided is pending. */
export function coverageOf(decided: DecidedCoverage, receivedMs: number): Coverage {
  const { transcribedMs, silenceMs, gapMs, failedMs } = decided;
  const decidedMs = transcribedMs + silenceMs + gapMs + failedMs;
  return { receivedMs, transcribedMs, silenceMs, gapMs, failedMs, pendingMs: Math.max(0, receivedMs - decidedMs) };
}
