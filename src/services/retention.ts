import { setTimeout as delay } from 'node:timers/promises';
import type { SessionStore } from '../database/session-store.ts';
import type { Logger } from './logger.ts';

export interface RetentionParts {
  readonly store: Pick<SessionStore, 'findExpiredRecordings' | 'markRecordingRemoved'>;
  readonly logs: {
    /** Removes a session's folder; does nothing when there is none. */
    remove(sessionId: string): Promise<void>;
  };
  /** Whether the session is open or being opened: it is left alone then. */
  readonly isOpen: (sessionId: string) => boolean;
  readonly logger: Logger;
  /** The time of day. @default the system's clock */
  readonly now?: () => Date;
  readonly settings: {
    /** How long after its end a session's recording is kept, in days; `null`: for ever. */
    readonly retentionDays: number | null;
  };
}

const DAY_MS = 86_400_000;
const INTERVAL_MS = 3_600_000;
/** Sessions that are looked up at once. */
const STEP_SESSIONS = 20;
/** Leaves disk and database to the live sessions between two steps, in milliseconds. */
const STEP_PAUSE_MS = 100;

/**
 * Removes the recordings (audio log and journal) of sessions that ended longer ago than they are to be kept, at the start and
 * then every hour. What they said stays in the database: segments, statistics, coverage. Sessions that failed are
 * left alone: their journals have what the database did not take.
 *
 * First the folder goes, then the session's row says so. A crash in between leaves a row without a folder, which the next run
 * finds and puts right; the other way round it would leave a folder that nobody ever finds again.
 */
export class Retention {
  readonly #parts: RetentionParts;
  readonly #stopping = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | null = null;
  #removing: string | null = null;

  constructor(parts: RetentionParts) {
    this.#parts = parts;
  }

  start(): void {
    if (this.#parts.settings.retentionDays === null) return;
    this.#timer = setInterval(() => void this.run(), INTERVAL_MS);
    this.#timer.unref();
    void this.run();
  }

  /** Whether the session's recording is being removed at this moment: it must not be opened then. */
  isRemoving(sessionId: string): boolean {
    return this.#removing === sessionId;
  }

  /** Resolves when nothing is being removed any more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    clearInterval(this.#timer);
    await this.#running;
  }

  /** Removes what is to be removed now; while a run is under way, waits for that. Problems are logged, and left to the next. */
  run(): Promise<void> {
    this.#running ??= this.#removeExpired()
      .catch((error: unknown) => {
        if (!this.#stopping.signal.aborted) this.#parts.logger.warn({ err: error }, 'retention interrupted');
      })
      .finally(() => {
        this.#running = null;
      });
    return this.#running;
  }

  async #removeExpired(): Promise<void> {
    const { store, settings, now = () => new Date() } = this.#parts;
    if (settings.retentionDays === null) return;
    const endedBefore = new Date(now().getTime() - settings.retentionDays * DAY_MS);
    const { signal } = this.#stopping;
    const skipped = new Set<string>();
    for (;;) {
      signal.throwIfAborted();
      // Those that were left alone come again, and are among the oldest.
      const expired = await store.findExpiredRecordings(endedBefore, STEP_SESSIONS + skipped.size);
      const next = expired.filter((id) => !skipped.has(id));
      if (next.length === 0) return;
      for (const id of next) {
        signal.throwIfAborted();
        if (!(await this.#remove(id))) skipped.add(id);
      }
      await delay(STEP_PAUSE_MS, undefined, { signal, ref: false });
    }
  }

  /** @returns whether the recording is gone, and its session's row says so. */
  async #remove(sessionId: string): Promise<boolean> {
    const { store, logs, isOpen, logger, now = () => new Date() } = this.#parts;
    if (isOpen(sessionId)) return false;
    this.#removing = sessionId;
    try {
      await logs.remove(sessionId);
      await store.markRecordingRemoved(sessionId, now());
      logger.info({ sessionId }, 'recording removed');
      return true;
    } catch (error) {
      logger.warn({ sessionId, err: error }, 'recording not removed');
      return false;
    } finally {
      this.#removing = null;
    }
  }
}
