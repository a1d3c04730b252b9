import fc from 'fast-check';
import llamaTokenizer from 'llama-tokenizer-js';
import { describe, expect, it } from 'vitest';
import type { Hypothesis } from '../../src/recognition/engine.ts';
import { calibrated, CALIBRATIONS } from '../../src/recognition/moonshine/calibration.ts';
import { tokenLimit } from '../../src/recognition/moonshine/decoder.ts';
import { isInForeignScript, toHypothesis as hypothesisOf } from '../../src/recognition/moonshine/hypothesis.ts';
import type { DecodedToken } from '../../src/recognition/moonshine/prediction.ts';
import { endBeforeLoop, LOOP_IN_A_MOMENT } from '../../src/recognition/moonshine/repetition.ts';
import { textOf } from '../../src/recognition/moonshine/vocabulary.ts';

/** As probable as its least probable token, and without times. */
function toHypothesis(tokens: readonly DecodedToken[]): Hypothesis {
  return hypothesisOf(tokens, { confidenceOf: Math.exp, timesOf: () => [] });
}

function idsOf(text: string): number[] {
  return llamaTokenizer.encode(text, false);
}

/** Tokens of a text, each with probability 0.9 unless its own text is listed. */
function tokensOf(text: string, probabilities: Record<string, number> = {}): DecodedToken[] {
  return idsOf(text).map((id) => ({ id, logProbability: Math.log(probabilities[textOf([id])] ?? 0.9) }));
}

describe('the text of tokens', () => {
  it.each(['Hello, world!', "It's five o'clock.", 'naïve café', '日本語 and 😀', 'Antidisestablishmentarianism'])(
    'is what was put into them: %s',
    (text) => {
      expect(textOf(idsOf(text))).toBe(text);
    },
  );

  it('leaves out marks, and ids that stand for no text', () => {
    expect(textOf([1, ...idsOf('yes'), 2, 0, 32_000, 32_767])).toBe('yes');
  });

  it('shows bytes that form no character as such, and leaves out those that only begin one at the end', () => {
    const brokenOff = idsOf('😀').slice(0, -1);
    expect(textOf([...brokenOff, ...idsOf('a')])).toMatch(/^\u{FFFD} ?a$/u);
    expect(textOf([...idsOf('a'), ...brokenOff])).toBe('a');
  });
});

describe('a hypothesis', () => {
  it('has the words of its text, punctuation attached', () => {
    const hypothesis = toHypothesis(tokensOf("Well, it's incomprehensible: 42!"));
    expect(hypothesis.text).toBe("Well, it's incomprehensible: 42!");
    expect(hypothesis.words.map((word) => word.text)).toEqual(['Well,', "it's", 'incomprehensible:', '42!']);
  });

  it('is as sure of a word as of its least certain part, and as sure of the whole as of its words on average', () => {
    const tokens = tokensOf('strange incomprehensible');
    const last = tokens.length - 1;
    const doubtful = tokens.map((token, i) => (i === last ? { ...token, logProbability: Math.log(0.3) } : token));
    const hypothesis = toHypothesis(doubtful);
    expect(hypothesis.words.map((word) => word.confidence)).toEqual([expect.closeTo(0.9), expect.closeTo(0.3)]);
    expect(hypothesis.confidence).toBeCloseTo(0.6);
  });

  it('does not doubt a word for its comma', () => {
    const hypothesis = toHypothesis(tokensOf('Yes, sir.', { ',': 0.2, '.': 0.1 }));
    expect(hypothesis.words.map((word) => word.confidence)).toEqual([expect.closeTo(0.9), expect.closeTo(0.9)]);
  });

  it('asks for the times of its words without their punctuation, and has them where they are known', () => {
    const asked: string[] = [];
    const said = '"Yes, incomprehensible!" - no';
    const hypothesis = hypothesisOf(tokensOf(said), {
      confidenceOf: Math.exp,
      timesOf: (words) => {
        asked.push(...words.map(({ first, last }) => textOf(idsOf(said).slice(first, last + 1))));
        return [{ start: 100, end: 200 }, null, { start: 300, end: 400 }];
      },
    });
    expect(asked).toEqual(['Yes', 'incomprehensible', 'no']);
    expect(hypothesis.words).toMatchObject([
      { text: '"Yes,', startSample: 100, endSample: 200 },
      { startSample: null, endSample: null },
      { text: 'no', startSample: 300, endSample: 400 },
    ]);
  });

  it('is as sure that a sentence has ended as of the mark that ends it', () => {
    expect(toHypothesis(tokensOf('Is it you?', { '?': 0.4 })).sentenceEnd).toBeCloseTo(0.4);
    expect(toHypothesis(tokensOf('It is.')).sentenceEnd).toBeCloseTo(0.9);
    for (const text of ['it is', 'it is,', 'it is:']) expect(toHypothesis(tokensOf(text)).sentenceEnd).toBe(0);
  });

  it('counts a lone dash as no word', () => {
    const hypothesis = toHypothesis(tokensOf('yes - no'));
    expect(hypothesis.text).toBe('yes - no');
    expect(hypothesis.words.map((word) => word.text)).toEqual(['yes', 'no']);
  });

  it.each([[''], ['.'], ['...'], [' - ']])('of "%s" alone means that nothing was said', (text) => {
    expect(toHypothesis(tokensOf(text))).toEqual({ text: '', words: [], confidence: null });
  });

  it('has one word for text in bytes, with a confidence', () => {
    const hypothesis = toHypothesis(tokensOf('😀'));
    expect(hypothesis.words).toHaveLength(1);
    expect(hypothesis.confidence).toBeCloseTo(0.9);
  });
});

