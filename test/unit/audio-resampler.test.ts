import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createResamplerTable, sampleOfFrame, type ResamplerTable } from '../../src/audio/resampler-table.ts';
import { firstFrameNeeded, Resampler } from '../../src/audio/resampler.ts';

const COMMON_RATES = [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000];
/** Rates that share few factors with 16,000, and so blend rows of their table. */
const ODD_RATES = [8_001, 15_999, 16_001, 47_999];
const ALL_RATES = [...COMMON_RATES, ...ODD_RATES];
const tables = new Map(ALL_RATES.map((rate) => [rate, createResamplerTable(rate)]));

function tableOf(rate: number): ResamplerTable {
  return tables.get(rate) ?? createResamplerTable(rate);
}

function joined(parts: Float32Array[]): Float32Array {
  return Float32Array.from(parts.flatMap((part) => [...part]));
}

function noise(length: number, seed: number): Float32Array {
  let state = seed + 1;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return state / 0x4000_0000 - 1;
  });
}

function tone(rate: number, hertz: number, seconds: number): Float32Array {
  return Float32Array.from({ length: Math.round(rate * seconds) }, (_, i) =>
    Math.sin((2 * Math.PI * hertz * i) / rate),
  );
}

function resampled(rate: number, input: Float32Array, spanStartFrame = 0): Float32Array {
  const resampler = new Resampler(tableOf(rate), { spanStartFrame });
  return joined([resampler.write(input), resampler.flush()]);
}

/** Root mean square of the middle, away from the span's edges. */
function level(samples: Float32Array): number {
  const middle = samples.subarray(Math.floor(samples.length / 4), Math.floor((samples.length * 3) / 4));
  return Math.sqrt(middle.reduce((sum, sample) => sum + sample * sample, 0) / middle.length);
}

function decibels(ratio: number): number {
  return 20 * Math.log10(ratio);
}

const anyRate = fc.constantFrom(...ALL_RATES);

