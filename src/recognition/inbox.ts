/** Handles what is put into it, one after the other, in order. */
export class Inbox<T extends object> {
  readonly #items: T[] = [];
  readonly #handle: (item: T) => Promise<void>;
  readonly #failed: (error: unknown) => void;
  #working = false;

  /** @param failed told what `handle` threw; the item is done with then. May clear the inbox; may not throw. */
  constructor(handle: (item: T) => Promise<void>, failed: (error: unknown) => void) {
    this.#handle = handle;
    this.#failed = failed;
  }

  /** True while something is being handled or waits for it. */
  get isBusy(): boolean {
    return this.#working;
  }

  put(item: T): void {
    this.#items.push(item);
    if (!this.#working) void this.#work();
  }

  /** Forgets what waits. */
  clear(): void {
    this.#items.length = 0;
  }

  async #work(): Promise<void> {
    this.#working = true;
    for (let item = this.#items.shift(); item !== undefined; item = this.#items.shift()) {
      try {
        await this.#handle(item);
      } catch (error) {
        this.#failed(error);
      }
    }
    this.#working = false;
  }
}
