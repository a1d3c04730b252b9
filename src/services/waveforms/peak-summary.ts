/** Buckets that a summary has at most; half as many at least, unless the recording is too short for the smallest ones. */
const MAX_BUCKETS = 16_384;
const SMALLEST_BUCKET_FRAMES = 64;
/** Of a sample, -1..1, as 16 bits have it. */
const FULL_SCALE = 32_768;
/** Finer than any screen shows. */
const DIGITS = 10_000;

/** In place of a bucket's peak: nothing is known of it. Others are the amplitude, 0..32768, plus 1. */
const UNKNOWN = 0;

/** @param loudest magnitude of a sample, 0..1 */
export function toPeak(loudest: number): number {
  return 1 + Math.min(FULL_SCALE, Math.round(loudest * FULL_SCALE));
}

/** Equal stretches of a timeline, which begins with the first of them. */
export interface Stretches {
  /** Length of each in frames; the last may be shorter. */
  readonly frames: number;
  /** Of each channel: the largest magnitude of each stretch, 0..1; `null` where there is no audio. */
  readonly peaks: readonly (readonly (number | null)[])[];
}

/**
 * How loud a recording is, in buckets of equal length: as many as a screen could ever show, however long it is. Read from its
 * beginning; grows with it, by making two buckets one.
 */
export class PeakSummary {
  readonly channels: number;
  #bucketFrames = SMALLEST_BUCKET_FRAMES;
  #peaks: Uint16Array[];
  #readFrames = 0;

  constructor(channels: number, totalFrames: number) {
    this.channels = channels;
    this.#peaks = this.#empty();
    this.growTo(totalFrames);
  }

  /** @param peaks of each channel, one for each bucket that was read. @throws RangeError when they are not that */
  static of(bucketFrames: number, readFrames: number, peaks: readonly Uint16Array[]): PeakSummary {
    const buckets = Math.ceil(readFrames / bucketFrames);
    if (buckets > MAX_BUCKETS || peaks.length === 0 || peaks.some(({ length }) => length !== buckets))
      throw new RangeError(`These are no peaks of ${readFrames} frames`);
    const summary = new PeakSummary(peaks.length, 0);
    summary.#bucketFrames = bucketFrames;
    summary.#readFrames = readFrames;
    for (const [channel, of] of peaks.entries()) summary.#peaks[channel]?.set(of);
    return summary;
  }

  get bucketFrames(): number {
    return this.#bucketFrames;
  }

  /** All before it was read. */
  get readFrames(): number {
    return this.#readFrames;
  }

  /** Where to read on: at the beginning of a bucket, the last one of which may have been read in part. */
  get nextFrame(): number {
    return Math.floor(this.#readFrames / this.#bucketFrames) * this.#bucketFrames;
  }

  /** Of each channel, of all buckets that were read. */
  get peaks(): readonly Uint16Array[] {
    const buckets = Math.ceil(this.#readFrames / this.#bucketFrames);
    return this.#peaks.map((peaks) => peaks.subarray(0, buckets));
  }

  /** Makes room for a recording of this length. */
  growTo(totalFrames: number): void {
    while (Math.ceil(totalFrames / this.#bucketFrames) > MAX_BUCKETS) {
      this.#bucketFrames *= 2;
      const before = this.#peaks;
      this.#peaks = this.#empty();
      for (const [channel, peaks] of this.#peaks.entries()) {
        for (let bucket = 0; bucket < MAX_BUCKETS / 2; bucket++) peaks[bucket] = larger(before[channel], 2 * bucket);
      }
    }
  }

  /**
   * @param fromFrame `nextFrame`, in whose place the buckets are put
   * @param toFrame up to where was read
   */
  add(fromFrame: number, toFrame: number, peaks: readonly Uint16Array[]): void {
    for (const [channel, of] of peaks.entries()) this.#peaks[channel]?.set(of, fromFrame / this.#bucketFrames);
    this.#readFrames = toFrame;
  }

  /**
   * What was read, in stretches of as many whole buckets as it takes.
   * @param totalFrames of the recording, of which not all may have been read
   * @param count how many stretches the whole recording has at most
   */
  stretches(totalFrames: number, count: number): Stretches {
    const each = Math.max(1, Math.ceil(Math.ceil(totalFrames / this.#bucketFrames) / count));
    return {
      frames: each * this.#bucketFrames,
      peaks: this.peaks.map((peaks) =>
        Array.from({ length: Math.ceil(peaks.length / each) }, (_, index) =>
          toMagnitude(peaks.subarray(index * each, (index + 1) * each).reduce((a, b) => Math.max(a, b), UNKNOWN)),
        ),
      ),
    };
  }

  #empty(): Uint16Array[] {
    return Array.from({ length: this.channels }, () => new Uint16Array(MAX_BUCKETS));
  }
}

function larger(peaks: Uint16Array | undefined, bucket: number): number {
  return Math.max(peaks?.[bucket] ?? UNKNOWN, peaks?.[bucket + 1] ?? UNKNOWN);
}

function toMagnitude(peak: number): number | null {
  return peak === UNKNOWN ? null : Math.round(((peak - 1) / FULL_SCALE) * DIGITS) / DIGITS;
}
