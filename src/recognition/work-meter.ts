import type { Engine, SpeechDetector } from './engine.ts';

/** What a process has done, in ms. */
export interface WorkDone {
  /** Audio of streams that was heard, whatever their channels. */
  readonly heardMs: number;
  /** Time spent on it, without what is left out under load. */
  readonly busyMs: number;
}

/**
 * A piece of work counts for so long at most, ms: one that takes longer counts as hung, unless it is that this process was
 * stopped meanwhile (a suspended container), which says nothing about what it can do.
 */
const LONGEST_PIECE_MS = 30_000;

type Work = 'detection' | 'final' | 'interim';

/**
 * Measures the time in which an engine does work that can't be left out: detecting speech, and decoding for finals (speculation
 * that comes to nothing included). Streams take turns on the engine's thread, so it is the time in which such work was under
 * way, not the sum over its pieces. What is detected while an interim is decoded is not counted; it is little (0.3 % of real
 * time), and to count the interim with it would be wrong by far more.
 */
export class WorkMeter {
  readonly #now: () => number;
  readonly #underWay: Record<Work, number> = { detection: 0, final: 0, interim: 0 };
  #busyMs = 0;
  #lastChange = 0;

  /** @param now monotonic, ms. */
  constructor(now: () => number) {
    this.#now = now;
  }

  get busyMs(): number {
    return this.#busyMs;
  }

  /** The same engine, measured. */
  measure(engine: Engine): Engine {
    return {
      capabilities: engine.capabilities,
      identity: engine.identity,
      openDetector: (saved) => this.#measureDetector(engine.openDetector(saved)),
      decode: (audio, options) => this.#time(options.purpose, () => engine.decode(audio, options)),
    };
  }

  #measureDetector(detector: SpeechDetector): SpeechDetector {
    return {
      probability: (frame) => this.#time('detection', () => detector.probability(frame)),
      save: () => detector.save(),
    };
  }

  async #time<T>(work: Work, run: () => Promise<T>): Promise<T> {
    this.#change(work, 1);
    try {
      return await run();
    } finally {
      this.#change(work, -1);
    }
  }

  #change(work: Work, by: 1 | -1): void {
    const { detection, final, interim } = this.#underWay;
    const now = this.#now();
    const isBusy = final > 0 || (detection > 0 && interim === 0);
    if (isBusy) this.#busyMs += Math.min(now - this.#lastChange, LONGEST_PIECE_MS);
    this.#lastChange = now;
    this.#underWay[work] += by;
  }
}
