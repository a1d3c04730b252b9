import type { Confirmed, Lane } from './lane.ts';
import type { ConfirmedDecision, ResumeState } from './resume-state.ts';
import type { Span } from './span.ts';
import type { StreamContext } from './stream-context.ts';

/** Whether all audio that the resume point needs again has been written, up to source frame `nextFrame`. */
export function isHeardAgain(restored: ResumeState, span: Span, nextFrame: number): boolean {
  if (restored.closedAtFrame === null) return span.audioEnd >= span.heardSample;
  if (restored.closedAtFrame !== nextFrame) return false;
  span.flush();
  return true;
}

/**
 * What was confirmed before the restart but not told any more, with its decodes begun anew.
 * @param lanes which have that audio again; none when only silence is pending.
 */
export function confirmAgain(
  pending: readonly ConfirmedDecision[],
  lanes: readonly Lane[],
  context: StreamContext,
): Confirmed[] {
  return pending.map((decision) => {
    const lane = lanes[decision.channel];
    if (decision.kind === 'silence' || !lane) return { decision, decode: null, interimShown: false };
    const audio = lane.slice(decision.startSample, decision.endSample);
    return { decision, decode: context.decodeFinal(audio), interimShown: context.draftsShown };
  });
}

/**
 * Audio that the resume point needs can't be read any more: what was pending is lost with it.
 * @param decidedSamples by channel, as the resume point has them.
 * @returns the same without what was pending.
 */
export function decidedWithout(pending: readonly ConfirmedDecision[], decidedSamples: readonly number[]): number[] {
  return decidedSamples.map((decided, channel) =>
    Math.min(decided, ...pending.filter((one) => one.channel === channel).map((one) => one.startSample)),
  );
}
