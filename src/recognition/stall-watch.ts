/** Notices a piece of work that does not move, from being looked at now and then. */
export class StallWatch {
  #progress = -1;
  #movedAt = 0;

  /**
   * @param progress changes whenever the work moves; 0 or more.
   * @param now monotonic, ms.
   * @returns for how long (ms) there has been work that did not move; 0 when there is none.
   */
  stalledMs(isBusy: boolean, progress: number, now: number): number {
    if (!isBusy || progress !== this.#progress) {
      this.#progress = progress;
      this.#movedAt = now;
    }
    return now - this.#movedAt;
  }
}
