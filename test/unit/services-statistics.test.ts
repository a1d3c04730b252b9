import { describe, expect, it } from 'vitest';
import { addFinal, countWords, NO_FINALS, statisticsOf } from '../../src/services/statistics.ts';

const final = (
  text: string,
  startMs: number,
  endMs: number,
  avgConfidence: number | null,
  latencyMs: number | null = null,
) => ({ text, startMs, endMs, avgConfidence, latencyMs });

describe('session statistics', () => {
  it('has no invented figures: without finals, what can not be known is null', () => {
    expect(statisticsOf(NO_FINALS)).toEqual({
      totalSegments: 0,
      averageConfidence: null,
      totalDuration: 0,
      wordCount: 0,
      speakingDuration: 0,
      wordsPerMinute: null,
      averageLatencyMs: null,
      latencyCount: 0,
    });
  });

  it('runs from the first final’s start to the last final’s end, and speaks only within them', () => {
    const finals = [final('one two three', 500, 2_500, 0.9), final('four five', 10_000, 11_000, 0.7)];
    const sums = finals.reduce(addFinal, NO_FINALS);
    expect(statisticsOf(sums)).toEqual({
      totalSegments: 2,
      averageConfidence: expect.closeTo(0.8, 10),
      totalDuration: 10.5,
      wordCount: 5,
      speakingDuration: 3,
      wordsPerMinute: 100,
      averageLatencyMs: null,
      latencyCount: 0,
    });
  });

  it('averages over the finals that have a confidence, and is null when none has', () => {
    const mixed = [final('a', 0, 100, null), final('b', 100, 200, 0.5)].reduce(addFinal, NO_FINALS);
    expect(statisticsOf(mixed).averageConfidence).toBe(0.5);
    expect(statisticsOf(addFinal(NO_FINALS, final('a', 0, 100, null))).averageConfidence).toBeNull();
  });

  it('averages latency over the finals of which it is known', () => {
    const sums = [final('a', 0, 100, 1, 600), final('b', 200, 300, 1), final('c', 400, 500, 1, 900)];
    expect(statisticsOf(sums.reduce(addFinal, NO_FINALS))).toMatchObject({ averageLatencyMs: 750, latencyCount: 2 });
  });

  it('counts words between any white space', () => {
    expect(countWords('  well,\tI never — did ')).toBe(5);
    expect(countWords('')).toBe(0);
  });
});
