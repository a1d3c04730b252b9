import { sampleOfFrame, type ResamplerTable } from './resampler-table.ts';

export interface ResamplerSpan {
  /** Source frame at which the span of uninterrupted audio begins; before it the input counts as zero. */
  readonly spanStartFrame: number;
  /** First timeline sample wanted; by default that of the span's start. Earlier ones are not produced. */
  readonly resumeSample?: number;
  /**
   * Source frame of the first sample that will be written, from the span's start to `firstFrameNeeded` of the resume
   * sample, which is the default.
   */
  readonly resumeFrame?: number;
}

/** The earliest source frame that timeline sample `sample` and those after it depend on (a frame below 0 is zero). */
export function firstFrameNeeded(table: ResamplerTable, sample: number): number {
  return Math.floor((sample * table.downFactor) / table.upFactor) - table.framesBefore;
}

/**
 * Brings one channel to 16 kHz, as it comes. Audio of the source frames [a, b) yields exactly the timeline samples
 * [floor(a · 16000 / rate), floor(b · 16000 / rate)), without delay: sample n is the band-limited value at source position
 * n · rate / 16000.
 *
 * The filter has no memory beyond its neighbouring frames, and each sample is computed in one way only, so the result is
 * bit-identical however the input is cut into writes, and also when a stream is resumed in its middle: recovery then hears
 * exactly what the lost process heard. Holds at most one filter length of input (242 frames) between writes.
 */
export class Resampler {
  readonly #table: ResamplerTable;
  #nextFrame: number;
  #nextSample: number;
  /** Input that samples to come depend on, from `#keptFrame` to `#nextFrame`. */
  #kept: Float32Array;
  #keptFrame: number;
  #flushed = false;

  /** @throws RangeError when a resumed stream would begin too late for its first sample, or before its span. */
  constructor(table: ResamplerTable, span: ResamplerSpan) {
    const spanStartSample = sampleOfFrame(table.rate, span.spanStartFrame);
    const resumeSample = span.resumeSample ?? spanStartSample;
    const needed = firstFrameNeeded(table, resumeSample);
    const latest = Math.max(span.spanStartFrame, needed);
    const resumeFrame = span.resumeFrame ?? latest;
    if (resumeSample < spanStartSample) {
      throw new RangeError(`sample ${resumeSample} lies before the span's first, ${spanStartSample}`);
    }
    if (resumeFrame < span.spanStartFrame || resumeFrame > latest) {
      throw new RangeError(
        `to resume at sample ${resumeSample}, write from a frame in [${span.spanStartFrame}, ${latest}]`,
      );
    }
    this.#table = table;
    this.#nextSample = resumeSample;
    this.#nextFrame = resumeFrame;
    this.#keptFrame = Math.min(resumeFrame, needed);
    this.#kept = new Float32Array(resumeFrame - this.#keptFrame);
  }

  /** The timeline sample that the next output begins with. */
  get nextSample(): number {
    return this.#nextSample;
  }

  /** The source frame that the next write begins with. */
  get nextFrame(): number {
    return this.#nextFrame;
  }

  /** Takes the next source frames; returns the samples from `nextSample` on that depend on no later frame. */
  write(samples: Float32Array): Float32Array {
    if (this.#flushed) throw new Error('the span was flushed; a new one needs a new resampler');
    this.#append(samples);
    this.#nextFrame += samples.length;
    const { upFactor, downFactor, framesAfter } = this.#table;
    // Sample n is ready when frame floor(n · down / up) + framesAfter has been written.
    return this.#produceTo(Math.ceil(((this.#nextFrame - framesAfter) * upFactor) / downFactor));
  }

  /** The span ends here: returns its remaining samples, for which later frames count as zero. */
  flush(): Float32Array {
    if (this.#flushed) return new Float32Array(0);
    this.#flushed = true;
    this.#append(new Float32Array(this.#table.framesAfter));
    return this.#produceTo(sampleOfFrame(this.#table.rate, this.#nextFrame));
  }

  #append(samples: Float32Array): void {
    const joined = new Float32Array(this.#kept.length + samples.length);
    joined.set(this.#kept);
    joined.set(samples, this.#kept.length);
    this.#kept = joined;
  }

  #produceTo(endSample: number): Float32Array {
    const output = new Float32Array(Math.max(0, endSample - this.#nextSample));
    const { upFactor, downFactor, framesBefore, rows, taps, coefficients } = this.#table;
    const exactRows = rows === upFactor;
    let frame = Math.floor((this.#nextSample * downFactor) / upFactor);
    let phase = this.#nextSample * downFactor - frame * upFactor;
    for (let i = 0; i < output.length; i++) {
      const first = frame - framesBefore - this.#keptFrame;
      if (exactRows) {
        output[i] = weightedSum(this.#kept, first, coefficients, phase * taps, taps);
      } else {
        const position = (phase * rows) / upFactor;
        const row = Math.floor(position);
        const below = weightedSum(this.#kept, first, coefficients, row * taps, taps);
        const above = weightedSum(this.#kept, first, coefficients, (row + 1) * taps, taps);
        output[i] = below + (above - below) * (position - row);
      }
      phase += downFactor;
      const frames = Math.floor(phase / upFactor);
      frame += frames;
      phase -= frames * upFactor;
    }
    this.#nextSample += output.length;
    this.#discardUnneeded(frame - framesBefore);
    return output;
  }

  #discardUnneeded(firstNeeded: number): void {
    const unneeded = Math.min(this.#kept.length, Math.max(0, firstNeeded - this.#keptFrame));
    this.#kept = this.#kept.slice(unneeded);
    this.#keptFrame += unneeded;
  }
}

function weightedSum(
  input: Float32Array,
  inputStart: number,
  coefficients: Float32Array,
  coefficientStart: number,
  taps: number,
): number {
  let sum = 0;
  for (let tap = 0; tap < taps; tap++) {
    sum += (input[inputStart + tap] ?? 0) * (coefficients[coefficientStart + tap] ?? 0);
  }
  return sum;
}
