import type { EndReason, Segment } from '../database/session-store.ts';
import { timelineMs, type RecogniserIdentity, type ResumePoint } from '../recognition/recogniser.ts';
import { decide, NOTHING_DECIDED, type DecidedCoverage } from './coverage.ts';
import type { AudioEvidence, FinalEntry, JournalEntry } from './journal-entry.ts';
import { addFinal, NO_FINALS, type StatisticsSums } from './statistics.ts';

/** What a journal says, read from its beginning to some position. */
export interface JournalState {
  readonly recogniser: RecogniserIdentity | null;
  /** Sequence of the last final; 0 without one. */
  readonly lastSequence: number;
  readonly sums: StatisticsSums;
  readonly decided: DecidedCoverage;
  /** Where recognition goes on; `null`: from the first sample. */
  readonly resume: ResumePoint | null;
  /** How far the audio log was durable by the time of the last entry; `null`: unknown. */
  readonly audio: AudioEvidence | null;
  /** Samples that sounded like speech since the last text, without any words being found in them. */
  readonly wordlessSamples: number;
  readonly ended: { readonly reason: EndReason; readonly at: Date } | null;
}

export const EMPTY_JOURNAL: JournalState = {
  recogniser: null,
  lastSequence: 0,
  sums: NO_FINALS,
  decided: NOTHING_DECIDED,
  resume: null,
  audio: null,
  wordlessSamples: 0,
  ended: null,
};

/** The state after one more entry. */
export function applyEntry(state: JournalState, entry: JournalEntry): JournalState {
  switch (entry.type) {
    case 'recogniser':
      return {
        ...state,
        recogniser: { engine: entry.engine, modelHash: entry.modelHash, settings: entry.settings },
      };
    case 'final':
      return {
        ...state,
        lastSequence: entry.sequence,
        sums: addFinal(state.sums, finalFigures(entry)),
        decided: decide(
          decide(state.decided, 'transcribed', entry.startSample, entry.endSample),
          'silence',
          entry.endSample,
          entry.decidedSample,
        ),
        ...basisOf(state, entry),
        wordlessSamples: 0,
      };
    case 'silence':
      return {
        ...state,
        decided: decide(state.decided, 'silence', 0, entry.decidedSample),
        ...basisOf(state, entry),
        wordlessSamples: state.wordlessSamples + entry.speechSamples,
      };
    case 'gap':
    case 'failed':
      return {
        ...state,
        decided: decide(state.decided, entry.type, entry.startSample, entry.endSample),
        ...basisOf(state, entry),
      };
    case 'ended':
      return {
        ...state,
        decided: decide(state.decided, 'silence', 0, entry.decidedSample),
        ...basisOf(state, entry),
        ended: { reason: entry.reason, at: new Date(entry.at) },
      };
    case 'reopened':
      return { ...state, ended: null };
  }
}

function basisOf(
  state: JournalState,
  { resume, audio }: Pick<FinalEntry, 'resume' | 'audio'>,
): Pick<JournalState, 'resume' | 'audio'> {
  return { resume, audio: audio ?? state.audio };
}

function finalFigures(entry: FinalEntry): Pick<Segment, 'text' | 'startMs' | 'endMs' | 'avgConfidence'> {
  return {
    text: entry.text,
    startMs: timelineMs(entry.startSample),
    endMs: timelineMs(entry.endSample),
    avgConfidence: entry.confidence,
  };
}
