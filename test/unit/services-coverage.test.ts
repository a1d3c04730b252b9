import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { coverageOf, decide, NOTHING_DECIDED, type CoverageClass } from '../../src/services/coverage.ts';
import { timelineMs } from '../../src/recognition/recogniser.ts';

const stretch = fc.record({
  kind: fc.constantFrom<CoverageClass>('transcribed', 'silence', 'gap', 'failed'),
  before: fc.nat({ max: 50_000 }),
  /** Another channel was decided further already. */
  back: fc.nat({ max: 200_000 }),
  length: fc.nat({ max: 500_000 }),
});

describe('coverage', () => {
  it('accounts for every millisecond of the timeline in exactly one class, whatever was decided', () => {
    fc.assert(
      fc.property(fc.array(stretch), fc.nat({ max: 1_000_000 }), (stretches, undecided) => {
        let decided = NOTHING_DECIDED;
        for (const { kind, before, back, length } of stretches) {
          const start = Math.max(0, decided.decidedSample + before - back);
          decided = decide(decided, kind, start, start + length);
        }
        const receivedMs = timelineMs(decided.decidedSample + undecided);
        const { transcribedMs, silenceMs, gapMs, failedMs, pendingMs } = coverageOf(decided, receivedMs);
        expect(transcribedMs + silenceMs + gapMs + failedMs + pendingMs).toBe(receivedMs);
        expect(pendingMs).toBe(receivedMs - timelineMs(decided.decidedSample));
      }),
    );
  });

  it('counts what lies between two utterances as silence', () => {
    const first = decide(NOTHING_DECIDED, 'transcribed', 16_000, 32_000);
    const second = decide(first, 'transcribed', 40_000, 48_000);
    expect(coverageOf(second, 4_000)).toEqual({
      receivedMs: 4_000,
      transcribedMs: 1_500,
      silenceMs: 1_500,
      gapMs: 0,
      failedMs: 0,
      pendingMs: 1_000,
    });
  });

  it('keeps the first class of a stretch that is decided twice', () => {
    const once = decide(NOTHING_DECIDED, 'gap', 0, 16_000);
    expect(decide(once, 'transcribed', 0, 16_000)).toEqual(once);
  });

  it('tells what failed on one channel, whatever another one said meanwhile', () => {
    const other = decide(decide(NOTHING_DECIDED, 'transcribed', 8_000, 24_000), 'silence', 0, 40_000);
    expect(coverageOf(decide(other, 'failed', 16_000, 32_000), 3_000)).toEqual({
      receivedMs: 3_000,
      transcribedMs: 500,
      silenceMs: 1_000,
      gapMs: 0,
      failedMs: 1_000,
      pendingMs: 500,
    });
  });
});
