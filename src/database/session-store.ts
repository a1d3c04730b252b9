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

/** What is to be changed of a final segment; what is `undefined` stays as it is, `null` gives back what was there before. */
export interface SegmentChange {
  readonly segmentId: string;
  readonly sessionId: string;
  readonly transcribed: Transcribed | null | undefined;
  readonly speaker: string | null | undefined;
  /** Of the segment as it is known before: the edit's is higher. */
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

export interface NewSession {
  readonly id: string;
  readonly externalId: string | null;
  readonly title: string | null;
  readonly language: string;
  readonly audioFormat: AudioFormat;
  /** By channel; where there are fewer, the rest have no name. */
  readonly speakers: readonly (string | null)[];
  readonly metadata: unknown;
  readonly createdAt: Date;
}

/**
 * The journal entries of one batch, projected; one transaction. Finals that are stored already under the same id or sequence
 * (their session's checkpoint was put back) are replaced, and with a batch that completes the session, those beyond its
 * `totalSegments` go; until they are all replaced, no interims are stored.
 */
export interface SegmentBatch {
  readonly sessionId: string;
  /** Checkpoint the batch starts from: applied only when the stored one is exactly this. */
  readonly fromPosition: number;
  /** Checkpoint after the batch, never below `fromPosition`. */
  readonly toPosition: number;
  /** In ascending sequence. */
  readonly finals: readonly Segment[];
  /** The interims to keep beside the finals, at most one per channel; all other stored interims of the session go. */
  readonly interims: readonly Segment[];
  /** The session's columns as they are true with these rows. */
  readonly session: SessionProgress;
}

export interface SessionProgress {
  readonly status: SessionStatus;
  readonly endReason: EndReason | null;
  readonly endedAt: Date | null;
  readonly nextSequence: number;
  readonly statistics: SessionStatistics;
  readonly coverage: Coverage;
}

/** What a session has received, whether or not its segments are in the database. */
export interface ReceivedAudio {
  readonly nextSequence: number;
  /** Length of the timeline, in milliseconds. */
  readonly receivedMs: number;
}

/**
 * `applied`: committed now. `already-applied`: the stored checkpoint is at or beyond `toPosition` (an earlier attempt's
 * outcome was unknown, and it had gone through); nothing was written.
 */
export type BatchOutcome = 'applied' | 'already-applied';

export interface SegmentFilter {
  readonly sessionId?: string;
  readonly kind?: SegmentKind;
  readonly channel?: number;
  /** Substring of the text; case-insensitive for ASCII. */
  readonly textContains?: string;
  /** Words that the text has, as a person types them: finals only, from the index of what was said. */
  readonly search?: string;
  /** Bounds on the session's `createdAt`: from inclusive, to exclusive. */
  readonly from?: Date;
  readonly to?: Date;
}

export interface SessionFilter {
  readonly statuses?: readonly SessionStatus[];
  readonly externalId?: string;
  readonly language?: string;
  readonly titleContains?: string;
  /** Bounds on `createdAt`: from inclusive, to exclusive. */
  readonly from?: Date;
  readonly to?: Date;
}

export type SessionOrderField = 'CREATED_AT' | 'TITLE' | 'TOTAL_DURATION' | 'TOTAL_SEGMENTS' | 'AVERAGE_CONFIDENCE';
export interface SessionOrder {
  readonly field: SessionOrderField;
  readonly direction: 'ASC' | 'DESC';
}

/** A window of a keyset-paginated list: exactly one of `first`/`last` is set, 0..100. Cursors are opaque, made by the store. */
export interface PageRequest {
  readonly first?: number;
  readonly after?: string;
  readonly last?: number;
  readonly before?: string;
}

export interface Page<T> {
  readonly items: readonly { readonly node: T; readonly cursor: string }[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
}

/** A part of a text, in UTF-16 code units; the end is not of it. */
export interface TextRange {
  readonly start: number;
  readonly end: number;
}

export interface SegmentPage extends Page<Segment> {
  readonly items: readonly {
    readonly node: Segment;
    readonly cursor: string;
    /** What of its text was searched for, in ascending order; none without a search. */
    readonly highlights?: readonly TextRange[];
  }[];
}

/** Totals of one local day. */
export interface DayTotals {
  /** Calendar day in the asked time zone, `YYYY-MM-DD`. */
  readonly day: string;
  readonly sessions: number;
  readonly segments: number;
  readonly words: number;
  /** Seconds. */
  readonly recordedDuration: number;
  readonly speakingDuration: number;
  /** Mean over the segments' confidences; `null` without one. */
  readonly averageConfidence: number | null;
  /** How many have one. */
  readonly confidenceCount: number;
  /** Words per minute of speaking; `null` without speech. */
  readonly wordsPerMinute: number | null;
  /** Mean over the segments' latencies that are known, in milliseconds; `null` when none is. */
  readonly averageLatencyMs: number | null;
  /** How many are. */
  readonly latencyCount: number;
}

export type Totals = Omit<DayTotals, 'day'>;

/** Rows of segments that the database has of a session. */
export interface SegmentCounts {
  readonly finals: number;
  readonly interims: number;
}

/** Finals of a session with a sequence above `afterSequence` and below `beforeSequence`. */
export interface FinalsRequest {
  readonly sessionId: string;
  readonly afterSequence: number;
  /** `Infinity`: to the last. */
  readonly beforeSequence: number;
  /** The lowest so many, or with `fromEnd` the highest. */
  readonly limit: number;
  readonly fromEnd: boolean;
  /** True: only those that a person has ever changed. */
  readonly edited?: boolean;
}

/** The database as the services see it. Every method may throw `DatabaseUnavailableError`. */
export interface SessionStore {
  /** @throws ExternalIdTakenError when another session has this `externalId`. */
  createSession(session: NewSession): Promise<void>;
  findSession(id: string): Promise<SessionRecord | null>;
  findSessions(ids: readonly string[]): Promise<SessionRecord[]>;
  findSessionByExternalId(externalId: string): Promise<SessionRecord | null>;
  /** Sessions that are `ACTIVE` or `FINALIZING`, oldest first. */
  findOpenSessions(): Promise<SessionRecord[]>;
  /** Sessions that are `FAILED` and whose recording is there, oldest first. */
  findFailedSessions(): Promise<SessionRecord[]>;
  listSessions(filter: SessionFilter, order: SessionOrder, page: PageRequest): Promise<Page<SessionRecord>>;

