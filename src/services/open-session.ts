import { framesToMs } from '../audio/format.ts';
import type { EndReason, Segment, SegmentEdit, SessionRecord, SpeakerNames } from '../database/session-records.ts';
import type { SessionProgress } from '../database/session-store.ts';
import type { AudioLog } from '../log/audio-log.ts';
import type { Journal } from '../log/journal.ts';
import { timelineMs, type Transcript } from '../recognition/recogniser.ts';
import { coverageOf } from './coverage.ts';
import type { FinalEntry, JournalEntry } from './journal-entry.ts';
import { applyEntry, type JournalState } from './journal-state.ts';
import { SegmentEdits } from './segment-edits.ts';
import { SegmentFeed, type ReadFinals } from './segment-feed.ts';
import { StablePrefixes } from './stable-prefix.ts';
import { finalSegment, interimSegment } from './segments.ts';
import { SessionUpdates } from './session-updates.ts';
import { statisticsOf } from './statistics.ts';

const END_REASONS: readonly string[] = ['CLIENT', 'IDLE_TIMEOUT', 'MAX_DURATION', 'FAILURE'] satisfies EndReason[];

function isEndReason(reason: string): reason is EndReason {
  return END_REASONS.includes(reason);
}

/**
 * A session that is not over: its audio log and journal are open, and what they say is in memory. Everything here follows
 * from the two logs, so it can be thrown away and made again.
 */
export class OpenSession {
  #record: SessionRecord;
  readonly audio: AudioLog;
  readonly journal: Journal<JournalEntry>;
  readonly feed: SegmentFeed;
  readonly #edits: SegmentEdits;
  readonly #stablePrefixes = new StablePrefixes();
  /** Finals that may have been shown are being derived again: subscribers may ask for what comes after them. */
  readonly journalWasCut: boolean;
  readonly updates = new SessionUpdates();
  /** When audio last came, on the clock of `performance.now()`, in milliseconds. */
  lastAudioAt = performance.now();
  /** Since when an entry could not be journalled, on the same clock; `null` while that works. */
  journalFailingSince: number | null = null;
  #processedFrames = 0;
  #state: JournalState;
  #ending: { readonly reason: EndReason; readonly stored: Promise<void> } | null = null;

  constructor(parts: {
    record: SessionRecord;
    audio: AudioLog;
    journal: Journal<JournalEntry>;
    state: JournalState;
    readFinals: ReadFinals;
    journalWasCut: boolean;
    /** What people have changed of its finals. @default none */
    edits?: readonly SegmentEdit[];
  }) {
    this.#record = parts.record;
    this.audio = parts.audio;
    this.journal = parts.journal;
    this.journalWasCut = parts.journalWasCut;
    this.#state = parts.state;
    this.#edits = new SegmentEdits(parts.edits ?? []);
    this.feed = new SegmentFeed(parts.readFinals, parts.state.lastSequence, {
      ended: parts.state.ended !== null,
      refresh: (final) => this.#edits.refresh(final, this.#record),
      edited: this.#edits.revisions(),
    });
  }

  get id(): string {
    return this.record.id;
  }

  /** The session as the database had it when it was opened; what was changed since by its owner is in it. */
  get record(): SessionRecord {
    return this.#record;
  }

  /** Its row has the new title already. */
  rename(title: string | null): void {
    this.#record = { ...this.#record, title };
    this.updates.touch();
  }

  /** Its row, and those of its segments, have the new names already. */
  renameSpeakers({ speakers, originalSpeakers }: SpeakerNames): void {
    this.#record = { ...this.#record, speakers, originalSpeakers };
    this.feed.refresh();
    this.updates.touch();
  }

  /** The database has the edit already. */
  addEdit(edit: SegmentEdit): void {
    this.#edits.add(edit);
  }

  /** A person has changed something of a final. */
  get hasEdits(): boolean {
    return !this.#edits.isEmpty;
  }

  isEdited(segmentId: string): boolean {
    return this.#edits.has(segmentId);
  }

  /** A final of the journal, as it is to be shown. */
  finalOf(entry: FinalEntry): Segment {
    return this.#edits.show(finalSegment(this.#record, entry), this.#record);
  }

  /** What the journal says up to its durable end. */
  get state(): JournalState {
    return this.#state;
  }

  /** Source frames that the recogniser has worked through. */
  get processedFrames(): number {
    return this.#processedFrames;
  }

  /** The recogniser has worked through everything before this source frame. */
  progressed(frame: number): void {
    this.#processedFrames = Math.max(this.#processedFrames, frame);
  }

