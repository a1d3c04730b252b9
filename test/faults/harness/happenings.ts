import { setTimeout as delay } from 'node:timers/promises';

/** Moments in the life of a session, as its client sees them: faults are timed by them. */
export const HAPPENINGS = ['starting', 'started', 'sending', 'acknowledged', 'interim', 'final', 'ending'] as const;
export type Happening = (typeof HAPPENINGS)[number];

/** Counts what happens in all sessions of a run, and lets faults wait for it. */
export class Happenings {
  readonly #counts = new Map<Happening, number>();
  readonly #waiting = new Set<() => void>();

  note(happening: Happening): void {
    this.#counts.set(happening, this.#count(happening) + 1);
    for (const check of this.#waiting) check();
  }

  /**
   * Waits for the `count`-th `happening` from now on; or for so many acknowledgements as show that it is not to be waited for;
   * or, where nothing happens at all, for `limitMs` milliseconds.
   */
  async next(
    happening: Happening,
    { count, acknowledgements, limitMs }: { count: number; acknowledgements: number; limitMs: number },
    signal: AbortSignal,
  ): Promise<void> {
    const enough = this.#count(happening) + count;
    const tooMany = this.#count('acknowledged') + acknowledgements;
    const over = new AbortController();
    await Promise.race([
      new Promise<void>((resolve) => {
        const check = () => {
          if (this.#count(happening) < enough && this.#count('acknowledged') < tooMany) return;
          this.#waiting.delete(check);
          resolve();
        };
        this.#waiting.add(check);
        over.signal.addEventListener('abort', () => this.#waiting.delete(check));
      }),
      delay(limitMs, undefined, { signal: AbortSignal.any([over.signal, signal]) }).catch(() => undefined),
    ]);
    over.abort();
  }

  #count(happening: Happening): number {
    return this.#counts.get(happening) ?? 0;
  }
}
