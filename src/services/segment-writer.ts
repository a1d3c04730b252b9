import { setTimeout as delay } from 'node:timers/promises';
import type { SessionStore } from '../database/session-store.ts';
import { DatabaseRefusedError } from '../database/store-errors.ts';
import type { JournalPage } from '../log/journal.ts';
import { LogDamagedError, LogFormatError } from '../log/storage-errors.ts';
import { CommitTurns, pauseAfter, type RetryPauses } from './commit-turns.ts';
import type { JournalEntry } from './journal-entry.ts';
import { JournalFollower } from './journal-follower.ts';
import type { Logger } from './logger.ts';
import type { OpenSession } from './open-session.ts';

/** Why a batch was committed: enough finals, the oldest waited long enough, the session is over, or the server stops. */
export type BatchReason = 'size' | 'age' | 'end' | 'stop';

export interface SegmentWriterSettings {
  /** Finals that make a batch, 1 or more. */
  readonly batchSize: number;
  /** Longest time that a final waits for its batch, in milliseconds. */
  readonly batchIntervalMs: number;
  /** @default from 100 ms to 2 s: one session asks for all, so the database is asked no more often than that */
  readonly retryPauses?: RetryPauses;
}

/** Why the database follows a session's journal no further, for people. */
export interface SegmentsFailure {
  readonly since: Date;
  /** Without internals; the log has those. */
  readonly message: string;
}

/**
 * The writer has given this session up: the database does not take its segments, or its journal can't be read. What was
 * journalled stands in the journal; the next start tries again.
 */
export class SegmentsRefusedError extends Error {
  override readonly name = 'SegmentsRefusedError';
}

const RETRY_PAUSES: RetryPauses = { firstMs: 100, longestMs: 2_000 };
/** After so many refusals in a row a session is given up. */
const MAX_REFUSALS = 3;
const FAILURE_MESSAGE =
  'The segments of this session can not be written to the database. They are safe in its journal: look at the log of the server.';

/** A session whose journal the database follows. */
interface Followed {
  readonly session: OpenSession;
  readonly follower: JournalFollower;
  /** When the oldest final beyond the checkpoint came, on the clock of `performance.now()`; null without one. */
  waitingSince: number | null;
  timer: NodeJS.Timeout | undefined;
  /** Commits of one session follow each other; null when none is under way. */
  committing: Promise<void> | null;
  /** Set once, when it is given up. */
  failure: SegmentsFailure | null;
}

/**
 * Writes the database as a projection of the journals: in batches of `batchSize` finals or after `batchIntervalMs`,
 * whichever comes first, and at once when a session ends. One transaction holds a batch's segments and the checkpoint.
 *
 * It holds no segments but those of the batch under way and the next: they are read from the journals, so an outage of the
 * database costs no memory.
 * A commit that failed for a reason that may pass, or whose outcome is unknown, is tried again from the checkpoint for as
 * long as it takes; the store applies it once. One that the database will never take is given up after a few attempts, and
 * its session with it, while the others go on.
 */
export class SegmentWriter {
  readonly #store: SessionStore;
  readonly #settings: SegmentWriterSettings;
  readonly #logger: Logger;
  readonly #followed = new Map<string, Followed>();
  readonly #stopping = new AbortController();
  readonly #pauses: RetryPauses;
  readonly #turns: CommitTurns;

  constructor(store: SessionStore, settings: SegmentWriterSettings, logger: Logger) {
    this.#store = store;
    this.#settings = settings;
    this.#logger = logger;
    this.#pauses = settings.retryPauses ?? RETRY_PAUSES;
    this.#turns = new CommitTurns(this.#pauses, this.#stopping.signal);
  }

