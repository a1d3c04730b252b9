import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alignTokens, type Attention } from '../../src/recognition/moonshine/alignment.ts';
import { findPauses } from '../../src/recognition/moonshine/pauses.ts';
import { snapToPauses, SNAP_SAMPLES, wordTimes } from '../../src/recognition/moonshine/word-times.ts';

const SECOND = 16_000;
/** What a frame of the encoder is. */
const FRAME = 384;

/** Attention of tokens that look at one frame each, with all their weight. */
function lookingAt(peaks: readonly number[], frames: number): Attention {
  const weights = peaks.map((peak) => Float32Array.from({ length: frames }, (_, frame) => (frame === peak ? 1 : 0)));
  return { samples: frames * FRAME, frames, weights };
}

/** A tone where there is a voice, else silence; ranges in seconds. */
function voice(seconds: number, spoken: readonly (readonly [number, number])[]): Float32Array {
  return Float32Array.from({ length: seconds * SECOND }, (_, i) =>
    spoken.some(([start, end]) => i >= start * SECOND && i < end * SECOND) ? 0.3 * Math.sin(i / 5) : 0,
  );
}

describe('the alignment of tokens', () => {
  const attentions = fc
    .integer({ min: 1, max: 6 })
    .chain((tokens) => fc.tuple(fc.constant(tokens), fc.integer({ min: tokens, max: 9 })))
    .chain(([tokens, frames]) => {
      const row = fc.array(fc.integer({ min: 0, max: 100 }), { minLength: frames, maxLength: frames });
      return fc.record({
        frames: fc.constant(frames),
        weights: fc.array(
          row.map((weights) => Float32Array.from(weights)),
          { minLength: tokens, maxLength: tokens },
        ),
      });
    });

  it('divides all the audio among them in order, a frame or more for each', () => {
    fc.assert(
      fc.property(attentions, ({ frames, weights }) => {
        const ranges = alignTokens({ frames, weights }) ?? [];
        expect(ranges).toHaveLength(weights.length);
        expect(ranges.at(-1)?.end).toBe(frames);
        for (const [index, { start, end }] of ranges.entries()) {
          expect(end).toBeGreaterThan(start);
          expect(start).toBe(ranges[index - 1]?.end ?? 0);
        }
      }),
    );
  });

  it('is the best of all that there are', () => {
    const weightOf = (weights: readonly Float32Array[], bounds: readonly number[]): number =>
      weights
        .map((row, token) => row.subarray(bounds[token], bounds[token + 1]).reduce((sum, weight) => sum + weight, 0))
        .reduce((sum, weight) => sum + weight, 0);
    fc.assert(
      fc.property(attentions, ({ frames, weights }) => {
        const ranges = alignTokens({ frames, weights }) ?? [];
        const chosen = weightOf(weights, [...ranges.map(({ start }) => start), frames]);
        const others = divisions(frames, weights.length).map((bounds) => weightOf(weights, bounds));
        expect(chosen).toBe(Math.max(...others));
      }),
    );
  });

  it('does not exist where there are no tokens, or more of them than frames', () => {
    expect(alignTokens({ frames: 5, weights: [] })).toBeNull();
    expect(alignTokens(lookingAt([0, 1, 1], 2))).toBeNull();
  });
});

/** All ways to divide frames into so many stretches of one or more, as their bounds. */
function divisions(frames: number, parts: number): number[][] {
  if (parts === 1) return [[0, frames]];
  return Array.from({ length: frames - parts + 1 }, (_, i) => i + parts - 1).flatMap((last) =>
    divisions(last, parts - 1).map((bounds) => [...bounds, frames]),
  );
}

describe('pauses', () => {
  it('are found where the voice rests for 80 ms or more, to 10 ms', () => {
    const pauses = findPauses(voice(3, [[0.5, 1], [1.05, 1.5], [1.8, 2.5]])); // prettier-ignore
    const expected = [
      [0, 0.5],
      [1.5, 1.8],
      [2.5, 3],
    ];
    expect(pauses).toHaveLength(expected.length);
    for (const [index, { start, end }] of pauses.entries()) {
      expect(Math.abs(start / SECOND - (expected[index]?.[0] ?? NaN))).toBeLessThanOrEqual(0.011);
      expect(Math.abs(end / SECOND - (expected[index]?.[1] ?? NaN))).toBeLessThanOrEqual(0.011);
    }
  });

  it('are measured against the utterance itself: the same in a whisper as in a shout', () => {
    const loud = voice(2, [[0.3, 1], [1.4, 1.9]]); // prettier-ignore
    const noisy = (level: number) => loud.map((sample, i) => level * (sample + 0.01 * Math.sin(i * i)));
    expect(findPauses(noisy(0.01))).toEqual(findPauses(noisy(1)));
  });

  it.each([
    ['nothing', new Float32Array(0)],
    ['digital silence', new Float32Array(SECOND)],
    ['a steady tone', new Float32Array(SECOND).fill(0.5)],
    ['less than a step', new Float32Array(50).fill(0.5)],
  ])('are not found in %s', (_, audio) => {
    expect(findPauses(audio)).toEqual([]);
  });
});