  /**
   * @throws DatabaseRefusedError when the batch can never be applied: its checkpoint is not the stored one, its session is
   *   not there, or a value or constraint does not allow it.
   */
  commitBatch(batch: SegmentBatch): Promise<BatchOutcome>;

  /**
   * Puts the checkpoint back to `position` when it is beyond: the journal was cut there, since its end was damaged, and is
   * derived again from the audio. The rows stay until batches write them again.
   */
  rewindCheckpoint(sessionId: string, position: number): Promise<void>;

  /**
   * Ends a session that can't go on: `FAILED`, for the reason `FAILURE`, at `at` unless it had ended before. Its finals stay,
   * its interims go, and what was received stands in its row all the same.
   * @throws DatabaseRefusedError when there is no such session.
   */
  markFailed(sessionId: string, at: Date, received: ReceivedAudio): Promise<void>;

  /**
   * At most `limit` sessions that were completed and ended before `endedBefore`, whose recording is there; oldest end first. Not
   * those that failed: the journal has what the database did not take.
   */
  findExpiredRecordings(endedBefore: Date, limit: number): Promise<string[]>;
  /** The session's logs are gone. */
  markRecordingRemoved(sessionId: string, at: Date): Promise<void>;

  /** @returns whether there is such a session. */
  updateTitle(sessionId: string, title: string | null): Promise<boolean>;

  /**
   * Changes a final segment, whether or not its row is there yet: rows that are written later get it too.
   * @returns its edit as it stands now; `null` when there is no such session
   */
  editSegment(change: SegmentChange): Promise<SegmentEdit | null>;
  /** All edits of a session. */
  editsOf(sessionId: string): Promise<SegmentEdit[]>;
  /**
   * Names a channel, in the session and in its segments that have no name of their own; `null` gives back what the client had
   * said.
   * @returns `null` when there is no such session, or it has no such channel
   */
  renameSpeaker(sessionId: string, channel: number, name: string | null): Promise<SpeakerNames | null>;

  /**
   * Removes the session's row, those of its segments and their edits, and remembers that its recording is to be removed; one transaction.
   * @returns whether there was such a session.
   */
  deleteSession(sessionId: string, at: Date): Promise<boolean>;
  /** Deleted sessions whose recording may still be there, by their ids. */
  findDeletedSessions(): Promise<string[]>;
  /** The recording of a deleted session is gone. */
  forgetDeletedSession(sessionId: string): Promise<void>;

  findSegment(id: string): Promise<Segment | null>;
  /** The finals that each request asks for, ascending; all requests in one statement. */
  finalsBySequence(requests: readonly FinalsRequest[]): Promise<Segment[][]>;
  /** Stored interims of a session (at most one per channel). */
  interimsOf(sessionId: string): Promise<Segment[]>;
  /** Rows of segments of each session; a session without any is left out. One statement. */
  countSegments(sessionIds: readonly string[]): Promise<ReadonlyMap<string, SegmentCounts>>;
  /**
   * Segments across sessions, in order of (session createdAt and id descending, startMs and id ascending). With `search` in order
   * of (start of the session descending, sequence ascending).
   * @throws UnsearchableTextError when `search` has nothing to look for, or too much.
   */
  listSegments(filter: SegmentFilter, page: PageRequest): Promise<SegmentPage>;

  /**
   * Totals over the matching sessions, and by local day of `createdAt`, ascending (days without a session are absent).
   * @throws InvalidTimeZoneError when `timeZone` is no IANA time zone that this machine knows.
   */
  totals(filter: SessionFilter, timeZone: string): Promise<{ totals: Totals; days: DayTotals[] }>;

  /** Resolves when the database lets a transaction begin that may write; a disk that is full does not show here. */
  ping(): Promise<void>;
}

/** The database can't be reached, is locked, full or damaged: something that may pass, by itself or by an operator's hand. */
export class DatabaseUnavailableError extends Error {
  override readonly name = 'DatabaseUnavailableError';
}

/** The database works and does not take what it was given: waiting will not change that. */
export class DatabaseRefusedError extends Error {
  override readonly name: string = 'DatabaseRefusedError';
}

export class ExternalIdTakenError extends Error {
  override readonly name = 'ExternalIdTakenError';
}

/** A cursor that this store did not make. */
export class InvalidCursorError extends Error {
  override readonly name = 'InvalidCursorError';
}

/** A text to search for with nothing in it that can be found, or too much. */
export class UnsearchableTextError extends Error {
  override readonly name = 'UnsearchableTextError';
}

/** A time zone that this machine does not know. */
export class InvalidTimeZoneError extends RangeError {
  override readonly name = 'InvalidTimeZoneError';
}