  /** Begins to follow a session's journal from its checkpoint. @throws when the journal can't be read. */
  async follow(session: OpenSession): Promise<void> {
    const follower = new JournalFollower(session);
    await follower.goTo(session.record.journalPosition);
    this.#followed.set(session.id, {
      session,
      follower,
      waitingSince: null,
      timer: undefined,
      committing: null,
      failure: null,
    });
    if (follower.waitingFinals > 0) this.noteFinal(session);
  }

  /** A final was journalled. */
  noteFinal(session: OpenSession): void {
    const followed = this.#followed.get(session.id);
    if (followed === undefined) return;
    followed.waitingSince ??= performance.now();
    this.#logger.info({ sessionId: session.id, waiting: followed.follower.waitingFinals }, 'segment buffered');
    this.#schedule(followed);
  }

  /**
   * Commits everything that is journalled, and how the session stands. Resolves when the database has it.
   * @throws SegmentsRefusedError when the session is given up, now or before.
   */
  async flush(session: OpenSession, reason: 'end' | 'stop' = 'end'): Promise<void> {
    const followed = this.#followed.get(session.id);
    if (followed === undefined) return;
    do {
      while (followed.committing !== null) await followed.committing;
      if (followed.failure !== null) throw new SegmentsRefusedError(followed.failure.message);
      if (!this.#isFollowed(followed)) throw new Error(`Session ${session.id} is followed no longer`);
      await this.#commit(followed, reason);
    } while (!followed.follower.isLevel);
  }

  /** The session is over and flushed, or is left to the next start. */
  unfollow(session: OpenSession): void {
    clearTimeout(this.#followed.get(session.id)?.timer);
    this.#followed.delete(session.id);
  }

  /** The session is to be forgotten. Resolves when nothing of it is written any more. */
  async abandon(session: OpenSession): Promise<void> {
    const committing = this.#followed.get(session.id)?.committing;
    this.unfollow(session);
    await committing?.catch(() => undefined);
  }

  /** How far the database is sure to have followed: the checkpoint, and the last final below it (0 without one). */
  checkpointOf(session: OpenSession): { position: number; sequence: number } {
    const follower = this.#followed.get(session.id)?.follower;
    return {
      position: Math.max(follower?.position ?? 0, session.journal.start),
      sequence: follower?.lastSequence ?? 0,
    };
  }

  /** Why the session was given up; `null` while it is not. */
  failureOf(session: OpenSession): SegmentsFailure | null {
    return this.#followed.get(session.id)?.failure ?? null;
  }

  /** Milliseconds that the session's oldest final beyond its checkpoint has waited; 0 when none does. */
  waitingSinceMs(session: OpenSession): number {
    return age(this.#followed.get(session.id)?.waitingSince ?? null);
  }

  /** How many sessions were given up. */
  get failedSessions(): number {
    return [...this.#followed.values()].filter(({ failure }) => failure !== null).length;
  }

  /** The longest that a final waits beyond its checkpoint, in milliseconds; sessions that were given up don't count. */
  get lagMs(): number {
    const going = [...this.#followed.values()].filter(({ failure }) => failure === null);
    return Math.max(0, ...going.map(({ waitingSince }) => age(waitingSince)));
  }

  /** Gives up waiting for the database; what is not committed stands in the journals. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const { timer } of this.#followed.values()) clearTimeout(timer);
    await Promise.allSettled([...this.#followed.values()].map(async ({ committing }) => committing));
    this.#followed.clear();
  }

  #schedule(followed: Followed): void {
    const waiting = followed.follower.waitingFinals;
    if (followed.committing !== null || followed.failure !== null || waiting === 0) return;
    if (this.#stopping.signal.aborted || !this.#isFollowed(followed)) return;
    if (waiting >= this.#settings.batchSize) {
      this.#commitInBackground(followed, 'size');
      return;
    }
    clearTimeout(followed.timer);
    followed.timer = setTimeout(
      () => this.#commitInBackground(followed, 'age'),
      Math.max(0, this.#settings.batchIntervalMs - age(followed.waitingSince)),
    );
  }

  #commitInBackground(followed: Followed, reason: BatchReason): void {
    if (followed.committing !== null) return;
    this.#commit(followed, reason).catch((error: unknown) => {
      if (this.#stopping.signal.aborted || error instanceof SegmentsRefusedError) return;
      this.#logger.error({ sessionId: followed.session.id, err: error }, 'segment writer stopped');
    });
  }

  #commit(followed: Followed, reason: BatchReason): Promise<void> {
    clearTimeout(followed.timer);
    const committing = this.#commitUntilDone(followed, reason).finally(() => {
      followed.committing = null;
      this.#schedule(followed);
    });
    followed.committing = committing;
    return committing;
  }

  /**
   * Commits one batch, trying until it is in the database.
   * @throws SegmentsRefusedError when it never will be.
   * @throws when the writer is stopped meanwhile, or the session is no longer followed.
   */
  async #commitUntilDone(followed: Followed, reason: BatchReason): Promise<void> {
    let refusals = 0;
    let ownFailures = 0;
    let successes = this.#turns.successes;
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#turns.run(
          // After a failure the checkpoint has to be asked for first.
          () => (attempt === 1 ? followed.follower.readNext() : null),
          (page) => this.#attempt(followed, reason, page),
        );
        return;
      } catch (error) {
        this.#stopping.signal.throwIfAborted();
        if (!this.#isFollowed(followed)) throw error;
        refusals = isPermanent(error) ? refusals + 1 : 0;
        if (refusals === MAX_REFUSALS) throw this.#giveUp(followed, error);
        // While nobody's commit goes through it is the database, and whoever's turn it is waits for all. Otherwise it is
        // something of this session, which must not hold up the others.
        const isOwn = this.#turns.pauseMs === 0 || this.#turns.successes > successes;
        successes = this.#turns.successes;
        ownFailures = isOwn ? ownFailures + 1 : 0;
        const ownPauseMs = pauseAfter(ownFailures, this.#pauses);
        const retryInMs = Math.max(ownPauseMs, this.#turns.pauseMs);
        this.#logger.warn({ sessionId: followed.session.id, attempt, retryInMs, err: error }, 'commit retried');
        if (ownPauseMs > 0) await delay(ownPauseMs, undefined, { signal: this.#stopping.signal });
      }
    }
  }

  /** @param read what follows the checkpoint; `null` when an attempt failed, so that it is not known where that is */
  async #attempt(followed: Followed, reason: BatchReason, read: JournalPage<JournalEntry> | null): Promise<void> {
    const { follower, session } = followed;
    const { batchSize } = this.#settings;
    const began = performance.now();
    if (read === null) await this.#resolveOutcome(follower);
    const page = read ?? (await follower.readNext());
    // A batch by size is exactly that size, unless there is a backlog to work off.
    const isExact = reason === 'size' && follower.waitingFinals < 2 * batchSize;
    const following = follower.batchOf(page, isExact ? batchSize : Infinity);
    const outcome = await this.#store.commitBatch(following.batch);
    follower.committed(following);
    followed.waitingSince = follower.waitingFinals === 0 ? null : performance.now();
    const segments = following.batch.finals.length;
    this.#logger[segments === 0 ? 'debug' : 'info'](
      {
        sessionId: session.id,
        segments,
        reason,
        durationMs: Math.round(performance.now() - began),
        ...(outcome === 'already-applied' && { outcome }),
      },
      'batch saved',
    );
  }

  /** After a failed commit: whether it went through all the same, the checkpoint tells. */
  async #resolveOutcome(follower: JournalFollower): Promise<void> {
    const stored = await this.#store.findSession(follower.session.id);
    if (stored !== null) await follower.goTo(stored.journalPosition);
  }

  #giveUp(followed: Followed, error: unknown): SegmentsRefusedError {
    const { session, follower } = followed;
    followed.failure = { since: new Date(), message: FAILURE_MESSAGE };
    const { position: checkpoint, lastSequence, waitingFinals: waiting } = follower;
    this.#logger.error(
      { sessionId: session.id, checkpoint, journalEnd: session.journal.durableEnd, lastSequence, waiting, err: error },
      'segments refused',
    );
    return new SegmentsRefusedError(FAILURE_MESSAGE, { cause: error });
  }

  #isFollowed(followed: Followed): boolean {
    return this.#followed.get(followed.session.id) === followed;
  }
}

/** Whether trying again can't help: the database refuses the batch, the journal is not readable, or it is a mistake of ours. */
function isPermanent(error: unknown): boolean {
  return (
    error instanceof DatabaseRefusedError ||
    error instanceof LogFormatError ||
    error instanceof LogDamagedError ||
    error instanceof RangeError ||
    error instanceof TypeError
  );
}

function age(since: number | null): number {
  return since === null ? 0 : performance.now() - since;
}
