/** Lets loops sleep until something has changed: raising it wakes all that wait at that moment. */
export class Signal {
  #waiting = new Set<() => void>();

  raise(): void {
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const wake of waiting) wake();
  }

  /** @param timeoutMs resolves after this many milliseconds at the latest; without it, only when raised. */
  wait(timeoutMs?: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = timeoutMs === undefined ? undefined : setTimeout(wake, timeoutMs);
      this.#waiting.add(wake);
    });
  }
}
