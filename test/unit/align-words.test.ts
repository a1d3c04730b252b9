import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Word } from '../../src/database/session-records.ts';
import { alignWords } from '../../src/services/align-words.ts';

function heardWords(text: string): Word[] {
  return text
    .split(' ')
    .filter((word) => word !== '')
    .map((word, index) => ({
      text: word,
      startMs: 100 * index,
      endMs: 100 * index + 80,
      confidence: 0.5 + 0.01 * index,
    }));
}

const words = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 8 }).map((list) => list.join(' '));

describe('the words of a corrected text', () => {
  it('keep their times and confidence where they stayed, and have neither where they are new', () => {
    const heard = heardWords('we wreck a nice beach today');
    expect(alignWords(heard, 'we recognise speech today')).toEqual([
      heard[0],
      { text: 'recognise', startMs: null, endMs: null, confidence: null },
      { text: 'speech', startMs: null, endMs: null, confidence: null },
      heard[5],
    ]);
  });

  it('stay the same words when only case or punctuation changes', () => {
    const heard = heardWords('yes it is');
    expect(alignWords(heard, '“Yes, it IS!”')).toEqual([
      { ...heard[0], text: '“Yes,' },
      heard[1],
      { ...heard[2], text: 'IS!”' },
    ]);
  });

  it('keep their places when some before or between them are taken away or put in', () => {
    const heard = heardWords('alpha bravo charlie delta');
    expect(alignWords(heard, 'bravo delta')).toEqual([heard[1], heard[3]]);
    expect(alignWords(heard, 'so alpha bravo well charlie delta then').map(({ startMs }) => startMs)).toEqual([
      null,
      0,
      100,
      null,
      200,
      300,
      null,
    ]);
  });

  it('are known of no words when the recogniser gave none', () => {
    expect(alignWords([], 'all new')).toEqual([
      { text: 'all', startMs: null, endMs: null, confidence: null },
      { text: 'new', startMs: null, endMs: null, confidence: null },
    ]);
  });

  it('read as the text does, in the order of time, whatever was changed', () => {
    fc.assert(
      fc.property(words, words, (before, after) => {
        const heard = heardWords(before);
        const aligned = alignWords(heard, after);
        expect(aligned.map(({ text }) => text).join(' ')).toBe(after);
        const times = aligned.flatMap(({ startMs }) => startMs ?? []);
        expect(times).toEqual([...new Set(times)].toSorted((a, b) => a - b));
        const isHeard = ({ startMs }: Word) => startMs !== null;
        expect(heard).toEqual(expect.arrayContaining(aligned.filter(isHeard)));
        const added = aligned.filter((word) => !isHeard(word));
        expect(added).toEqual(added.map(({ text }) => ({ text, startMs: null, endMs: null, confidence: null })));
      }),
    );
  });

  it('lose as few times as can be', () => {
    fc.assert(
      fc.property(words, words, (before, after) => {
        const kept = alignWords(heardWords(before), after).filter(({ startMs }) => startMs !== null).length;
        expect(kept).toBe(longestCommon(before.split(' ').filter(Boolean), after.split(' ').filter(Boolean)));
      }),
    );
  });
});

/** By trying everything. */
function longestCommon([a, ...restA]: readonly string[], [b, ...restB]: readonly string[]): number {
  if (a === undefined || b === undefined) return 0;
  if (a === b) return 1 + longestCommon(restA, restB);
  return Math.max(longestCommon(restA, [b, ...restB]), longestCommon([a, ...restA], restB));
}
