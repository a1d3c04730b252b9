import type { Hypothesis, HypothesisWord } from '../engine.ts';
import type { DecodedToken } from './decoder.ts';
import { beginsWord, carriesWord, textOf } from './vocabulary.ts';

/** Nothing was said. */
export const NOTHING: Hypothesis = { text: '', words: [], confidence: null };

/**
 * Words and their confidences. A word's confidence is the lowest probability among its tokens, which agrees well with how
 * often words are right; punctuation has no say in it, since a doubtful comma says nothing about its word (area under the
 * ROC curve for right words 0.89, with punctuation 0.87). Tokens without a single word mean that nothing was said.
 */
export function toHypothesis(tokens: readonly DecodedToken[]): Hypothesis {
  const words = groupByWord(tokens).flatMap(toWord);
  if (words.length === 0) return NOTHING;
  const confidences = words.map((word) => word.confidence);
  return {
    text: textOf(tokens.map((token) => token.id)),
    words,
    confidence: confidences.reduce((sum, confidence) => sum + confidence, 0) / confidences.length,
  };
}

/** On the first syllables of an utterance the English model may write Chinese: no reader is helped by such a draft. */
export function isInForeignScript(text: string): boolean {
  return /\p{L}/u.test(text) && !/\p{Script=Latin}/u.test(text);
}

function groupByWord(tokens: readonly DecodedToken[]): DecodedToken[][] {
  const groups: DecodedToken[][] = [];
  let group: DecodedToken[] = [];
  for (const token of tokens) {
    if (beginsWord(token.id) || groups.length === 0) {
      group = [];
      groups.push(group);
    }
    group.push(token);
  }
  return groups;
}

/** A dash between spaces, say, stands in the text but is no word. */
function toWord(group: readonly DecodedToken[]): (HypothesisWord & { confidence: number })[] {
  const carriers = group.filter((token) => carriesWord(token.id));
  if (carriers.length === 0) return [];
  const confidence = Math.exp(Math.min(...carriers.map((token) => token.logProbability)));
  return [{ text: textOf(group.map((token) => token.id)), startSample: null, endSample: null, confidence }];
}
