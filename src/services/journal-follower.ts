import type { Segment } from '../database/session-records.ts';
import type { SegmentBatch } from '../database/session-store.ts';
import type { JournalPage } from '../log/journal.ts';
import { LogDamagedError } from '../log/storage-errors.ts';
import type { JournalEntry } from './journal-entry.ts';
import { applyEntry, emptyJournal, type JournalState } from './journal-state.ts';
import type { OpenSession } from './open-session.ts';
import { finalSegment } from './segments.ts';

/** Journal entries in one transaction: after an outage the backlog is committed in pieces of this size. */
const MAX_BATCH_ENTRIES = 500;

/** Journal entries as a batch, and what the journal says up to its end. */
export interface FollowingBatch {
  readonly batch: SegmentBatch;
  readonly state: JournalState;
}

/** How far the database has followed one session's journal, and what comes next. It holds a position and no segments. */
export class JournalFollower {
  readonly session: OpenSession;
  /** Journal position of the checkpoint (0 before the first), and what the journal says up to there. */
  #position = 0;
  #state: JournalState;

  constructor(session: OpenSession) {
    this.session = session;
    this.#state = emptyJournal(session.record.audioFormat.channels);
  }

  get position(): number {
    return this.#position;
  }

  /** Sequence of the last final up to the checkpoint; 0 without one. */
  get lastSequence(): number {
    return this.#state.lastSequence;
  }

  /** Finals in the journal beyond the checkpoint. */
  get waitingFinals(): number {
    return this.session.state.lastSequence - this.#state.lastSequence;
  }

  /** Everything that is in the journal is in the database. */
  get isLevel(): boolean {
    return this.#readingPosition >= this.session.journal.durableEnd;
  }

  /**
   * Goes to the checkpoint that the database has: forward when a commit had gone through after all, back when an older
   * database was put in place.
   * @throws LogFormatError | LogDamagedError when the journal can't be read
   */
  async goTo(checkpoint: number): Promise<void> {
    if (checkpoint < this.#position) {
      this.#position = 0;
      this.#state = emptyJournal(this.session.record.audioFormat.channels);
    }
    while (this.#position < checkpoint) {
      const { entries } = await this.#read();
      const known = entries.filter(({ end }) => end <= checkpoint);
      for (const { entry } of known) this.#state = applyEntry(this.#state, entry);
      this.#position = known.at(-1)?.end ?? checkpoint;
    }
  }

  /**
   * What follows the checkpoint, to make a batch of.
   * @throws LogFormatError | LogDamagedError when the journal can't be read
   */
  readNext(): Promise<JournalPage<JournalEntry>> {
    return this.#read();
  }

  /**
   * A batch of up to `maxFinals` finals, with the session as it stands now.
   * @param page from `readNext`, the checkpoint not having moved since
   */
  batchOf({ entries }: JournalPage<JournalEntry>, maxFinals: number): FollowingBatch {
    const { session } = this;
    const finals: Segment[] = [];
    let state = this.#state;
    let toPosition = this.#position;
    for (const item of entries) {
      state = applyEntry(state, item.entry);
      toPosition = item.end;
      if (item.entry.type === 'final') finals.push(finalSegment(session.record, item.entry));
      if (finals.length === maxFinals) break;
    }
    const isComplete = toPosition >= session.journal.durableEnd;
    const batch: SegmentBatch = {
      sessionId: session.id,
      fromPosition: this.#position,
      toPosition,
      finals,
      interims: isComplete && state.ended === null ? session.storableInterims : [],
      session: session.progressAt(state),
    };
    return { batch, state };
  }

  /** The batch is in the database. */
  committed({ batch, state }: FollowingBatch): void {
    this.#position = batch.toPosition;
    this.#state = state;
  }

  /** A checkpoint of 0 is before the journal's first entry. */
  get #readingPosition(): number {
    return Math.max(this.#position, this.session.journal.start);
  }

  async #read(): Promise<JournalPage<JournalEntry>> {
    const { journal } = this.session;
    const page = await journal.read(this.#readingPosition, MAX_BATCH_ENTRIES);
    const [damage] = page.damage;
    if (damage !== undefined) {
      throw new LogDamagedError(`${journal.path} lost entries between ${damage.start} and ${damage.end}`);
    }
    return page;
  }
}
