import { setTimeout as delay } from 'node:timers/promises';
import type { SessionStore } from '../database/session-store.ts';

/** How long a database that is able to work may take for nothing, in milliseconds. */
const ANSWER_LIMIT_MS = 1_000;
/** An answer holds for so long, in milliseconds. */
const MAX_AGE_MS = 500;

/**
 * Whether the database can be worked with. It is asked once for all who want to know: anybody may look whether the server is
 * ready, as often as they like, and a probe is a transaction that commits have to wait for.
 */
export class DatabaseProbe {
  readonly #store: Pick<SessionStore, 'ping'>;
  readonly #now: () => number;
  #answer: Promise<boolean> | null = null;
  /** When the present answer came; `null` while it has not. */
  #answeredAt: number | null = null;

  /** @param now monotonic, in milliseconds */
  constructor(store: Pick<SessionStore, 'ping'>, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  /** False also while the database takes longer than it should. */
  async isAvailable(): Promise<boolean> {
    const isOld = this.#answeredAt !== null && this.#now() - this.#answeredAt >= MAX_AGE_MS;
    const answer = this.#answer === null || isOld ? this.#ask() : this.#answer;
    const waiting = new AbortController();
    const late = delay(ANSWER_LIMIT_MS, false, { ref: false, signal: waiting.signal }).catch(() => false);
    const isAvailable = await Promise.race([answer, late]);
    waiting.abort();
    return isAvailable;
  }

  #ask(): Promise<boolean> {
    this.#answeredAt = null;
    this.#answer = this.#store
      .ping()
      .then(
        () => true,
        () => false,
      )
      .finally(() => {
        this.#answeredAt = this.#now();
      });
    return this.#answer;
  }
}
