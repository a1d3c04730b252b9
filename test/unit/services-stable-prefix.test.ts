import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Transcript } from '../../src/recognition/recogniser.ts';
import { StablePrefixes, type StableDraft } from '../../src/services/stable-prefix.ts';

/** Of one word the recogniser may not be sure; of the others it is the more, the longer they are. */
function draft(text: string, { startSample = 0, channel = 0, unsure = '' } = {}): Transcript {
  const words = text.split(' ').flatMap((word) => {
    const confidence = word === unsure ? 0.7 : 0.8 + word.length / 100;
    return /\w/u.test(word) ? [{ text: word, startSample: null, endSample: null, confidence }] : [];
  });
  return { channel, startSample, endSample: startSample + 16_000, text, words, confidence: 0.5, revision: 1 };
}

function stablePart({ transcript, stableLength }: StableDraft): string {
  return transcript.text.slice(0, stableLength);
}

function shownOf(texts: readonly string[]): StableDraft[] {
  const prefixes = new StablePrefixes();
  return texts.map((text) => prefixes.next(draft(text)));
}

describe('the stable part of a draft', () => {
  it('is what two drafts in a row agree on, without the last word', () => {
    const shown = shownOf(['I would', 'I would like two', 'I would like to speak to', 'I would like to speak to the']);
    expect(shown.map(stablePart)).toEqual(['', 'I would', 'I would like', 'I would like to speak to']);
  });

  it('leaves out a word whose punctuation changes, and one that may be half a word', () => {
    const shown = shownOf(['Hello.', 'Hello, wor', 'Hello, world', 'Hello, world']);
    expect(shown.map(stablePart)).toEqual(['', '', 'Hello,', 'Hello,']);
  });

  it('stays when a later draft says otherwise, which gives the words behind it', () => {
    const shown = shownOf(['we saw the', 'we saw the sea', 'he saw — the sea was calm']);
    expect(shown.map(stablePart)).toEqual(['', 'we saw the', 'we saw the']);
    const last = shown.at(-1)?.transcript;
    expect(last?.text).toBe('we saw the the sea was calm');
    expect(last?.words.map(({ text }) => text).join(' ')).toBe(last?.text);
    expect(last?.confidence).toBeCloseTo((0.82 + 5 * 0.83 + 0.84) / 7);
  });

  it('ends before a word of which the recogniser is not sure, until it is', () => {
    const prefixes = new StablePrefixes();
    prefixes.next(draft('we — saw the sea'));
    expect(stablePart(prefixes.next(draft('we — saw the sea', { unsure: 'saw' })))).toBe('we —');
    expect(stablePart(prefixes.next(draft('we — saw the sea')))).toBe('we — saw the');
  });

  it('stays where the recogniser is less sure of it later', () => {
    const prefixes = new StablePrefixes();
    prefixes.next(draft('we saw the sea'));
    prefixes.next(draft('we saw the sea and'));
    expect(stablePart(prefixes.next(draft('we saw the sea and the', { unsure: 'saw' })))).toBe('we saw the sea');
  });

  it('stays when a later draft is shorter', () => {
    const shown = shownOf(['we saw the sea', 'we saw the sea and', 'we']);
    expect(shown.at(-1)?.transcript.text).toBe('we saw the sea');
    expect(shown.map(stablePart).at(-1)).toBe('we saw the sea');
  });

  it('is of one utterance and one channel', () => {
    const prefixes = new StablePrefixes();
    prefixes.next(draft('one two three'));
    prefixes.next(draft('one two', { channel: 1 }));
    expect(stablePart(prefixes.next(draft('one two three four')))).toBe('one two three');
    expect(stablePart(prefixes.next(draft('one two three', { channel: 1 })))).toBe('one two');
    expect(stablePart(prefixes.next(draft('one two three four', { startSample: 32_000 })))).toBe('');
  });

  it('is gone when the draft is withdrawn', () => {
    const shown = shownOf(['thank you so', 'thank you so much', '', 'thank you so much', 'thanks']);
    expect(shown.map(({ stableLength }) => stableLength)).toEqual([0, 12, 0, 0, 0]);
    expect(shown.map(({ transcript }) => transcript.text).slice(2)).toEqual(['', 'thank you so much', 'thanks']);
  });

  it('only grows, is where later drafts begin, and ends with a word, whatever the drafts say', () => {
    const word = fc.constantFrom('a', 'b', 'b.', 'cd', '—');
    const text = fc.array(word, { minLength: 1, maxLength: 6 }).map((words) => words.join(' '));
    fc.assert(
      fc.property(fc.array(text, { maxLength: 8 }), (texts) => {
        let stable = '';
        for (const shown of shownOf(texts)) {
          const now = stablePart(shown);
          expect(shown.transcript.text.startsWith(stable)).toBe(true);
          expect(now.startsWith(stable)).toBe(true);
          const endsWithWord = now === '' || [undefined, ' '].includes(shown.transcript.text[now.length]);
          expect(endsWithWord).toBe(true);
          const words = shown.transcript.words.map((one) => one.text);
          expect(words).toEqual(shown.transcript.text.split(' ').filter((piece) => piece !== '—'));
          stable = now;
        }
      }),
    );
  });
});
