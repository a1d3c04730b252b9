import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArrivalTimes } from '../../src/services/arrival-times.ts';

/** Source frames per second: not that of the recognition timeline. */
const RATE = 48_000;
const OPENED_AT = 1_000_000;
const frameAt = (ms: number) => (ms * RATE) / 1000;
const sampleAt = (ms: number) => ms * 16;

/** `toMs` of audio in chunks, each there when its last sample was spoken, and `lateMs` later. */
function live(chunkMs: number, toMs: number, lateMs: (chunk: number) => number = () => 0): ArrivalTimes {
  const times = new ArrivalTimes(RATE, 0, OPENED_AT);
  for (let chunk = 0; (chunk + 1) * chunkMs <= toMs; chunk += 1) {
    const endMs = (chunk + 1) * chunkMs;
    times.note(frameAt(endMs), OPENED_AT + endMs + lateMs(chunk));
  }
  return times;
}

describe('the time since audio was acknowledged', () => {
  it('counts from the chunk with the last sample of the utterance', () => {
    const times = live(100, 10_000);
    // Until 7,150 ms: its last sample came with the chunk that ends at 7,200.
    expect(times.msSince(sampleAt(7_150), OPENED_AT + 8_000)).toBe(800);
    expect(times.msSince(sampleAt(7_200), OPENED_AT + 8_000)).toBe(800);
    expect(times.msSince(sampleAt(7_200) + 1, OPENED_AT + 8_000)).toBe(700);
  });

  it('is known from the first utterance on, with chunks of any length', () => {
    expect(live(20, 2_000).msSince(sampleAt(890), OPENED_AT + 2_000)).toBe(1_100);
    expect(live(1_000, 3_000).msSince(sampleAt(900), OPENED_AT + 2_000)).toBe(1_000);
    expect(live(20_000, 60_000).msSince(sampleAt(41_000), OPENED_AT + 60_500)).toBe(500);
  });

  it('is not known of what came before this server listened', () => {
    const times = new ArrivalTimes(RATE, frameAt(3_000), OPENED_AT);
    times.note(frameAt(3_100), OPENED_AT + 100);
    expect(times.msSince(sampleAt(2_900), OPENED_AT + 500)).toBeNull();
    expect(times.msSince(sampleAt(3_000), OPENED_AT + 500)).toBeNull();
    expect(times.msSince(sampleAt(3_050), OPENED_AT + 500)).toBe(400);
  });

  it('is not known of audio that has not come', () => {
    expect(live(100, 1_000).msSince(sampleAt(1_001), OPENED_AT + 5_000)).toBeNull();
  });

  it.each([1.5, 2, 10, 1_000])('is not known of a file that is sent %d times as fast as it was spoken', (speed) => {
    const times = live(100, 60_000, (chunk) => (chunk + 1) * (100 / speed - 100));
    // Of the very first word a file that is sent hardly faster cannot be told from a live one.
    for (const endMs of [speed < 10 ? 5_000 : 200, 5_000, 12_300, 60_000]) {
      expect(times.msSince(sampleAt(endMs), OPENED_AT + 60_000)).toBeNull();
    }
  });

  it('is not known of what was sent after the network had been away, and known again of what is live after that', () => {
    // What is spoken from 10 s to 16 s comes at 16 s.
    const times = live(100, 60_000, (chunk) => Math.max(0, 16_000 - (chunk + 1) * 100) * (chunk >= 100 ? 1 : 0));
    const now = OPENED_AT + 60_000;
    expect(times.msSince(sampleAt(9_900), now)).toBe(50_100);
    expect(times.msSince(sampleAt(15_000), now)).toBeNull();
    expect(times.msSince(sampleAt(18_000), now)).toBeNull();
    expect(times.msSince(sampleAt(22_000), now)).toBe(38_000);
  });

  it('is exact, however irregularly the chunks come', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ ms: fc.integer({ min: 5, max: 900 }), lateMs: fc.integer({ min: 0, max: 200 }) }), {
          minLength: 5,
          maxLength: 300,
        }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (chunks, place) => {
          const times = new ArrivalTimes(RATE, 0, OPENED_AT);
          const arrivals: { endMs: number; at: number }[] = [];
          let [endMs, at] = [0, OPENED_AT];
          for (const { ms, lateMs } of chunks) {
            endMs += ms;
            at = Math.max(at, OPENED_AT + endMs + lateMs);
            times.note(frameAt(endMs), at);
            arrivals.push({ endMs, at });
          }
          const utteranceEnd = Math.ceil(endMs * place);
          const found = times.msSince(sampleAt(utteranceEnd), at);
          const expected = at - (arrivals.find((arrival) => arrival.endMs >= utteranceEnd)?.at ?? NaN);
          expect(found).toBe(expected);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('is right to 1 % when the recogniser is an hour behind, without an arrival being kept for each chunk', () => {
    const times = live(20, 3_600_000);
    const now = OPENED_AT + 3_600_000;
    for (const endMs of [10_000, 1_800_000, 3_000_000]) {
      const found = times.msSince(sampleAt(endMs), now);
      expect(found).toBeGreaterThanOrEqual(3_600_000 - endMs);
      expect(found).toBeLessThanOrEqual(3_600_000 - endMs + 0.01 * 3_600_000);
    }
  });

  it('needs nothing of what is decided but how fast the last of it came', () => {
    const times = live(100, 30_000);
    times.forgetBefore(frameAt(20_000));
    expect(times.msSince(sampleAt(20_500), OPENED_AT + 30_000)).toBe(9_500);
    expect(times.msSince(sampleAt(10_000), OPENED_AT + 30_000)).toBeNull();
  });
});
