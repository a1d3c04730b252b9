/**
 * Lets one side sleep until the other has news. Take `next()` *before* looking for news and await it only when there was
 * none: then what comes while looking is not slept through.
 */
export class Signal {
  #promise: Promise<void> | null = null;
  #resolve: (() => void) | null = null;

  /** Resolves at the next `notify`. */
  next(): Promise<void> {
    this.#promise ??= new Promise((resolve) => {
      this.#resolve = resolve;
    });
    return this.#promise;
  }

  notify(): void {
    this.#resolve?.();
    this.#promise = null;
    this.#resolve = null;
  }
}
