import { MAX_SAMPLE_RATE, MIN_SAMPLE_RATE } from './format.ts';

/** Samples per second that resampling yields. */
const RESAMPLED_RATE = 16_000;

/** Attenuation of aliases and images, dB. */
const STOPBAND_DB = 80;
/** Share of the narrower Nyquist frequency that passes unchanged: 7 kHz of 8 kHz. */
const PASSBAND = 7 / 8;
/**
 * Most rows of a table. Rates that need more phases (they have few factors in common with 16,000) blend two neighbouring
 * rows, which at this spacing is off by less than -110 dB.
 */
const MAX_ROWS = 1024;

/**
 * The filter of one source rate, ready to be shared by all its streams: windowed-sinc coefficients, one row for each
 * position that a timeline sample can have between two source frames. At most 1 MiB.
 */
export interface ResamplerTable {
  /** Source frames per second. */
  readonly rate: number;
  /** `upFactor / downFactor` is 16,000 / rate in lowest terms: sample n lies at source position n · downFactor / upFactor. */
  readonly upFactor: number;
  readonly downFactor: number;
  /** Rows per source frame; equal to `upFactor` unless that is above the bound. */
  readonly rows: number;
  /** Coefficients per row; the first belongs to the frame `framesBefore` before a sample's position rounded down. */
  readonly taps: number;
  readonly framesBefore: number;
  readonly framesAfter: number;
  /** `rows + 1` rows of `taps`, so that the last can be blended with its successor. */
  readonly coefficients: Float32Array;
}

/**
 * Computes the table of a rate (milliseconds of work: keep it while streams of that rate come and go).
 *
 * Kaiser's window design: J. F. Kaiser, "Nonrecursive digital filter design using the I0-sinh window function", 1974;
 * formulas as in Oppenheim & Schafer, "Discrete-Time Signal Processing", section 7.5.3.
 *
 * @param rate integer, 8,000 to 48,000.
 * @throws RangeError for another rate.
 */
export function createResamplerTable(rate: number): ResamplerTable {
  if (!Number.isInteger(rate) || rate < MIN_SAMPLE_RATE || rate > MAX_SAMPLE_RATE) {
    throw new RangeError(`sample rate ${rate} is not an integer from ${MIN_SAMPLE_RATE} to ${MAX_SAMPLE_RATE}`);
  }
  const divisor = greatestCommonDivisor(RESAMPLED_RATE, rate);
  const upFactor = RESAMPLED_RATE / divisor;
  const downFactor = rate / divisor;
  if (rate === RESAMPLED_RATE) {
    const coefficients = Float32Array.of(1, 1);
    return { rate, upFactor, downFactor, rows: 1, taps: 1, framesBefore: 0, framesAfter: 0, coefficients };
  }

  // Frequencies in cycles per source frame. The stopband begins at the narrower Nyquist frequency, so nothing folds back.
  const stopFrequency = 0.5 * Math.min(1, RESAMPLED_RATE / rate);
  const transition = stopFrequency * (1 - PASSBAND);
  const cutoff = stopFrequency - transition / 2;
  const halfWidth = Math.ceil((STOPBAND_DB - 8) / (2.285 * 2 * Math.PI * transition) / 2);
  const rows = Math.min(upFactor, MAX_ROWS);
  const taps = 2 * halfWidth;
  const coefficients = new Float32Array((rows + 1) * taps);
  for (let row = 0; row <= rows; row++) {
    const weights = windowedSinc(row / rows, halfWidth, cutoff);
    coefficients.set(weights, row * taps);
  }
  return {
    rate,
    upFactor,
    downFactor,
    rows,
    taps,
    framesBefore: halfWidth - 1,
    framesAfter: halfWidth,
    coefficients,
  };
}

/** The timeline sample that source frame `frame` falls on, rounded down. */
export function sampleOfFrame(rate: number, frame: number): number {
  return Math.floor((frame * RESAMPLED_RATE) / rate);
}

/** Weights of the frames from `1 - halfWidth` to `halfWidth` for a sample `fraction` (0..1) of a frame after frame 0. */
function windowedSinc(fraction: number, halfWidth: number, cutoff: number): Float64Array {
  const weights = new Float64Array(2 * halfWidth);
  const beta = 0.1102 * (STOPBAND_DB - 8.7);
  const windowScale = 1 / besselI0(beta);
  let sum = 0;
  for (const tap of weights.keys()) {
    const distance = tap + 1 - halfWidth - fraction;
    const relative = distance / halfWidth;
    const angle = 2 * Math.PI * cutoff * distance;
    const sinc = angle === 0 ? 1 : Math.sin(angle) / angle;
    const window = Math.abs(relative) > 1 ? 0 : besselI0(beta * Math.sqrt(1 - relative * relative)) * windowScale;
    const weight = sinc * window;
    weights[tap] = weight;
    sum += weight;
  }
  // The same gain at 0 Hz in every row: a constant stays a constant.
  return weights.map((weight) => weight / sum);
}

/** Modified Bessel function of the first kind, order 0, by its power series (Abramowitz & Stegun 9.6.12). */
function besselI0(x: number): number {
  const quarterSquare = (x * x) / 4;
  let term = 1;
  let sum = 1;
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= quarterSquare / (k * k);
    sum += term;
  }
  return sum;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