describe.each(Object.entries(CALIBRATIONS))('the calibration of %s', (_, calibration) => {
  it('keeps the order of probabilities, and their bounds', () => {
    const logProbabilities = fc.double({ min: -30, max: 0, noNaN: true });
    fc.assert(
      fc.property(logProbabilities, logProbabilities, (one, other) => {
        const [low, high] = [Math.min(one, other), Math.max(one, other)].map((each) => calibrated(each, calibration));
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeGreaterThanOrEqual(low ?? NaN);
        expect(high).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('is sure of what is certain, and not of what is a toss-up', () => {
    expect(calibrated(0, calibration)).toBe(1);
    expect(calibrated(Math.log(0.999), calibration)).toBeGreaterThan(0.98);
    expect(calibrated(Math.log(0.5), calibration)).toBeLessThan(0.75);
    expect(calibrated(Math.log(0.2), calibration)).toBeLessThan(0.35);
  });
});

it('a calibration can leave everything as it is', () => {
  for (const p of [0.01, 0.3, 0.5, 0.99]) expect(calibrated(Math.log(p), { a: 1, b: 1, c: 0 })).toBeCloseTo(p, 12);
});

/** What a decoder that checks after each token keeps. */
function decodedUntilLoop(tokens: readonly number[]): number[] {
  for (let length = 1; length <= tokens.length; length++) {
    const end = endBeforeLoop(tokens.slice(0, length));
    if (end !== null) return tokens.slice(0, end);
  }
  return [...tokens];
}

function repeated(tokens: readonly number[], times: number): number[] {
  return Array.from({ length: times }, () => tokens).flat();
}

describe('a decoder in a loop', () => {
  it('says a word once that it would say three times or more in half a second', () => {
    const heard = (text: string) => idsOf(text).slice(0, endBeforeLoop(idsOf(text), LOOP_IN_A_MOMENT) ?? undefined);
    expect(textOf(heard('so so so so'))).toBe('so');
    expect(textOf(heard('say so so so'))).toBe('say so');
    expect(textOf(heard('so so'))).toBe('so so');
  });

  it.each([1, 2, 3, 5, 8, 12])('is stopped when it repeats a pattern of %i tokens, and says it once', (length) => {
    const before = idsOf('We walked along');
    const pattern = Array.from({ length }, (_, i) => 1000 + i);
    expect(decodedUntilLoop([...before, ...repeated(pattern, 40)])).toEqual([...before, ...pattern]);
  });

  it.each([
    'no, no, no, no, no',
    'ha ha ha ha ha ha ha ha',
    'very very very very very good',
    'I do not know. I do not know. I do not know.',
    'row, row, row your boat, gently down the stream, merrily, merrily, merrily, merrily, life is but a dream',
  ])('is not what people are who repeat themselves: %s', (text) => {
    expect(decodedUntilLoop(idsOf(text))).toEqual(idsOf(text));
  });
});

describe('the number of tokens', () => {
  it('is limited to 6.5 for each second of audio, and never to fewer than 4', () => {
    expect(tokenLimit(10 * 16_000)).toBe(65);
    expect(tokenLimit(1.1 * 16_000)).toBe(8);
    expect(tokenLimit(1_600)).toBe(4);
  });
});

describe('a draft in a script that the model can not mean', () => {
  it.each([
    ['好吃', true],
    ['Привет!', true],
    ['Naïve café, 好', false],
    ['1, 2, 3', false],
    ['', false],
  ])('%j: %s', (text, isForeign) => {
    expect(isInForeignScript(text)).toBe(isForeign);
  });
});
