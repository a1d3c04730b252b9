import { createResamplerTable, type ResamplerTable } from '../../src/audio/resampler-table.ts';
import { Resampler } from '../../src/audio/resampler.ts';

export interface ResamplingQuality {
  /** How far below a tone all that comes out and is not that tone is, at worst, in dB: aliases, images, noise. */
  readonly rejectionDb: number;
  /** Between the loudest and the quietest tone of the pass band (up to 7/8 of the narrower Nyquist frequency), in dB. */
  readonly rippleDb: number;
}

const TIMELINE_RATE = 16_000;
const PASSBAND = 7 / 8;
const TONES_A_BAND = 24;
const TONE_SECONDS = 0.4;
/** Of the tone, at its beginning and at its end, where the filter reaches beyond it. */
const EDGE_SECONDS = 0.05;

/** Sends tones of a rate through the resampler. Those that 16 kHz cannot have must vanish, the others come out as they were. */
export function measureResampling(rate: number): ResamplingQuality {
  const table = createResamplerTable(rate);
  const narrower = Math.min(rate, TIMELINE_RATE) / 2;
  let worst = -Infinity;
  const gains: number[] = [];
  for (const frequency of spread(60, narrower * PASSBAND)) {
    const { gain, rest } = split(resampled(table, rate, frequency), frequency);
    gains.push(gain);
    worst = Math.max(worst, rest / gain);
  }
  // Every frequency beyond what the timeline can have would come back as another one.
  if (rate > TIMELINE_RATE) {
    for (const frequency of spread(narrower + 1, rate / 2 - 1)) {
      worst = Math.max(worst, rootMeanSquare(resampled(table, rate, frequency)) * Math.SQRT2);
    }
  }
  return { rejectionDb: -decibels(worst), rippleDb: decibels(Math.max(...gains) / Math.min(...gains)) };
}

function spread(from: number, to: number): number[] {
  return Array.from({ length: TONES_A_BAND }, (_, index) => from + ((to - from) * index) / (TONES_A_BAND - 1));
}

/** A tone of amplitude 1 at the timeline's rate, without its edges. */
function resampled(table: ResamplerTable, rate: number, frequency: number): Float32Array {
  const tone = Float32Array.from({ length: Math.round(rate * TONE_SECONDS) }, (_, index) =>
    Math.sin((2 * Math.PI * frequency * index) / rate),
  );
  const output = new Resampler(table, { spanStartFrame: 0 }).write(tone);
  const edge = Math.round(EDGE_SECONDS * TIMELINE_RATE);
  return output.subarray(edge, output.length - edge);
}

/** The tone of that frequency in the samples, by least squares, and what is left without it; amplitudes. */
function split(samples: Float32Array, frequency: number): { gain: number; rest: number } {
  const angle = (2 * Math.PI * frequency) / TIMELINE_RATE;
  let [ss, sc, cc, sy, cy] = [0, 0, 0, 0, 0];
  for (const [index, sample] of samples.entries()) {
    const [sine, cosine] = [Math.sin(angle * index), Math.cos(angle * index)];
    ss += sine * sine;
    sc += sine * cosine;
    cc += cosine * cosine;
    sy += sine * sample;
    cy += cosine * sample;
  }
  const determinant = ss * cc - sc * sc;
  const a = (sy * cc - cy * sc) / determinant;
  const b = (cy * ss - sy * sc) / determinant;
  const rest = samples.map((sample, index) => sample - a * Math.sin(angle * index) - b * Math.cos(angle * index));
  return { gain: Math.hypot(a, b), rest: rootMeanSquare(rest) * Math.SQRT2 };
}

function rootMeanSquare(samples: Float32Array): number {
  return Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
}

function decibels(ratio: number): number {
  return 20 * Math.log10(ratio);
}
