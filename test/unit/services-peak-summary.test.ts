import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PeakSummary, toPeak } from '../../src/services/waveforms/peak-summary.ts';

/** As the process that reads recordings does it. */
function measured(samples: readonly (number | null)[], bucketFrames: number): Uint16Array {
  return Uint16Array.from({ length: Math.ceil(samples.length / bucketFrames) }, (_, bucket) => {
    const known = samples.slice(bucket * bucketFrames, (bucket + 1) * bucketFrames).filter((sample) => sample !== null);
    return known.length === 0 ? 0 : toPeak(Math.max(...known.map(Math.abs)));
  });
}

describe('the peaks of a recording', () => {
  it('are the largest magnitudes of exactly equal stretches, however it grew and was asked for', () => {
    // In runs, since a recording of samples that have nothing to do with each other would take long to make.
    const runs = fc.array(
      fc.record({
        frames: fc.integer({ min: 1, max: 40_000 }),
        value: fc.option(fc.double({ min: -1, max: 1, noNaN: true })),
      }),
      { minLength: 1, maxLength: 8 },
    );
    fc.assert(
      fc.property(runs, fc.integer({ min: 1, max: 4_000 }), (parts, count) => {
        const samples: (number | null)[] = [];
        const summary = new PeakSummary(1, 0);
        for (const { frames, value } of parts) {
          for (let frame = 0; frame < frames; frame++) samples.push(value);
          summary.growTo(samples.length);
          const from = summary.nextFrame;
          summary.add(from, samples.length, [measured(samples.slice(from), summary.bucketFrames)]);
        }
        const { frames, peaks } = summary.stretches(samples.length, count);
        const [given = []] = peaks;
        expect(given.length).toBe(Math.ceil(samples.length / frames));
        expect(given.length).toBeLessThanOrEqual(count);
        const index = Math.floor(given.length / 2);
        for (const stretch of [0, index, given.length - 1]) {
          const known = samples.slice(stretch * frames, (stretch + 1) * frames).filter((sample) => sample !== null);
          const expected = known.length === 0 ? null : Math.max(...known.map(Math.abs));
          const difference = (given[stretch] ?? -1) - (expected ?? -1);
          expect(Math.abs(difference)).toBeLessThan(0.0002);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('of a day take no more room than those of some minutes, and are as fine as was asked for', () => {
    const dayFrames = 24 * 3_600 * 48_000;
    const summary = new PeakSummary(1, dayFrames);
    const part = summary.bucketFrames * 1_000;
    while (summary.readFrames < dayFrames) {
      const from = summary.nextFrame;
      const to = Math.min(dayFrames, from + part);
      summary.add(from, to, [new Uint16Array(Math.ceil((to - from) / summary.bucketFrames)).fill(toPeak(0.5))]);
    }
    const { peaks } = summary.stretches(dayFrames, 1_000);
    expect(peaks[0]?.length).toBeGreaterThan(900);
    expect(new Set(peaks[0])).toEqual(new Set([0.5]));
    expect(summary.peaks[0]?.length).toBeLessThanOrEqual(16_384);
  });
});
