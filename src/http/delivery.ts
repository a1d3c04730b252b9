import type { PullSubscription, Pulled } from '../services/pull-subscription.ts';

/** Hands over an encoded result for the client, and tells when it has left. */
export type Send = (result: Buffer, onLeft: () => void) => void;

/**
 * Brings the events of a subscription to its client, one after the other, each when the one before has left. For graphql-ws
 * it is an operation without results that ends when the subscription does: it does the protocol, and none of the work for
 * each event, of which it would have half a dozen promises and a serialisation of its own.
 */
export class Delivery<Event> implements AsyncIterableIterator<never> {
  readonly #source: PullSubscription<Event>;
  readonly #render: (event: Event) => Buffer | Promise<Buffer>;
  readonly #over: Promise<IteratorResult<never, undefined>>;
  #settle: { resolve(result: IteratorResult<never, undefined>): void; reject(error: unknown): void } | null = null;
  #send: Send | null = null;
  /** Something is being looked for, rendered, or on its way. */
  #isBusy = false;
  #isNews = false;

  /** @param render the result for an event, encoded */
  constructor(source: PullSubscription<Event>, render: (event: Event) => Buffer | Promise<Buffer>) {
    this.#source = source;
    this.#render = render;
    this.#over = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
  }

  /** Begins. */
  sendWith(send: Send): void {
    this.#send = send;
    this.#source.onWake(() => {
      this.#isNews = true;
      this.#goOn();
    });
    this.#goOn();
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<never> {
    return this;
  }

  /** Settles when the subscription is over: there is no result that it did not send. */
  next(): Promise<IteratorResult<never, undefined>> {
    return this.#over;
  }

  async return(): Promise<IteratorResult<never, undefined>> {
    this.#end();
    await this.#source.return();
    return { done: true, value: undefined };
  }

  /** Never throws: whoever has news for many must not be stopped by one of them. */
  #goOn(): void {
    if (this.#isBusy || this.#settle === null) return;
    this.#isBusy = true;
    this.#isNews = false;
    try {
      const pulled = this.#source.take();
      if (pulled instanceof Promise)
        pulled.then((late) => this.#take(late)).catch((error: unknown) => this.#fail(error));
      else this.#take(pulled);
    } catch (error) {
      this.#fail(error);
    }
  }

  #take(pulled: Pulled<Event>): void {
    if (pulled === 'end') {
      this.#end();
    } else if (pulled === 'nothing-yet') {
      this.#isBusy = false;
      // It may have come while nobody was looking.
      if (this.#isNews) this.#goOn();
    } else {
      const result = this.#render(pulled.item);
      if (result instanceof Promise)
        result.then((late) => this.#give(late)).catch((error: unknown) => this.#fail(error));
      else this.#give(result);
    }
  }

  #give(result: Buffer): void {
    if (this.#settle === null) return;
    this.#send?.(result, () => {
      this.#isBusy = false;
      this.#goOn();
    });
  }

  #end(): void {
    this.#settle?.resolve({ done: true, value: undefined });
    this.#settle = null;
  }

  #fail(error: unknown): void {
    this.#settle?.reject(error);
    this.#settle = null;
    void this.#source.return();
  }
}
