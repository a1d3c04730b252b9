import type { EndReason } from '../database/session-records.ts';
import { timelineMs, type RecogniserIdentity, type ResumePoint } from '../recognition/recogniser.ts';
import { decide, nothingDecided, type CoverageDecision, type DecidedCoverage } from './coverage.ts';
import type { AudioEvidence, FinalEntry, JournalEntry } from './journal-entry.ts';
import { addFinal, NO_FINALS, type FinalFigures, type StatisticsSums } from './statistics.ts';

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
  /** By channel: samples that sounded like speech since its last text, without any words being found in them. */
  readonly wordlessSamples: readonly number[];
  readonly ended: { readonly reason: EndReason; readonly at: Date } | null;
}

/** @param channels of the session's audio. */
export function emptyJournal(channels: number): JournalState {
  return {
    recogniser: null,
    lastSequence: 0,
    sums: NO_FINALS,
    decided: nothingDecided(channels),
    resume: null,
    audio: null,
    wordlessSamples: Array.from({ length: channels }, () => 0),
    ended: null,
  };
}

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
          decide(state.decided, { kind: 'transcribed', ...entry }),
          silenceTo(entry.decidedSample, entry.channel),
        ),
        ...basisOf(state, entry),
        wordlessSamples: state.wordlessSamples.map((samples, channel) => (channel === entry.channel ? 0 : samples)),
      };
    case 'silence':
      return {
        ...state,
        decided: decide(state.decided, silenceTo(entry.decidedSample, entry.channel)),
        ...basisOf(state, entry),
        wordlessSamples: state.wordlessSamples.map((samples, channel) =>
          channel === entry.channel ? samples + entry.speechSamples : samples,
        ),
      };
    case 'gap':
      return {
        ...state,
        decided: decide(state.decided, { kind: 'gap', channel: null, ...entry }),
        ...basisOf(state, entry),
      };
    case 'failed':
      return { ...state, decided: decide(state.decided, { kind: 'failed', ...entry }), ...basisOf(state, entry) };
    case 'ended':
      return {
        ...state,
        decided: decide(state.decided, silenceTo(entry.decidedSample, null)),
        ...basisOf(state, entry),
        ended: { reason: entry.reason, at: new Date(entry.at) },
      };
    case 'reopened':
      return { ...state, ended: null };
  }
}

function silenceTo(endSample: number, channel: number | null): CoverageDecision {
  return { kind: 'silence', channel, startSample: 0, endSample };
}

function basisOf(
  state: JournalState,
  { resume, audio }: Pick<FinalEntry, 'resume' | 'audio'>,
): Pick<JournalState, 'resume' | 'audio'> {
  return { resume, audio: audio ?? state.audio };
}

function finalFigures(entry: FinalEntry): FinalFigures {
  return {
    text: entry.text,
    startMs: timelineMs(entry.startSample),
    endMs: timelineMs(entry.endSample),
    avgConfidence: entry.confidence,
    latencyMs: entry.latencyMs,
  };
}
