/** Consecutive samples at absolute positions; forgets what is no longer needed. */
export class SampleBuffer {
  #samples = new Float32Array(0);
  /** Index of `start` in `#samples`. */
  #offset = 0;
  #length = 0;
  #start: number;

  constructor(start: number) {
    this.#start = start;
  }

  /** Position of the first sample kept. */
  get start(): number {
    return this.#start;
  }

  /** Position after the last sample. */
  get end(): number {
    return this.#start + this.#length;
  }

  append(samples: Float32Array): void {
    const needed = this.#length + samples.length;
    if (this.#offset + needed > this.#samples.length) {
      // Twice what is kept, so that the copying is paid for by the samples that were appended since the last time.
      const kept = this.#samples.subarray(this.#offset, this.#offset + this.#length);
      const roomy = needed * 2 > this.#samples.length ? new Float32Array(needed * 2) : this.#samples;
      roomy.set(kept);
      this.#samples = roomy;
      this.#offset = 0;
    }
    this.#samples.set(samples, this.#offset + this.#length);
    this.#length = needed;
  }

  /**
   * A copy of `[start, end)`.
   * @throws RangeError when some of it was forgotten or has not come yet.
   */
  slice(start: number, end: number): Float32Array {
    if (start < this.#start || end > this.end || start > end) {
      throw new RangeError(`samples [${start}, ${end}) are not all in [${this.#start}, ${this.end})`);
    }
    const from = this.#offset + start - this.#start;
    return this.#samples.slice(from, from + end - start);
  }

  /** Forgets the samples before `position`. */
  forgetBefore(position: number): void {
    const forgotten = Math.min(this.#length, Math.max(0, position - this.#start));
    this.#offset += forgotten;
    this.#length -= forgotten;
    this.#start += forgotten;
  }
}
