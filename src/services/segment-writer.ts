import { setTimeout as delay } from 'node:timers/promises';
import type { Segment, SegmentBatch, SessionStore } from '../database/session-store.ts';
import { applyEntry, EMPTY_JOURNAL, type JournalState } from './journal-state.ts';
import type { Logger } from './logger.ts';
import type { OpenSession } from './open-session.ts';
import { finalSegment } from './segments.ts';

/** Why a batch was committed: enough finals, the oldest waited long enough, the session is over, or the server stops. */
export type BatchReason = 'size' | 'age' | 'end' | 'stop';

export interface SegmentWriterSettings {
  /** Finals that make a batch, 1 or more. */
  readonly batchSize: number;
  /** Longest time that a final waits for its batch, in milliseconds. */
  readonly batchIntervalMs: number;
}

/** Journal entries in one transaction: after an outage the backlog is committed in pieces of this size. */
const MAX_BATCH_ENTRIES = 500;
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 30_000;

/** How far the database has followed one session's journal. */
interface Follower {
  readonly session: OpenSession;
  /** Journal position of the checkpoint (0 before the first), and what the journal says up to there. */
  position: number;
  state: JournalState;
  /** When the oldest final beyond the checkpoint came, on the clock of `performance.now()`; null without one. */
  waitingSince: number | null;
  timer: NodeJS.Timeout | undefined;
  /** Commits of one session follow each other; null when none is under way. */
  committing: Promise<void> | null;
}

/**
 * Writes the database as a projection of the journals: in batches of `batchSize` finals or after `batchIntervalMs`,
 * whichever comes first, and at once when a session ends. One transaction holds a batch's segments and the checkpoint.
 *
 * It holds no segments: a batch is read from the journal when it is committed, so an outage of the database costs no memory.
 * A commit that failed, or whose outcome is unknown, is tried again from the same checkpoint; the store applies it once.
 */
export class SegmentWriter {
  readonly #store: SessionStore;
  readonly #settings: SegmentWriterSettings;
  readonly #logger: Logger;
  readonly #followers = new Map<string, Follower>();
  readonly #stopping = new AbortController();

  constructor(store: SessionStore, settings: SegmentWriterSettings, logger: Logger) {
    this.#store = store;
    this.#settings = settings;
    this.#logger = logger;
  }

  /** Begins to follow a session's journal from its checkpoint. @throws when the journal can't be read. */
  async follow(session: OpenSession): Promise<void> {
    const follower: Follower = {
      session,
      position: 0,
      state: EMPTY_JOURNAL,
      waitingSince: null,
      timer: undefined,
      committing: null,
    };
    await catchUp(follower, session.record.journalPosition);
    this.#followers.set(session.id, follower);
    if (waitingFinals(follower) > 0) this.noteFinal(session);
  }

  /** A final was journalled. */
  noteFinal(session: OpenSession): void {
    const follower = this.#followers.get(session.id);
    if (follower === undefined) return;
    follower.waitingSince ??= performance.now();
    this.#logger.info({ sessionId: session.id, waiting: waitingFinals(follower) }, 'segment buffered');
    this.#schedule(follower);
  }

  /** Commits everything that is journalled, and how the session stands. Resolves when the database has it. */
  async flush(session: OpenSession, reason: 'end' | 'stop' = 'end'): Promise<void> {
    const follower = this.#followers.get(session.id);
    if (follower === undefined) return;
    do {
      while (follower.committing !== null) await follower.committing;
      await this.#commit(follower, reason);
    } while (follower.position < session.journal.durableEnd);
  }

  /** The session is over and flushed, or is left to the next start. */
  unfollow(session: OpenSession): void {
    const follower = this.#followers.get(session.id);
    clearTimeout(follower?.timer);
    this.#followers.delete(session.id);
  }

  /** How far the database is sure to have followed: the checkpoint, and the last final below it (0 without one). */
  checkpointOf(session: OpenSession): { position: number; sequence: number } {
    const follower = this.#followers.get(session.id);
    return {
      position: Math.max(follower?.position ?? 0, session.journal.start),
      sequence: follower?.state.lastSequence ?? 0,
    };
  }