  get receivedMs(): number {
    return framesToMs(this.audio.receivedFrames, this.record.audioFormat.sampleRate);
  }

  /** Milliseconds of acknowledged audio that the recogniser has not worked through yet. */
  get backlogMs(): number {
    return Math.max(0, this.receivedMs - framesToMs(this.#processedFrames, this.record.audioFormat.sampleRate));
  }

  /** Why the audio ended, or `null` while more may come. */
  get endReason(): EndReason | null {
    const end = this.audio.end;
    if (end === null) return null;
    return isEndReason(end.reason) ? end.reason : 'FAILURE';
  }

  /** Why no more audio is taken: the end is on its way to the audio log, or there. `null` while audio is taken. */
  get endingReason(): EndReason | null {
    return this.#ending?.reason ?? this.endReason;
  }

  /** Ends the audio here, durably. Asking again changes nothing. @throws what `AudioLog.appendEnd` throws. */
  end(reason: EndReason): Promise<void> {
    if (this.audio.end !== null) return Promise.resolve();
    this.#ending ??= { reason, stored: this.#storeEnd(reason) };
    return this.#ending.stored;
  }

  /** The session as it stands now, ahead of the database by what the journal has more. */
  snapshot(): SessionRecord {
    return { ...this.record, ...this.progressAt(this.#state), journalPosition: this.journal.durableEnd };
  }

  /**
   * The session's columns as they are true once the database has followed the journal to `state`. Completed is only what
   * the journal ends with; a session that is only told to end is finalising.
   */
  progressAt(state: JournalState): SessionProgress {
    const ended = state.ended;
    const running = this.audio.end === null ? 'ACTIVE' : 'FINALIZING';
    return {
      status: ended === null ? running : 'COMPLETED',
      endReason: ended === null ? this.endReason : ended.reason,
      endedAt: ended === null ? (this.audio.end?.at ?? null) : ended.at,
      nextSequence: this.audio.nextSequence,
      statistics: statisticsOf(state.sums),
      coverage: coverageOf(state.decided, this.receivedMs),
    };
  }

  /** Journals an entry and, once it is durable, shows what it says. One call at a time. */
  async append(entry: JournalEntry): Promise<void> {
    await this.journal.append(entry);
    this.apply(entry);
  }

  /** Shows what a journalled entry says. */
  apply(entry: JournalEntry): void {
    this.#state = applyEntry(this.#state, entry);
    if (entry.type === 'final') this.feed.publishFinal(this.finalOf(entry));
    if ('decidedSample' in entry) this.#withdrawInterims(entry);
    if (entry.type === 'ended') this.feed.end();
    if (entry.type === 'reopened') this.feed.reopen();
    this.updates.touch();
  }

  /** The journal's end is the end of all audio there is. */
  get isDecided(): boolean {
    const { ended, resume } = this.#state;
    return ended !== null && this.audio.end !== null && resume?.readFromFrame === this.audio.receivedFrames;
  }

  /** Drafts of what is decided now are not replaced any more: whoever made them may be gone. */
  #withdrawInterims(entry: JournalEntry & { decidedSample: number }): void {
    const channel = 'channel' in entry ? entry.channel : null;
    for (const interim of this.feed.interims) {
      const isDecided = interim.startMs < timelineMs(entry.decidedSample);
      if (!isDecided || (channel !== null && interim.channel !== channel)) continue;
      const revision = interim.revision + 1;
      this.feed.publishInterim({ ...interim, revision, text: '', stableLength: 0, words: [], avgConfidence: null });
    }
  }

  showInterim(transcript: Transcript, at: Date): void {
    this.feed.publishInterim(interimSegment(this.record, this.#stablePrefixes.next(transcript), at));
  }

  /** Interims worth keeping beside the finals of a batch. */
  get storableInterims(): Segment[] {
    return this.#state.ended === null ? this.feed.interims : [];
  }

  async close(): Promise<void> {
    await Promise.all([this.audio.close(), this.journal.close()]);
  }

  /** Resolves when an end that is on its way has been stored, or could not be. */
  async untilEndSettled(): Promise<void> {
    await this.#ending?.stored.catch(() => undefined);
  }

  async #storeEnd(reason: EndReason): Promise<void> {
    try {
      await this.audio.appendEnd(reason, new Date());
    } finally {
      this.#ending = null;
      this.updates.touch();
    }
  }
}

/** The session is not over, as far as its row says. */
export function isRunning({ status }: SessionRecord): boolean {
  return status === 'ACTIVE' || status === 'FINALIZING';
}
