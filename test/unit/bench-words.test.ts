import { describe, expect, it } from 'vitest';
import { areaUnderCurve, expectedCalibrationError, reliability } from '../../bench/support/reliability.ts';
import { matchWords } from '../../bench/support/word-matches.ts';
import { synthesisedRecordings } from '../../bench/support/word-references.ts';

describe('words that were said and heard', () => {
  function matched(said: string, heard: string) {
    const { alike, isRight } = matchWords(said.split(' '), heard.split(' '));
    return { alike: alike.map(({ reference, hypothesis }) => [reference, hypothesis]), isRight };
  }

  it('are alike whatever their case, punctuation and accepted spelling', () => {
    expect(matched('mister Hale realised it', 'Mr. Hale, realized it!')).toEqual({
      alike: [
        [0, 0],
        [1, 1],
        [2, 2],
        [3, 3],
      ],
      isRight: [true, true, true, true],
    });
  });

  it('keep their partners when others are missed or put between', () => {
    expect(matched('we walked along the river', 'We all walked along the liver.')).toEqual({
      alike: [
        [0, 0],
        [1, 2],
        [2, 3],
        [3, 4],
      ],
      isRight: [true, false, true, true, true, false],
    });
  });

  it('of several parts are right when all parts are', () => {
    expect(matched("i don't know", 'I do not know').isRight).toEqual([true, true, true, true]);
    expect(matched('i do know', "I don't know").isRight).toEqual([true, false, true]);
  });

  it('that are hesitations are neither right nor wrong', () => {
    expect(matched('well yes', 'Well, um, yes').isRight).toEqual([true, null, true]);
  });
});

describe('the references for word times', () => {
  it('cover the words of all recordings that the project brings, in order', async () => {
    const recordings = await synthesisedRecordings();
    expect(recordings.map(({ file }) => file).toSorted()).toEqual([
      'demo/demo.wav',
      'test/fixtures/garden.wav',
      'test/fixtures/manager-telephone.wav',
      'test/fixtures/river.wav',
    ]);
    for (const { words } of recordings) {
      const times = words.flatMap(({ startMs, endMs }) => [startMs, endMs]);
      expect(times.length).toBeGreaterThan(10);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
    }
  });
});

describe('the reliability of confidence', () => {
  const judgedAs = (confidence: number, count: number, right: number) =>
    Array.from({ length: count }, (_, i) => ({ confidence, isRight: i < right }));

  it('is perfect when words are right as often as it says', () => {
    expect(expectedCalibrationError([...judgedAs(0.75, 100, 75), ...judgedAs(0.2, 50, 10)])).toBeCloseTo(0, 10);
  });

  it('is the worse the further it is from that, each word counting the same', () => {
    const judged = [...judgedAs(0.95, 90, 90), ...judgedAs(1, 10, 0)];
    expect(reliability(judged)).toEqual([
      { from: 0.9, count: 100, meanConfidence: expect.closeTo(0.955), shareRight: 0.9 },
    ]);
    expect(expectedCalibrationError(judged)).toBeCloseTo(0.055, 10);
  });

  it('tells right from wrong as far as right ones are more sure', () => {
    expect(areaUnderCurve([...judgedAs(0.9, 5, 5), ...judgedAs(0.3, 5, 0)])).toBe(1);
    expect(areaUnderCurve([...judgedAs(0.9, 5, 0), ...judgedAs(0.3, 5, 5)])).toBe(0);
    expect(areaUnderCurve(judgedAs(0.7, 10, 4))).toBe(0.5);
  });

  it('of nothing is not known', () => {
    expect(expectedCalibrationError([])).toBeNull();
    expect(areaUnderCurve(judgedAs(0.7, 3, 3))).toBeNull();
  });
});
