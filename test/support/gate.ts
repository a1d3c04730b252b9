/** A promise that is opened by hand, to hold something up. */
export class Gate {
  readonly opened: Promise<void>;
  #open: (() => void) | null = null;

  constructor() {
    this.opened = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  open(): void {
    this.#open?.();
  }
}
