import { alignWords, isBoth, normaliseWords } from '../word-error-rate.ts';

export interface WordMatches {
  /** Words that were said and heard alike, by their indices, in order. */
  readonly alike: readonly { readonly reference: number; readonly hypothesis: number }[];
  /** For each word that was heard whether it was said; `null` for one that does not count, such as a hesitation. */
  readonly isRight: readonly (boolean | null)[];
}

/**
 * Compares words as they are written, by the rules of the word error rate: "Mr." is "mister", and "don't" is two words, both
 * of which must be right.
 */
export function matchWords(reference: readonly string[], hypothesis: readonly string[]): WordMatches {
  const said = reference.map(normaliseWords);
  const heard = hypothesis.map(normaliseWords);
  const saidParts = parts(said);
  const heardParts = parts(heard);
  const pairs = alignWords(
    saidParts.map(({ text }) => text),
    heardParts.map(({ text }) => text),
  ).flatMap((pair) => {
    const one = isBoth(pair) ? saidParts[pair.reference] : undefined;
    const other = isBoth(pair) ? heardParts[pair.hypothesis] : undefined;
    return one && other && one.text === other.text ? [{ said: one, heard: other }] : [];
  });

  const rightParts = heard.map((_, word) => pairs.filter((pair) => pair.heard.word === word).length);
  const isRight = heard.map((each, word) => (each.length === 0 ? null : rightParts[word] === each.length));
  return {
    alike: pairs
      .filter((pair) => pair.said.part === 0 && pair.heard.part === 0 && isRight[pair.heard.word] === true)
      .map((pair) => ({ reference: pair.said.word, hypothesis: pair.heard.word })),
    isRight,
  };
}

function parts(words: readonly (readonly string[])[]): { text: string; word: number; part: number }[] {
  return words.flatMap((each, word) => each.map((text, part) => ({ text, word, part })));
}
