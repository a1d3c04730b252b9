import { Signal } from './signal.ts';

/** What a pull found: an item, nothing yet, or that nothing will come any more. */
export type Pulled<T> = { readonly item: T } | 'nothing-yet' | 'end';

/**
 * A subscription that keeps no queue: it looks for the next item when its consumer asks, and sleeps until `wake` when there
 * is none. A slow consumer therefore costs no memory. `return` ends it at once, also while it sleeps.
 */
export class PullSubscription<T> implements AsyncIterableIterator<T> {
  readonly #pull: () => Promise<Pulled<T>>;
  readonly #onClose: () => void;
  #closed = false;
  readonly #news = new Signal();

  constructor(pull: () => Promise<Pulled<T>>, onClose: () => void) {
    this.#pull = pull;
    this.#onClose = onClose;
  }

  /** Something may have come. */
  wake(): void {
    this.#news.notify();
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return this;
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    while (!this.#closed) {
      const news = this.#news.next();
      let pulled: Pulled<T>;
      try {
        pulled = await this.#pull();
      } catch (error) {
        this.#close();
        throw error;
      }
      if (this.#closed) break;
      if (pulled === 'end') this.#close();
      else if (pulled === 'nothing-yet') await news;
      else return { done: false, value: pulled.item };
    }
    return { done: true, value: undefined };
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#close();
    return Promise.resolve({ done: true, value: undefined });
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.wake();
    this.#onClose();
  }
}
