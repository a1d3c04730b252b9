import { z } from 'zod';
import { firstFrameNeeded } from '../audio/resampler.ts';
import type { ResamplerTable } from '../audio/resampler-table.ts';
import { endpointerStateSchema } from './endpointing.ts';
import type { ResumePoint } from './recogniser.ts';

const confirmedDecisionSchema = z.object({
  kind: z.enum(['final', 'silence']),
  channel: z.int().min(0),
  startSample: z.int().min(0),
  endSample: z.int().min(0),
  revision: z.int().min(0),
});
/** A stretch of one channel whose boundaries are certain; a final may still lack its words. */
export type ConfirmedDecision = z.infer<typeof confirmedDecisionSchema>;

const laneStateSchema = z.object({
  /** All before this is confirmed. */
  decidedSample: z.int().min(0),
  /** Both `null` when the span was closed. */
  detector: z.unknown(),
  endpointer: endpointerStateSchema.nullable(),
});
export type LaneState = z.infer<typeof laneStateSchema>;

const recognitionStateSchema = z.object({
  /** Source frame at which the stretch of uninterrupted audio begins. */
  spanStartFrame: z.int().min(0),
  /** Source frame at which a gap or the end closed it; what follows is a new span. */
  closedAtFrame: z.int().min(0).nullable(),
  /** First timeline sample of the span that hearing on needs; `null`: none. */
  neededSample: z.int().min(0).nullable(),
  /** By channel. */
  lanes: z.array(laneStateSchema),
});
/** Recognition between two steps. */
export type RecognitionState = z.infer<typeof recognitionStateSchema>;

const resumeStateSchema = recognitionStateSchema.extend({
  version: z.literal(1),
  /** First timeline sample that hearing on or a pending final needs; `null`: none. */
  firstSample: z.int().min(0).nullable(),
  /** Confirmed in the same step as the decision that carries this state, and to be decided after it. */
  pending: z.array(confirmedDecisionSchema),
});
export type ResumeState = z.infer<typeof resumeStateSchema>;

/** The state of a resume point is not one that this version made, or is of another number of channels. */
export class ResumeStateError extends Error {
  override readonly name = 'ResumeStateError';
}

/** @throws ResumeStateError */
export function parseResumeState(state: unknown, channels: number): ResumeState {
  const parsed = resumeStateSchema.safeParse(state);
  if (!parsed.success) {
    throw new ResumeStateError(`recognition can't go on from this state: ${z.prettifyError(parsed.error)}`);
  }
  if (parsed.data.lanes.length !== channels) {
    throw new ResumeStateError(
      `recognition can't go on from this state: it is of ${parsed.data.lanes.length} channels, the stream has ${channels}`,
    );
  }
  return parsed.data;
}

/** Where to go on after a decision that was confirmed in the step that led to `state`, followed by `pending`. */
export function resumePoint(
  table: ResamplerTable,
  state: RecognitionState,
  pending: readonly ConfirmedDecision[],
): ResumePoint {
  let firstSample = state.neededSample ?? Infinity;
  for (const decision of pending) {
    if (decision.kind === 'final') firstSample = Math.min(firstSample, decision.startSample);
  }
  const { spanStartFrame, closedAtFrame, neededSample, lanes } = state;
  const rest = { version: 1 as const, spanStartFrame, closedAtFrame, neededSample, lanes, pending: [...pending] };
  if (firstSample === Infinity) {
    const resumeState: ResumeState = { ...rest, firstSample: null };
    return { readFromFrame: closedAtFrame ?? spanStartFrame, state: resumeState };
  }
  const resumeState: ResumeState = { ...rest, firstSample };
  return { readFromFrame: Math.max(spanStartFrame, firstFrameNeeded(table, firstSample)), state: resumeState };
}

/** Nothing is open at `frame`: a new span begins there. */
export function stateBetweenSpans(frame: number, decidedSamples: readonly number[]): RecognitionState {
  return { spanStartFrame: frame, closedAtFrame: frame, neededSample: null, lanes: decidedSamples.map(closedLane) };
}

export function closedLane(decidedSample: number): LaneState {
  return { decidedSample, detector: null, endpointer: null };
}
