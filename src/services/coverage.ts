import type { Coverage } from '../database/session-records.ts';
import { timelineMs } from '../recognition/recogniser.ts';

/** Where channels differ, the first of these counts that one of them is in; what one of them lacks is pending before the rest. */
const PRECEDENCE = ['failed', 'transcribed', 'silence', 'gap'] as const;
export type CoverageClass = (typeof PRECEDENCE)[number];

/**
 * The account of the decided part of a timeline, in whole milliseconds. Every boundary is floored to milliseconds before
 * it is subtracted, so that the classes add up to the length of the settled part exactly.
 */
export interface DecidedCoverage {
  /** All channels are decided up to this sample: what comes before it is in a class for good, and only counted. */
  readonly settledSample: number;
  readonly transcribedMs: number;
  readonly silenceMs: number;
  readonly gapMs: number;
  readonly failedMs: number;
  /**
   * By channel: what is decided beyond the settled part, in order and without holes. Short, since channels are heard in
   * lockstep, and none goes for longer than 30 s of silence and an utterance without a decision.
   */
  readonly ahead: readonly (readonly Stretch[])[];
}

/** `[startSample, endSample)` of the timeline. */
interface Stretch {
  readonly kind: CoverageClass;
  readonly startSample: number;
  readonly endSample: number;
}

/** What was decided. */
export interface CoverageDecision {
  readonly kind: CoverageClass;
  /** `null`: of all channels. */
  readonly channel: number | null;
  readonly startSample: number;
  readonly endSample: number;
}

/** @param channels of the session's audio, 1 or more. */
export function nothingDecided(channels: number): DecidedCoverage {
  return {
    settledSample: 0,
    transcribedMs: 0,
    silenceMs: 0,
    gapMs: 0,
    failedMs: 0,
    ahead: Array.from({ length: channels }, () => []),
  };
}

/**
 * Decides the channel's timeline up to `endSample`: what lies between its decided part and `startSample` is silence, the rest
 * is of class `kind`. A stretch of a channel that is decided already stays as it is.
 */
export function decide(coverage: DecidedCoverage, decision: CoverageDecision): DecidedCoverage {
  const { channel } = decision;
  const ahead = coverage.ahead.map((stretches, index) =>
    channel === null || channel === index ? continued(stretches, coverage.settledSample, decision) : stretches,
  );
  return settle({ ...coverage, ahead });
}

/** The account of the whole timeline: what is not decided on all channels is pending, unless it failed on one. */
export function coverageOf(decided: DecidedCoverage, receivedMs: number): Coverage {
  const { transcribedMs, silenceMs, gapMs } = decided;
  const failedMs = decided.failedMs + failedAheadMs(decided);
  const decidedMs = transcribedMs + silenceMs + gapMs + failedMs;
  return { receivedMs, transcribedMs, silenceMs, gapMs, failedMs, pendingMs: Math.max(0, receivedMs - decidedMs) };
}

function continued(
  stretches: readonly Stretch[],
  settledSample: number,
  { kind, startSample, endSample }: CoverageDecision,
): Stretch[] {
  const decidedSample = endOf(stretches, settledSample);
  const start = Math.max(decidedSample, startSample);
  const end = Math.max(start, endSample);
  const added: Stretch[] = [
    { kind: 'silence', startSample: decidedSample, endSample: start },
    { kind, startSample: start, endSample: end },
  ];
  return [...stretches, ...added].filter((one) => one.startSample < one.endSample);
}

/** Counts what is decided on all channels by now. */
function settle(coverage: DecidedCoverage): DecidedCoverage {
  const from = coverage.settledSample;
  const to = Math.min(...coverage.ahead.map((stretches) => endOf(stretches, from)));
  if (to === from) return coverage;
  const ms: Record<CoverageClass, number> = { failed: 0, transcribed: 0, silence: 0, gap: 0 };
  for (const [start, end] of pieces(coverage.ahead, from, to)) {
    const kinds = coverage.ahead.map((stretches) => kindAt(stretches, start));
    const kind = PRECEDENCE.find((one) => kinds.includes(one));
    if (kind !== undefined) ms[kind] += lengthMs(start, end);
  }
  return {
    settledSample: to,
    transcribedMs: coverage.transcribedMs + ms.transcribed,
    silenceMs: coverage.silenceMs + ms.silence,
    gapMs: coverage.gapMs + ms.gap,
    failedMs: coverage.failedMs + ms.failed,
    ahead: coverage.ahead.map((stretches) => behind(stretches, to)),
  };
}

/** What failed on some channel beyond what is settled, where others are undecided. */
function failedAheadMs({ settledSample, ahead }: DecidedCoverage): number {
  const failed = ahead.map((stretches) => stretches.filter(({ kind }) => kind === 'failed'));
  const to = Math.max(...failed.map((stretches) => endOf(stretches, settledSample)));
  return pieces(failed, settledSample, to)
    .filter(([start]) => failed.some((stretches) => kindAt(stretches, start) !== undefined))
    .reduce((sum, [start, end]) => sum + lengthMs(start, end), 0);
}

/** `[from, to)`, cut wherever a channel's class may change. */
function pieces(channels: readonly (readonly Stretch[])[], from: number, to: number): [start: number, end: number][] {
  const bounds = channels.flatMap((stretches) => stretches.flatMap((one) => [one.startSample, one.endSample]));
  const inside = new Set(bounds.filter((bound) => from < bound && bound < to));
  const cuts = [from, ...[...inside].toSorted((a, b) => a - b), to];
  return cuts.slice(1).map((end, index) => [cuts[index] ?? from, end]);
}

function kindAt(stretches: readonly Stretch[], sample: number): CoverageClass | undefined {
  return stretches.find(({ startSample, endSample }) => startSample <= sample && sample < endSample)?.kind;
}

function behind(stretches: readonly Stretch[], sample: number): Stretch[] {
  return stretches
    .filter(({ endSample }) => endSample > sample)
    .map((one) => (one.startSample < sample ? { ...one, startSample: sample } : one));
}

function endOf(stretches: readonly Stretch[], settledSample: number): number {
  return stretches.at(-1)?.endSample ?? settledSample;
}

function lengthMs(startSample: number, endSample: number): number {
  return timelineMs(endSample) - timelineMs(startSample);
}
