import type { Hypothesis, HypothesisWord } from '../engine.ts';
import type { DecodedToken } from './prediction.ts';
import type { SampleRange } from './pauses.ts';
import { beginsWord, carriesWord, endsSentence, textOf } from './vocabulary.ts';
import type { TokenRange } from './word-times.ts';

/** Nothing was said. */
export const NOTHING: Hypothesis = { text: '', words: [], confidence: null };

/** What is known of words beside their tokens. */
export interface WordEvidence {
  /** Turns the logarithm of a word's lowest token probability into how often such words are right, 0..1. */
  readonly confidenceOf: (logProbability: number) => number;
  /** Tells when words were spoken, in samples of the decoded audio; `null` where it is not known. */
  readonly timesOf: (words: readonly TokenRange[]) => readonly (SampleRange | null)[];
}

/**
 * Words, their times and their confidences. A word's confidence comes from the lowest probability among its tokens, which
 * tells right words from wrong ones best; punctuation has no say in it, since a doubtful comma says nothing about its word
 * (area under the ROC curve for right words 0.89, with punctuation 0.87). Tokens without a single word mean that nothing was
 * said.
 */
export function toHypothesis(tokens: readonly DecodedToken[], { confidenceOf, timesOf }: WordEvidence): Hypothesis {
  const groups = wordGroups(tokens);
  if (groups.length === 0) return NOTHING;
  const times = timesOf(groups.map(({ carriers }) => carriers));
  const words = groups.map((group, index) => toWord(group, times[index] ?? null, confidenceOf));
  const confidences = words.map((word) => word.confidence);
  return {
    text: textOf(tokens.map((token) => token.id)),
    words,
    confidence: confidences.reduce((sum, confidence) => sum + confidence, 0) / confidences.length,
    sentenceEnd: sentenceEnd(tokens),
  };
}

/** The model writes punctuation: its probability for a full stop, question or exclamation mark that it wrote last. */
function sentenceEnd(tokens: readonly DecodedToken[]): number {
  const last = tokens.at(-1);
  return last !== undefined && endsSentence(last.id) ? Math.exp(last.logProbability) : 0;
}

/** On the first syllables of an utterance the English model may write Chinese: no reader is helped by such a draft. */
export function isInForeignScript(text: string): boolean {
  return /\p{L}/u.test(text) && !/\p{Script=Latin}/u.test(text);
}

interface WordGroup {
  readonly tokens: readonly DecodedToken[];
  /** The tokens that carry the word, its punctuation left out. */
  readonly carriers: TokenRange;
}

/** A dash between spaces, say, stands in the text but is no word. */
function wordGroups(tokens: readonly DecodedToken[]): WordGroup[] {
  const begins = tokens.flatMap((token, index) => (index === 0 || beginsWord(token.id) ? [index] : []));
  return begins.flatMap((begin, word) => {
    const group = tokens.slice(begin, begins[word + 1]);
    const first = group.findIndex((token) => carriesWord(token.id));
    if (first < 0) return [];
    const last = group.findLastIndex((token) => carriesWord(token.id));
    return [{ tokens: group, carriers: { first: begin + first, last: begin + last } }];
  });
}

function toWord(
  { tokens }: WordGroup,
  time: SampleRange | null,
  confidenceOf: WordEvidence['confidenceOf'],
): HypothesisWord & { confidence: number } {
  const carriers = tokens.filter((token) => carriesWord(token.id));
  return {
    text: textOf(tokens.map((token) => token.id)),
    startSample: time?.start ?? null,
    endSample: time?.end ?? null,
    confidence: confidenceOf(Math.min(...carriers.map((token) => token.logProbability))),
  };
}
