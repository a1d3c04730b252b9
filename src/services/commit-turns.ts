import { setTimeout as delay } from 'node:timers/promises';
import { Mutex } from '../database/mutex.ts';
import { DatabaseRefusedError, DatabaseUnavailableError } from '../database/store-errors.ts';

export interface RetryPauses {
  /** Before the second attempt; doubles with each further one, in milliseconds. */
  readonly firstMs: number;
  /** The longest, in milliseconds. */
  readonly longestMs: number;
}

/** How long to wait after so many failures in a row, in milliseconds. */
export function pauseAfter(failures: number, { firstMs, longestMs }: RetryPauses): number {
  return failures === 0 ? 0 : Math.min(firstMs * 2 ** (failures - 1), longestMs);
}

/**
 * Lets commits through one at a time; the database takes no more anyway. While it is away, the one whose turn it is asks for
 * all, after growing pauses, and the others wait in line without asking: what an outage costs does not depend on how many
 * sessions there are. As soon as one commit succeeds, those in line follow without a pause.
 *
 * While the database is busy with one commit, the next in line prepares its own: it alone, so that memory is bounded.
 */
export class CommitTurns {
  readonly #turn = new Mutex();
  readonly #preparation = new Mutex();
  readonly #pauses: RetryPauses;
  readonly #signal: AbortSignal;
  #failures = 0;
  #successes = 0;

  /** @param signal ends all waiting. */
  constructor(pauses: RetryPauses, signal: AbortSignal) {
    this.#pauses = pauses;
    this.#signal = signal;
  }

  /** How many commits went through so far. */
  get successes(): number {
    return this.#successes;
  }

  /** What whoever is next waits before it asks the database, in milliseconds. */
  get pauseMs(): number {
    return pauseAfter(this.#failures, this.#pauses);
  }

  /**
   * @param prepare what needs no database; its result is some time old when `commit` is given it
   * @throws what `prepare` and `commit` throw, and the signal's reason once that is aborted.
   */
  async run<P, T>(prepare: () => P | Promise<P>, commit: (prepared: P) => Promise<T>): Promise<T> {
    const { prepared, endTurn } = await this.#preparation.runExclusive(async () => ({
      prepared: await prepare(),
      endTurn: await this.#turn.acquire(),
    }));
    try {
      if (this.#failures > 0) await delay(this.pauseMs, undefined, { signal: this.#signal });
      this.#signal.throwIfAborted();
      try {
        const result = await commit(prepared);
        this.#failures = 0;
        this.#successes += 1;
        return result;
      } catch (error) {
        if (error instanceof DatabaseUnavailableError) this.#failures += 1;
        // It answered.
        if (error instanceof DatabaseRefusedError) this.#failures = 0;
        throw error;
      }
    } finally {
      endTurn();
    }
  }
}