describe('the bounds of words beside a pause', () => {
  it('are where the sound ends and begins', () => {
    const words = [
      { start: 0, end: 9_000 },
      { start: 9_000, end: 16_000 },
    ];
    const pauses = [
      { start: 0, end: 3_000 },
      { start: 8_000, end: 10_000 },
      { start: 15_000, end: 16_000 },
    ];
    expect(snapToPauses(words, pauses, 16_000)).toEqual([
      { start: 3_000, end: 8_000 },
      { start: 10_000, end: 15_000 },
    ]);
  });

  it('are not moved to a pause that is further away than attention errs', () => {
    const words = [
      { start: 0, end: 5_000 },
      { start: 5_000, end: 16_000 },
    ];
    const pauses = [{ start: 5_001 + SNAP_SAMPLES, end: 10_000 }];
    expect(snapToPauses(words, pauses, 16_000)[1]?.start).toBe(5_000);
  });

  it('keep all words in order, inside the audio, each with a length, whatever the pauses', () => {
    const steps = fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(steps, steps, (wordSteps, pauseSteps) => {
        const bounds = summed(wordSteps);
        const samples = (bounds.at(-1) ?? 0) + 1;
        const words = bounds.map((start, index) => ({ start, end: bounds[index + 1] ?? samples }));
        const pauses = pairs(summed(pauseSteps).filter((bound) => bound <= samples));
        const snapped = snapToPauses(words, pauses, samples);
        for (const [index, { start, end }] of snapped.entries()) {
          expect(end).toBeGreaterThan(start);
          expect(start).toBeGreaterThanOrEqual(snapped[index - 1]?.end ?? 0);
          expect(end).toBeLessThanOrEqual(samples);
        }
      }),
    );
  });
});

function summed(steps: readonly number[]): number[] {
  let sum = 0;
  return steps.map((step) => (sum += step));
}

function pairs(bounds: readonly number[]): { start: number; end: number }[] {
  return bounds.flatMap((start, index) => {
    const end = bounds[index + 1];
    return index % 2 === 0 && end !== undefined ? [{ start, end }] : [];
  });
}

describe('the time of a word', () => {
  const audio = voice(1, [[0.2, 0.5], [0.7, 0.9]]); // prettier-ignore
  const words = [
    { first: 0, last: 1 },
    { first: 3, last: 3 },
  ];

  it('is where the decoder looked when it wrote it, beside pauses where it sounded; its comma does not count', () => {
    const [first, second] = wordTimes(lookingAt([10, 15, 20, 32, 40], 41), words, audio);
    expect((first?.start ?? NaN) / SECOND).toBeCloseTo(0.2, 1);
    expect((first?.end ?? NaN) / SECOND).toBeCloseTo(0.5, 1);
    expect((second?.start ?? NaN) / SECOND).toBeCloseTo(0.7, 1);
    expect((second?.end ?? NaN) / SECOND).toBeCloseTo(0.9, 1);
  });

  it('is not invented for a word that was written without looking at the audio', () => {
    const attention = lookingAt([10, 15, 20, 32, 40], 41);
    const weights = attention.weights.map((row, token) => (token === 3 ? row.map(() => 0.001) : row));
    const [first, second] = wordTimes({ ...attention, weights }, words, audio);
    expect(first).not.toBeNull();
    expect(second).toBeNull();
  });

  it('is not invented when there is less audio than text', () => {
    expect(wordTimes(lookingAt([0, 0, 0, 1, 1], 2), words, audio)).toEqual([null, null]);
  });

  it('lies within the audio also where that was padded', () => {
    const short = voice(0.05, [[0, 0.05]]);
    for (const time of wordTimes(lookingAt([0, 1, 2, 3], 4), words, short)) {
      expect(time === null || (time.start >= 0 && time.start < time.end && time.end <= short.length)).toBe(true);
    }
  });
});
