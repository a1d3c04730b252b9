import { describe, expect, it } from 'vitest';
import { cutBetweenWords } from '../../src/recognition/cut-between-words.ts';
import { FRAME_SAMPLES, type Hypothesis } from '../../src/recognition/engine.ts';

/** An utterance of frames 100 to 500, whose words each end where the next begins. */
const UTTERANCE = { startFrame: 100, endFrame: 500 };
const WORDS: readonly [text: string, startFrame: number, endFrame: number][] = [
  ['I', 100, 150],
  ['would', 150, 220],
  ['like', 220, 300],
  ['to', 300, 350],
  ['speak', 350, 430],
  ['now', 430, 500],
];

/** What is heard in a range: the words that lie in it whole, those that are cut as `fragments` says, or not at all. */
function hear(from: number, to: number, fragments: Readonly<Record<string, string>> = {}): Hypothesis {
  const words = WORDS.flatMap(([text, start, end]) => {
    if (end <= from || start >= to) return [];
    const heard = from <= start && end <= to ? text : fragments[text];
    const [startSample, endSample] = [(start - from) * FRAME_SAMPLES, (end - from) * FRAME_SAMPLES];
    return heard === undefined ? [] : [{ text: heard, startSample, endSample, confidence: 1 }];
  });
  return { text: words.map(({ text }) => text).join(' '), words, confidence: 1 };
}

/** Dips of the voice at these frames, the deepest first; each belongs to the gap that is nearest. */
function endpointer(dips: readonly number[]) {
  return {
    cutsIn: <Gap extends { fromFrame: number }>(gaps: readonly Gap[]) =>
      dips.flatMap((frame) => {
        const nearest = gaps.toSorted((a, b) => Math.abs(a.fromFrame - frame) - Math.abs(b.fromFrame - frame))[0];
        return nearest === undefined ? [] : [{ frame, gap: nearest }];
      }),
  };
}

describe('the place at which an overlong utterance is cut', () => {
  it('is the deepest dip between words', async () => {
    expect(await cutBetweenWords(endpointer([300, 350]), UTTERANCE, async (from, to) => hear(from, to))).toBe(300);
  });

  it('is another one where the next word would be heard as something else, or the word before', async () => {
    const fragments = { speak: 'Peek', like: 'lie' };
    const decode = async (from: number, to: number) => hear(from, to, fragments);
    expect(await cutBetweenWords(endpointer([358, 292, 430]), UTTERANCE, decode)).toBe(430);
  });

  it('does not mind that a sentence seems to begin and end there', async () => {
    const decode = async (from: number, to: number) => {
      const heard = hear(from, to);
      const written = (text: string, index: number) =>
        index === 0 ? text.toUpperCase() : index === heard.words.length - 1 ? `${text}.` : text;
      return { ...heard, words: heard.words.map((word, i) => ({ ...word, text: written(word.text, i) })) };
    };
    expect(await cutBetweenWords(endpointer([300]), UTTERANCE, decode)).toBe(300);
  });

  it('is the deepest dip between words after all, when three places are no better', async () => {
    const tried: number[] = [];
    const decode = async (from: number, to: number) => {
      if (from === UTTERANCE.startFrame && to !== UTTERANCE.endFrame) tried.push(to);
      return hear(from, to);
    };
    expect(await cutBetweenWords(endpointer([340, 310, 290, 300]), UTTERANCE, decode)).toBe(340);
    expect(tried).toEqual([340, 310, 290]);
  });

  it('is not known where the words have no times, are too few, or are not wanted any more', async () => {
    const noTimes = {
      ...hear(100, 500),
      words: [{ text: 'so', startSample: null, endSample: null, confidence: null }],
    };
    for (const whole of [noTimes, hear(100, 150), null]) {
      expect(await cutBetweenWords(endpointer([300]), UTTERANCE, () => Promise.resolve(whole))).toBeNull();
    }
  });
});
