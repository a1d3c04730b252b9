import type { Recording } from '../recordings/recordings.ts';
import { PeakSummary } from './peak-summary.ts';

/** Audio that is read at a time, in seconds: players who ask meanwhile wait no longer than that takes. */
const PART_SECONDS = 30;
/** What is added to a recording is looked for again when as much time has passed as so many looks take. */
const REST_PER_WORK = 10;
const SHORTEST_REST_MS = 1_000;

/** A recording that nothing is added to, unless its session is opened again. */
interface Whole {
  /** Of the session: it has another one when something was added after all. */
  readonly nextSequence: number;
  /** Takes what was read. */
  readonly keep: (summary: PeakSummary) => Promise<void>;
}

interface MeasurementParts {
  readonly open: () => Promise<Recording>;
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
}

/** What is known of the peaks of one recording. */
export class Measurement {
  readonly #parts: MeasurementParts;
  #summary: PeakSummary | null = null;
  #totalFrames = 0;
  /** `nextSequence` of the recording that was read whole. */
  #wholeAt: number | null = null;
  #isCancelled = false;
  #running: Promise<void> | null = null;
  #error: unknown = null;
  #restUntil = -Infinity;

  constructor(parts: MeasurementParts) {
    this.#parts = parts;
  }

  get summary(): PeakSummary | null {
    return this.#summary;
  }

  /** Of the timeline when it was looked at; not all of it may have been read. */
  get totalFrames(): number {
    return this.#totalFrames;
  }

  get isRunning(): boolean {
    return this.#running !== null;
  }

  /** Why the last attempt failed. */
  get error(): unknown {
    return this.#error;
  }

  /**
   * Reads what is there and was not read yet, unless that was just done. Resolves when it is over, whatever came of it.
   * @param whole `null`: more may be added at any moment
   */
  measure(whole: Whole | null): Promise<void> {
    if (this.#running !== null) return this.#running;
    const isWhole = whole !== null && whole.nextSequence === this.#wholeAt;
    // Of what is over the rest is read once, unless that fails.
    const mayRest = whole === null || this.#error !== null;
    const isResting = mayRest && this.#parts.now() < this.#restUntil;
    if (isWhole || isResting || this.#isCancelled) return Promise.resolve();
    this.#running = this.#run(whole).finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /** The recording is about to go. */
  cancel(): void {
    this.#isCancelled = true;
  }

  async #run(whole: Whole | null): Promise<void> {
    const { open, now } = this.#parts;
    const began = now();
    this.#error = null;
    try {
      const recording = await open();
      try {
        await this.#readOn(recording);
      } finally {
        recording.close();
      }
      this.#wholeAt = this.#isCancelled ? null : (whole?.nextSequence ?? null);
      if (this.#wholeAt !== null && this.#summary !== null) await whole?.keep(this.#summary);
    } catch (error) {
      this.#error = error;
    }
    this.#restUntil = now() + Math.max(SHORTEST_REST_MS, REST_PER_WORK * (now() - began));
  }

  async #readOn(recording: Recording): Promise<void> {
    const { frames, channels, sampleRate } = recording;
    const summary = (this.#summary ??= new PeakSummary(channels, frames));
    summary.growTo(frames);
    this.#totalFrames = frames;
    const { bucketFrames } = summary;
    const part = Math.ceil((PART_SECONDS * sampleRate) / bucketFrames) * bucketFrames;
    while (summary.readFrames < frames && !this.#isCancelled) {
      const from = summary.nextFrame;
      const to = Math.min(frames, from + part);
      summary.add(from, to, await recording.measure(from, to - from, bucketFrames));
    }
  }
}
