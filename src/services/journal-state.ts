import type { EndReason, Segment } from '../database/session-store.ts';
import { timelineMs, type RecogniserIdentity, type ResumePoint } from '../recognition/recogniser.ts';
import { decide, NOTHING_DECIDED, type DecidedCoverage } from './coverage.ts';
import type { FinalEntry, JournalEntry } from './journal-entry.ts';
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
  readonly ended: { readonly reason: EndReason; readonly at: Date } | null;
}

export const EMPTY_JOURNAL: JournalState = {
  recogniser: null,
  lastSequence: 0,
  sums: NO_FINALS,
  decided: NOTHING_DECIDED,
  resume: null,
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
        resume: entry.resume,
      };
    case 'silence':
      return {
        ...state,
        decided: decide(state.decided, 'silence', 0, entry.decidedSample),
        resume: entry.resume,
      };
    case 'gap':
    case 'failed':
      return {
        ...state,
        decided: decide(state.decided, entry.type, entry.startSample, entry.endSample),
        resume: entry.resume,
      };
    case 'ended':
      return {
        ...state,
        decided: decide(state.decided, 'silence', 0, entry.decidedSample),
        resume: entry.resume,
        ended: { reason: entry.reason, at: new Date(entry.at) },
      };
    case 'reopened':
      return { ...state, ended: null };
  }
}

function finalFigures(entry: FinalEntry): Pick<Segment, 'text' | 'startMs' | 'endMs' | 'avgConfidence'> {
  return {
    text: entry.text,
    startMs: timelineMs(entry.startSample),
    endMs: timelineMs(entry.endSample),
    avgConfidence: entry.confidence,
  };
}
