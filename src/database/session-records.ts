import type { AudioFormat } from '../audio/format.ts';

export type SessionStatus = 'ACTIVE' | 'FINALIZING' | 'COMPLETED' | 'FAILED';
export type EndReason = 'CLIENT' | 'IDLE_TIMEOUT' | 'MAX_DURATION' | 'FAILURE';
export type SegmentKind = 'INTERIM' | 'FINAL';

export interface Word {
  readonly text: string;
  /** Milliseconds from the session's first sample; `null` where that is not known, as in interims. */
  readonly startMs: number | null;
  readonly endMs: number | null;
  /** 0..1; `null` when the recogniser gives none. */
  readonly confidence: number | null;
}

/** The transcript of one utterance, as shown and as stored. */
export interface Segment {
  readonly id: string;
  readonly sessionId: string;
  /** Counts the session's finals from 1; `null` for an interim. */
  readonly sequence: number | null;
  readonly revision: number;
  readonly kind: SegmentKind;
  readonly text: string;
  /** Of an interim that is live: UTF-16 code units of its text that do not change any more. Not stored. */
  readonly stableLength?: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly avgConfidence: number | null;
  readonly words: readonly Word[];
  /** Its own name, else the one that the session has for the channel; `null` when there is none. */
  readonly speaker: string | null;
  readonly channel: number;
  readonly createdAt: Date;
  /** What a person has changed of it; absent while text and speaker are as they came. */
  readonly edit?: AppliedEdit;
}

/** What stands behind an edited final. */
export interface AppliedEdit {
  /** What the recogniser wrote; `null` when its text was not changed. */
  readonly original: Transcribed | null;
  /** The name that this segment alone was given; `null`: that of its channel stands. */
  readonly ownSpeaker: string | null;
  readonly at: Date;
}

export interface Transcribed {
  readonly text: string;
  readonly words: readonly Word[];
}

/** What a person has made of a final segment by now. It is kept beside the segments, which may be written again. */
export interface SegmentEdit {
  readonly segmentId: string;
  /** `null`: what the recogniser wrote stands. */
  readonly transcribed: Transcribed | null;
  /** `null`: the name of the channel stands. */
  readonly speaker: string | null;
  /** Of the segment with this edit; never of another version of it. */
  readonly revision: number;
  readonly at: Date;
}

/** Who speaks on a session's channels. */
export interface SpeakerNames {
  /** By channel, one for each: who speaks there; `null` when nobody has said so. */
  readonly speakers: readonly (string | null)[];
  /** The same as the client said at the start. */
  readonly originalSpeakers: readonly (string | null)[];
}

/** From final segments only. Durations in seconds. */
export interface SessionStatistics {
  readonly totalSegments: number;
  /** Mean of the finals' `avgConfidence`; `null` without one. */
  readonly averageConfidence: number | null;
  /** From the earliest start of a final to the latest end of one, on whatever channel. */
  readonly totalDuration: number;
  readonly wordCount: number;
  /** Sum of the finals' lengths; where two channels speak at the same time, both count. */
  readonly speakingDuration: number;
  /** Words per minute of speaking; `null` without speech. */
  readonly wordsPerMinute: number | null;
  /** Mean of the finals' latencies that are known, in milliseconds (see `JournalEntry`); `null` when none is. */
  readonly averageLatencyMs: number | null;
  /** How many are: the weight of that mean. */
  readonly latencyCount: number;
}

/** Milliseconds of the timeline by class; `receivedMs` is the sum of the other five. */
export interface Coverage {
  readonly receivedMs: number;
  readonly transcribedMs: number;
  readonly silenceMs: number;
  readonly gapMs: number;
  readonly failedMs: number;
  readonly pendingMs: number;
}

/** A session as the database knows it. */
export interface SessionRecord extends SpeakerNames {
  readonly id: string;
  readonly externalId: string | null;
  readonly title: string | null;
  readonly status: SessionStatus;
  readonly endReason: EndReason | null;
  readonly language: string;
  readonly audioFormat: AudioFormat;
  /** The client's own JSON, as given at the start; `null` when none was. */
  readonly metadata: unknown;
  readonly createdAt: Date;
  readonly endedAt: Date | null;
  /** When its logs were removed, for good: nothing can be transcribed or appended any more. `null` while they are there. */
  readonly recordingRemovedAt: Date | null;
  readonly nextSequence: number;
  /** Journal position (bytes) up to which the rows follow the journal: the checkpoint. */
  readonly journalPosition: number;
  readonly statistics: SessionStatistics;
  readonly coverage: Coverage;
}
