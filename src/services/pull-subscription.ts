import { Signal } from './signal.ts';

/** What a pull found: an item, nothing yet, or that nothing will come any more. */
export type Pulled<T> = { readonly item: T } | 'nothing-yet' | 'end';

/**
 * A subscription that keeps no queue: it looks for the next item when its consumer asks, and sleeps until `wake` when there
 * is none. A slow consumer therefore costs no memory. `return` ends it at once, also while it sleeps.
 */
export class PullSubscription<T> implements AsyncIterableIterator<T> {
  readonly #pull: () => Pulled<T> | Promise<Pulled<T>>;
  readonly #onClose: () => void;
  #closed = false;
  readonly #news = new Signal();
  #listener: () => void = () => undefined;

  /** @param pull looks for the next item; not called again before it has answered. */
  constructor(pull: () => Pulled<T> | Promise<Pulled<T>>, onClose: () => void) {
    this.#pull = pull;
    this.#onClose = onClose;
  }

  /** Something may have come. */
  wake(): void {
    this.#news.notify();
    this.#listener();
  }

  /** Calls `listener` whenever something may have come, for those who `take` instead of iterating; there is one at most. */
  onWake(listener: () => void): void {
    this.#listener = listener;
  }

  /** Looks for the next item, and does not wait until there is one. One call at a time. @throws what the look fails with; it is over then. */
  take(): Pulled<T> | Promise<Pulled<T>> {
    if (this.#closed) return 'end';
    try {
      const pulled = this.#pull();
      return pulled instanceof Promise ? this.#late(pulled) : this.#checked(pulled);
    } catch (error) {
      this.#close();
      throw error;
    }
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return this;
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    for (;;) {
      const news = this.#news.next();
      const pulled = await this.take();
      if (pulled === 'end') return { done: true, value: undefined };
      if (pulled !== 'nothing-yet') return { done: false, value: pulled.item };
      await news;
    }
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#close();
    return Promise.resolve({ done: true, value: undefined });
  }

  async #late(pulled: Promise<Pulled<T>>): Promise<Pulled<T>> {
    try {
      return this.#checked(await pulled);
    } catch (error) {
      this.#close();
      throw error;
    }
  }

  #checked(pulled: Pulled<T>): Pulled<T> {
    // It may have been closed during the look.
    if (this.#closed) return 'end';
    if (pulled === 'end') this.#close();
    return pulled;
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.wake();
    this.#onClose();
  }
}
