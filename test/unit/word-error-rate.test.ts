import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addErrors, normaliseWords, wordErrorRate, wordErrors } from '../../bench/word-error-rate.ts';

describe('normalising words', () => {
  it.each([
    ['Hello, World! — "Yes."', 'hello world yes'],
    ['Mr. and Mrs. Hale saw Dr. Bell', 'mister and missus hale saw doctor bell'],
    ["I don't; we can’t, they won't", 'i do not we can not they will not'],
    ["you're what I've, and I'm what you'll", 'you are what i have and i am what you will'],
    ["'Twas the 'best' of times", 'it was the best of times'],
    ["the captain's and the boys' ship", "the captain's and the boys ship"],
    ['um, well, uh, [laughter] yes', 'well yes'],
    ['a well-known café', 'a well known cafe'],
    ['the grey colour of my neighbour’s theatre', "the gray color of my neighbor's theater"],
    ['four hours of our labour', 'four hours of our labor'],
    ['salt & pepper', 'salt and pepper'],
  ])('%s', (text, words) => {
    expect(normaliseWords(text).join(' ')).toBe(words);
  });

  it.each([
    ['0', 'zero'],
    ['13 and 40', 'thirteen and forty'],
    ['$1,205', 'one thousand two hundred five dollars'],
    ['2 000 001', 'two zero one'],
    ['2,000,001', 'two million one'],
    ['3.14', 'three point one four'],
    ['50%', 'fifty percent'],
    ['in 1855, 1906 and 1900', 'in eighteen fifty five nineteen oh six and nineteen hundred'],
    ['the 1st, 2nd, 12th, 20th and 33rd', 'the first second twelfth twentieth and thirty third'],
    ['at 10:00', "at ten o'clock"],
    ['12345678901234', 'one two three four five six seven eight nine zero one two three four'],
  ])('spells out numbers: %s', (text, words) => {
    expect(normaliseWords(text)).toEqual(normaliseWords(words));
  });
});

describe('word errors', () => {
  it('are none between texts that differ in writing only', () => {
    expect(wordErrors('mister hale lived there in eighteen fifty', 'Mr. Hale lived there in 1850.')).toEqual({
      words: 7,
      substitutions: 0,
      deletions: 0,
      insertions: 0,
    });
  });

  it('are told apart by kind', () => {
    expect(wordErrors('the cat sat on the mat', 'the bat sat on mat')).toMatchObject({
      substitutions: 1,
      deletions: 1,
    });
    expect(wordErrors('the cat sat', 'the big cat sat down')).toMatchObject({ insertions: 2, substitutions: 0 });
  });

  it('count every word when nothing was heard, and every word that was heard in silence', () => {
    expect(wordErrors('one two three', '')).toMatchObject({ words: 3, deletions: 3 });
    expect(wordErrors('', 'one two')).toMatchObject({ words: 0, insertions: 2 });
  });

  it('make a rate over all words together, which is unknown without a word', () => {
    const errors = addErrors([wordErrors('a b c d', 'a b c x'), wordErrors('e f g h i j', 'e f g h i j k')]);
    expect(wordErrorRate(errors)).toBeCloseTo(2 / 10);
    expect(wordErrorRate(wordErrors('', 'noise'))).toBeNull();
  });

  it('add up: the reference less deletions plus insertions is as long as the hypothesis, at the least cost', () => {
    const text = fc.array(fc.constantFrom('red', 'green', 'blue', 'white'), { maxLength: 12 });
    fc.assert(
      fc.property(text, text, (reference, hypothesis) => {
        const errors = wordErrors(reference.join(' '), hypothesis.join(' '));
        const sum = errors.substitutions + errors.deletions + errors.insertions;
        expect(errors.words - errors.deletions + errors.insertions).toBe(hypothesis.length);
        expect(sum).toBeLessThanOrEqual(Math.max(reference.length, hypothesis.length));
        expect(sum).toBeGreaterThanOrEqual(Math.abs(reference.length - hypothesis.length));
        const reversed = wordErrors(hypothesis.join(' '), reference.join(' '));
        expect(reversed.substitutions + reversed.deletions + reversed.insertions).toBe(sum);
      }),
    );
  });
});
