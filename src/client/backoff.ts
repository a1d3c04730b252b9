export interface BackoffLimits {
  /** Longest pause before the first retry, in milliseconds. */
  readonly firstRetryMs: number;
  /** Longest pause before any retry, in milliseconds. */
  readonly longestRetryMs: number;
}

/**
 * Pauses between attempts: exponential, with full jitter, so that the clients of a server that was away do not all come back
 * at the same moment. https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export class Backoff {
  readonly #limits: BackoffLimits;
  readonly #random: () => number;
  #attempt = 0;

  /** @param random from 0 to 1, like `Math.random` */
  constructor(limits: BackoffLimits, random: () => number) {
    this.#limits = limits;
    this.#random = random;
  }

  /** Something went forward: the next failure is a first one. */
  reset(): void {
    this.#attempt = 0;
  }

  /**
   * How long to wait now, in milliseconds.
   * @param atLeastMs what the server asked for; the jitter comes on top of it.
   */
  next(atLeastMs = 0): number {
    const { firstRetryMs, longestRetryMs } = this.#limits;
    const longest = Math.min(longestRetryMs, firstRetryMs * 2 ** this.#attempt);
    this.#attempt += 1;
    return atLeastMs + this.#random() * longest;
  }
}
