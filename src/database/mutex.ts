/** A lock for code that awaits: holders follow each other in the order in which they asked. */
export class Mutex {
  readonly #waiting: (() => void)[] = [];
  #held = false;

  /** Resolves when the lock is held, with the function that gives it back; calling that again does nothing. */
  async acquire(): Promise<() => void> {
    if (this.#held) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
    this.#held = true;
    let released = false;
    return () => {
      if (released) return;
      released = true;
      // Handed over held: whoever asks now does not get ahead of the next in line.
      const next = this.#waiting.shift();
      if (next === undefined) this.#held = false;
      else next();
    };
  }

  async runExclusive<T>(work: () => Promise<T>): Promise<T> {
    const release = await this.acquire();
    try {
      return await work();
    } finally {
      release();
    }
  }
}