  /** Milliseconds that the oldest final beyond its checkpoint has waited; 0 when none does. */
  get lagMs(): number {
    const since = [...this.#followers.values()].map((follower) => follower.waitingSince ?? Infinity);
    return Math.max(0, performance.now() - Math.min(Infinity, ...since));
  }

  /** Gives up waiting for the database; what is not committed stands in the journals. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const follower of this.#followers.values()) clearTimeout(follower.timer);
    await Promise.allSettled([...this.#followers.values()].map(async ({ committing }) => committing));
    this.#followers.clear();
  }

  #schedule(follower: Follower): void {
    const waiting = waitingFinals(follower);
    if (follower.committing !== null || waiting === 0 || this.#stopping.signal.aborted) return;
    if (waiting >= this.#settings.batchSize) {
      this.#commitInBackground(follower, 'size');
      return;
    }
    const age = performance.now() - (follower.waitingSince ?? 0);
    clearTimeout(follower.timer);
    follower.timer = setTimeout(
      () => this.#commitInBackground(follower, 'age'),
      Math.max(0, this.#settings.batchIntervalMs - age),
    );
  }

  #commitInBackground(follower: Follower, reason: BatchReason): void {
    if (follower.committing !== null) return;
    this.#commit(follower, reason).catch((error: unknown) => {
      if (this.#stopping.signal.aborted) return;
      this.#logger.error({ sessionId: follower.session.id, err: error }, 'segment writer stopped');
    });
  }

  #commit(follower: Follower, reason: BatchReason): Promise<void> {
    clearTimeout(follower.timer);
    const committing = this.#commitOnce(follower, reason).finally(() => {
      follower.committing = null;
      this.#schedule(follower);
    });
    follower.committing = committing;
    return committing;
  }

  /** Commits one batch, trying until it is in the database. @throws when the writer is stopped meanwhile. */
  async #commitOnce(follower: Follower, reason: BatchReason): Promise<void> {
    for (let attempt = 1, pause = FIRST_RETRY_MS; ; attempt++, pause = Math.min(pause * 2, LONGEST_RETRY_MS)) {
      try {
        const began = performance.now();
        if (attempt > 1) await this.#resolveOutcome(follower);
        const { batch, state } = await this.#nextBatch(follower, reason);
        const outcome = await this.#store.commitBatch(batch);
        follower.position = batch.toPosition;
        follower.state = state;
        follower.waitingSince = waitingFinals(follower) === 0 ? null : performance.now();
        const level = batch.finals.length === 0 ? 'debug' : 'info';
        this.#logger[level](
          {
            sessionId: batch.sessionId,
            segments: batch.finals.length,
            reason,
            durationMs: Math.round(performance.now() - began),
            ...(outcome === 'already-applied' && { outcome }),
          },
          'batch saved',
        );
        return;
      } catch (error) {
        this.#stopping.signal.throwIfAborted();
        this.#logger.warn({ sessionId: follower.session.id, attempt, retryInMs: pause, err: error }, 'commit retried');
        await delay(pause, undefined, { signal: this.#stopping.signal });
      }
    }
  }

  /** After a failed commit: whether it went through all the same, the checkpoint tells. */
  async #resolveOutcome(follower: Follower): Promise<void> {
    const stored = await this.#store.findSession(follower.session.id);
    await catchUp(follower, stored?.journalPosition ?? follower.position);
  }

  async #nextBatch(follower: Follower, reason: BatchReason): Promise<{ batch: SegmentBatch; state: JournalState }> {
    const { session } = follower;
    const from = Math.max(follower.position, session.journal.start);
    const { entries } = await session.journal.read(from, MAX_BATCH_ENTRIES);
    const exactSize = reason === 'size' && waitingFinals(follower) < 2 * this.#settings.batchSize;
    const finals: Segment[] = [];
    let { state } = follower;
    let toPosition = follower.position;
    for (const item of entries) {
      state = applyEntry(state, item.entry);
      toPosition = item.end;
      if (item.entry.type === 'final') finals.push(finalSegment(session.id, item.entry));
      // A batch by size is exactly that size, unless there is a backlog to work off.
      if (exactSize && finals.length === this.#settings.batchSize) break;
    }
    const complete = toPosition >= session.journal.durableEnd;
    return {
      state,
      batch: {
        sessionId: session.id,
        fromPosition: follower.position,
        toPosition,
        finals,
        interims: complete && state.ended === null ? session.storableInterims : [],
        session: session.progressAt(state),
      },
    };
  }
}

/** Finals in the journal beyond the checkpoint. */
function waitingFinals(follower: Follower): number {
  return follower.session.state.lastSequence - follower.state.lastSequence;
}

/** Follows the journal up to a checkpoint that the database has. */
async function catchUp(follower: Follower, checkpoint: number): Promise<void> {
  const { journal } = follower.session;
  while (follower.position < checkpoint) {
    const { entries } = await journal.read(Math.max(follower.position, journal.start), MAX_BATCH_ENTRIES);
    const known = entries.filter(({ end }) => end <= checkpoint);
    for (const { entry } of known) follower.state = applyEntry(follower.state, entry);
    follower.position = known.at(-1)?.end ?? checkpoint;
  }
}
