/** A stream that has so much audio before it may be live no more. */
const LIVE_MS = 5_000;
/** As much more than time has passed says that audio comes faster than it is spoken; less than that comes with the network. */
const FASTER_MS = 2_000;

/**
 * Tells a stream that is far from live because its audio came faster than it was spoken (a file, a client that sends what it kept
 * during an outage, a session that is read again) from one that the recogniser is too slow for: the former can wait, the latter is
 * what must not wait.
 */
export class Pace {
  readonly #sampleRate: number;
  readonly #now: () => number;
  /** Source frame behind the last audio that has come, and up to which it was worked through. */
  #writtenFrame: number;
  #doneFrame: number;
  /** When it was live last, and what had come by then. */
  #liveAt: number;
  #liveFrame: number;
  #cameFaster = false;

  /**
   * @param firstFrame of the audio that will come.
   * @param now monotonic, ms.
   */
  constructor(sampleRate: number, firstFrame: number, now: () => number) {
    this.#sampleRate = sampleRate;
    this.#now = now;
    this.#writtenFrame = firstFrame;
    this.#doneFrame = firstFrame;
    this.#liveAt = now();
    this.#liveFrame = firstFrame;
  }

  /** @param endFrame behind the audio that has come. */
  written(endFrame: number): void {
    this.#writtenFrame = endFrame;
    const now = this.#now();
    if (this.#millis(endFrame - this.#doneFrame) <= LIVE_MS) {
      this.#liveAt = now;
      this.#liveFrame = endFrame;
      this.#cameFaster = false;
    } else if (this.#millis(endFrame - this.#liveFrame) - (now - this.#liveAt) > FASTER_MS) {
      this.#cameFaster = true;
    }
  }

  done(frame: number): void {
    this.#doneFrame = frame;
  }

  get isBehind(): boolean {
    return this.#cameFaster && this.#millis(this.#writtenFrame - this.#doneFrame) > LIVE_MS;
  }

  #millis(frames: number): number {
    return (frames * 1000) / this.#sampleRate;
  }
}
