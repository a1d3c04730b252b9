import { TIMELINE_RATE } from '../../src/recognition/recogniser.ts';
import type { HeardUtterance } from './offline.ts';
import type { JoinedWord } from './joined-clips.ts';
import { matchWords } from './word-matches.ts';

/** How far references may be off: 34 ms for 95 of 100 words, against speech whose times are known. */
const TOLERANCE = (50 * TIMELINE_RATE) / 1000;

/** The last word that begins before the cut (by more than half of it), and the next one. */
export function wordsBeside(words: readonly JoinedWord[], cut: number): number[] {
  const next = words.findIndex(({ startSample, endSample }) => (startSample + endSample) / 2 >= cut);
  return next < 0 ? [] : [next - 1, next];
}

/** Which of the words that were said are in the texts, and whether one stands there twice in a row. */
export function hearing(said: readonly { readonly text: string }[], texts: readonly string[]) {
  const words = texts.flatMap((text) => text.split(/\s+/u).filter((word) => word !== ''));
  const { alike } = matchWords(
    said.map(({ text }) => text),
    words,
  );
  const placeOf = new Map(alike.map(({ reference, hypothesis }) => [reference, hypothesis]));
  const taken = new Set(placeOf.values());
  const plain = words.map((word) => word.toLowerCase().replaceAll(/[^a-z']/gu, ''));
  return {
    isHeard: (index: number) => placeOf.has(index),
    isDoubled: (index: number) => {
      const place = placeOf.get(index);
      if (place === undefined) return false;
      return [place - 1, place + 1].some((other) => !taken.has(other) && plain[other] === plain[place]);
    },
  };
}

export function isInOne(
  word: JoinedWord,
  utterances: readonly Pick<HeardUtterance, 'startSample' | 'endSample'>[],
): boolean {
  return utterances.some(
    ({ startSample, endSample }) =>
      startSample <= word.startSample + TOLERANCE && word.endSample - TOLERANCE <= endSample,
  );
}
