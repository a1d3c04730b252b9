/**
 * Of the time between two looks so much counts at most, ms; looks are 2 s apart. When they are further apart, this process was
 * stopped itself (a suspended container), and its work with it.
 */
const LONGEST_LOOK_MS = 4_000;

/** Notices a piece of work that does not move, from being looked at now and then. */
export class StallWatch {
  #progress = -1;
  #lookedAt = 0;
  #stalledMs = 0;

  /**
   * @param progress changes whenever the work moves; 0 or more.
   * @param now monotonic, ms.
   * @returns for how long (ms) there has been work that did not move; 0 when there is none.
   */
  stalledMs(isBusy: boolean, progress: number, now: number): number {
    const hasMoved = !isBusy || progress !== this.#progress;
    this.#stalledMs = hasMoved ? 0 : this.#stalledMs + Math.min(now - this.#lookedAt, LONGEST_LOOK_MS);
    this.#progress = progress;
    this.#lookedAt = now;
    return this.#stalledMs;
  }
}