describe('resampling is exact', () => {
  it('gives the same bits however the audio is cut into writes', () => {
    fc.assert(
      fc.property(
        anyRate,
        fc.nat(1_000_000),
        fc.array(fc.integer({ min: 0, max: 700 }), { maxLength: 12 }),
        fc.nat(1000),
        (rate, spanStartFrame, sizes, seed) => {
          const input = noise(
            sizes.reduce((sum, size) => sum + size, 0),
            seed,
          );
          const resampler = new Resampler(tableOf(rate), { spanStartFrame });
          const parts: Float32Array[] = [];
          let frame = 0;
          for (const size of sizes) {
            parts.push(resampler.write(input.subarray(frame, frame + size)));
            frame += size;
          }
          parts.push(resampler.flush());
          expect(joined(parts)).toEqual(resampled(rate, input, spanStartFrame));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('gives the same bits when resumed at any sample, from the frame it asks for or an earlier one', () => {
    fc.assert(
      fc.property(
        anyRate,
        fc.nat(3_000_000_000),
        fc.integer({ min: 1, max: 3000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.nat(1000),
        (rate, spanStartFrame, frames, resumeAt, earlier, seed) => {
          const table = tableOf(rate);
          const input = noise(frames, seed);
          const whole = resampled(rate, input, spanStartFrame);
          const firstSample = sampleOfFrame(rate, spanStartFrame);
          const resumeSample = firstSample + Math.floor(resumeAt * whole.length);
          const needed = new Resampler(table, { spanStartFrame, resumeSample }).nextFrame;
          const resumeFrame = needed - Math.floor(earlier * (needed - spanStartFrame));

          const resumed = new Resampler(table, { spanStartFrame, resumeSample, resumeFrame });
          expect(resumed.nextSample).toBe(resumeSample);
          const rest = joined([resumed.write(input.subarray(resumeFrame - spanStartFrame)), resumed.flush()]);
          expect(rest).toEqual(whole.subarray(resumeSample - firstSample));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('refuses to resume from a frame that comes too late, rather than invent what was before', () => {
    const table = tableOf(48_000);
    const needed = firstFrameNeeded(table, 16_000);
    expect(() => new Resampler(table, { spanStartFrame: 0, resumeSample: 16_000, resumeFrame: needed + 1 })).toThrow(
      RangeError,
    );
    expect(() => new Resampler(table, { spanStartFrame: 48_000, resumeSample: 10_000 })).toThrow(RangeError);
  });

  it('copies audio that is at 16 kHz already', () => {
    const input = noise(5000, 1);
    const resampler = new Resampler(tableOf(16_000), { spanStartFrame: 77 });
    expect(resampler.write(input)).toEqual(input);
    expect(resampler.flush()).toHaveLength(0);
  });
});

describe('resampling accounts for every sample', () => {
  it.each([8_000, 11_025, 22_050, 44_100, 48_000, 47_999])(
    'turns frames [a, b) at %i Hz into exactly the samples [floor(a·16000/rate), floor(b·16000/rate))',
    (rate) => {
      for (const spanStartFrame of [0, 1, 12_345, 4_147_200_001]) {
        for (const chunkFrames of [1, 7, 160, 882, 4096]) {
          const chunk = new Float32Array(chunkFrames);
          const chunks = Math.min(200, Math.floor(rate / chunkFrames));
          const resampler = new Resampler(tableOf(rate), { spanStartFrame });
          let samples = 0;
          let frame = spanStartFrame;
          for (let i = 0; i < chunks; i++) {
            samples += resampler.write(chunk).length;
            frame += chunkFrames;
            // Never ahead of the audio, and behind it by no more than the filter reaches.
            expect(resampler.nextSample).toBeLessThanOrEqual(sampleOfFrame(rate, frame));
          }
          samples += resampler.flush().length;
          expect(samples).toBe(sampleOfFrame(rate, frame) - sampleOfFrame(rate, spanStartFrame));
          expect(resampler.nextSample).toBe(sampleOfFrame(rate, frame));
        }
      }
    },
  );

  it('keeps count over minutes of audio in small chunks, a day into a session', () => {
    const rate = 44_100;
    const resampler = new Resampler(tableOf(rate), { spanStartFrame: 24 * 3600 * rate });
    const chunk = new Float32Array(rate / 50);
    let samples = 0;
    for (let i = 0; i < 50 * 180; i++) samples += resampler.write(chunk).length;
    samples += resampler.flush().length;
    expect(samples).toBe(180 * 16_000);
    expect(resampler.nextSample).toBe((24 * 3600 + 180) * 16_000);
  });

  it('lags behind its input by less than 16 ms', () => {
    for (const rate of ALL_RATES) {
      const resampler = new Resampler(tableOf(rate), { spanStartFrame: 0 });
      resampler.write(new Float32Array(rate));
      expect(16_000 - resampler.nextSample).toBeLessThan(256);
    }
  });

  it('refuses audio after the end of a span', () => {
    const resampler = new Resampler(tableOf(8_000), { spanStartFrame: 0 });
    resampler.flush();
    expect(() => resampler.write(new Float32Array(1))).toThrow('flushed');
  });

  it.each([7_999, 48_001, 44_100.5, Number.NaN])('refuses a rate of %d Hz', (rate) => {
    expect(() => createResamplerTable(rate)).toThrow(RangeError);
  });

  it('bounds the memory of a table to 1 MiB at every rate', () => {
    for (const rate of [...ALL_RATES, 47_777]) expect(tableOf(rate).coefficients.byteLength).toBeLessThan(2 ** 20);
  });
});

describe('resampling preserves the sound', () => {
  it.each(ALL_RATES)('delays nothing at %i Hz: an impulse stays at its place', (rate) => {
    const input = new Float32Array(rate);
    const place = Math.round(rate / 2);
    input[place] = 1;
    const output = resampled(rate, input);
    const peak = output.reduce((best, sample, i) => (Math.abs(sample) > Math.abs(output[best] ?? 0) ? i : best), 0);
    expect(Math.abs(peak - (place * 16_000) / rate)).toBeLessThanOrEqual(0.5);
  });

  it.each(ALL_RATES)('keeps tones at %i Hz at their frequency, phase and level', (rate) => {
    const highest = (7 / 8) * Math.min(8_000, rate / 2);
    for (const hertz of [50, 440, 1000, 3000, highest - 100].filter((value) => value < highest)) {
      const output = resampled(rate, tone(rate, hertz, 1));
      const expected = tone(16_000, hertz, 1);
      const difference = output.map((sample, i) => sample - (expected[i] ?? 0));
      expect(decibels(level(difference) / level(expected))).toBeLessThan(-72);
    }
  });

  it.each(ALL_RATES.filter((rate) => rate > 16_000))('rejects aliases from %i Hz by 75 dB and more', (rate) => {
    for (let hertz = 8_000; hertz < rate / 2; hertz += 977) {
      const rejection = decibels(level(resampled(rate, tone(rate, hertz, 0.5))) / Math.SQRT1_2);
      expect(rejection).toBeLessThan(-75);
    }
  });

  it('adds no images above the band of an 8 kHz call', () => {
    const output = resampled(8_000, tone(8_000, 3_000, 1));
    // The image of 3 kHz would lie at 5 kHz: correlate with it.
    let inPhase = 0;
    let quadrature = 0;
    for (let i = 4_000; i < 12_000; i++) {
      inPhase += (output[i] ?? 0) * Math.cos((2 * Math.PI * 5_000 * i) / 16_000);
      quadrature += (output[i] ?? 0) * Math.sin((2 * Math.PI * 5_000 * i) / 16_000);
    }
    expect(decibels(Math.hypot(inPhase, quadrature) / 4_000)).toBeLessThan(-75);
  });
});
