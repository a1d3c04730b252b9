import type { AudioFormat } from '../audio/format.ts';
import type { Page, PageRequest, SegmentFilter, SegmentPage, SessionFilter, SessionOrder } from './lists.ts';
import type {
  Coverage,
  EndReason,
  Segment,
  SegmentEdit,
  SessionRecord,
  SessionStatistics,
  SessionStatus,
  SpeakerNames,
  Transcribed,
} from './session-records.ts';

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
