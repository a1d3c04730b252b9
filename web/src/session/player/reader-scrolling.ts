/** After a wheel, a touch or a key the page scrolls for so long at most, in milliseconds. */
const MOMENTUM_MS = 1_500;
/** So long a jump of our own takes at most: what is long is drawn while it is scrolled to. */
const JUMP_MS = 1_000;
/** Above and below is what stays in place. */
const HEAD_PX = 72;
const FOOT_PX = 160;
const INTENTS = ['wheel', 'touchmove', 'keydown', 'pointerdown'] as const;

/** Tells the page's scrolling by its reader from scrolling that the page does by itself. */
export class ReaderScrolling {
  readonly #onScrolled: () => void;
  #intentAt = -Infinity;
  #ownUntil = -Infinity;

  /** @param onScrolled called when the reader has scrolled */
  constructor(onScrolled: () => void) {
    this.#onScrolled = onScrolled;
  }

  /** @returns what ends it */
  open(): () => void {
    const listening = new AbortController();
    const { signal } = listening;
    const note = () => {
      this.#intentAt = performance.now();
    };
    for (const intent of INTENTS) addEventListener(intent, note, { passive: true, capture: true, signal });
    addEventListener('scroll', () => this.#noteScroll(), { passive: true, signal });
    return () => listening.abort();
  }

  byItself(scroll: () => void): void {
    this.#ownUntil = performance.now() + JUMP_MS;
    scroll();
  }

  /** Whether the reader has touched, turned or pressed anything since. @param time of `performance.now()` */
  wasMeantAfter(time: number): boolean {
    return this.#intentAt > time;
  }

  isInSight(element: Element): boolean {
    const { top, bottom } = element.getBoundingClientRect();
    return bottom > HEAD_PX && top < innerHeight - FOOT_PX;
  }

  #noteScroll(): void {
    const now = performance.now();
    if (now > this.#ownUntil && now - this.#intentAt < MOMENTUM_MS) this.#onScrolled();
  }
}
