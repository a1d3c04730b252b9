/**
 * What the answers that a socket waits for may cost together (see `OperationCosts`): two of the largest, or hundreds of small
 * ones. They are in memory until the client has read them, which it may never do.
 */
export const MAX_COST_UNDER_WAY = 40_000;

interface Waiting {
  readonly cost: number;
  readonly begin: () => void;
}

/**
 * Lets the operations of one socket begin in the order in which they came, each when there is room for its answer. Nothing
 * overtakes what waits, since chunks of audio count in the order in which they arrive.
 */
export class OperationTurns {
  readonly #isCrowded: () => boolean;
  readonly #waiting: Waiting[] = [];
  #costUnderWay = 0;
  #isOver = false;

  /** @param isCrowded whether too much is on its way to the client for anything to begin; `goOn` when that may be over */
  constructor(isCrowded: () => boolean) {
    this.#isCrowded = isCrowded;
  }

  /**
   * Whoever enters must `leave` with the same cost when its answer has left for the client, whatever became of it.
   * @param cost of the largest answer that the operation can have
   * @returns `null`: its turn is now; else it resolves when that has come, and never when the socket ends before
   */
  enter(cost: number): Promise<void> | null {
    if (this.#waiting.length === 0 && this.#hasRoomFor(cost)) {
      this.#costUnderWay += cost;
      return null;
    }
    return new Promise((resolve) => {
      this.#waiting.push({ cost, begin: resolve });
    });
  }

  leave(cost: number): void {
    this.#costUnderWay -= cost;
    this.goOn();
  }

  goOn(): void {
    for (let [first] = this.#waiting; first !== undefined && this.#hasRoomFor(first.cost); [first] = this.#waiting) {
      this.#waiting.shift();
      this.#costUnderWay += first.cost;
      first.begin();
    }
  }

  /** Nobody reads answers any more: what waits does not begin. */
  end(): void {
    this.#isOver = true;
  }

  #hasRoomFor(cost: number): boolean {
    if (this.#isOver || this.#isCrowded()) return false;
    // One that is alone may begin whatever it costs.
    return this.#costUnderWay === 0 || this.#costUnderWay + cost <= MAX_COST_UNDER_WAY;
  }
}
