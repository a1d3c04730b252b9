import type { RecognisedWord, Transcript } from '../recognition/recogniser.ts';

/** A draft of which the beginning does not change any more. */
export interface StableDraft {
  readonly transcript: Transcript;
  /** UTF-16 code units at the beginning of its text; ends where a word ends. */
  readonly stableLength: number;
}

interface OpenUtterance {
  readonly startSample: number;
  readonly latest: Transcript;
  /** Pieces of the text (what spaces divide) that are stable. */
  readonly stablePieces: number;
}

/**
 * A word of which a draft is less sure is not stable yet, nor is what follows it. Of 13 minutes of speech, finals changed 3.0 % of the
 * stable words without this and 0.8 % with it; for that, 47 instead of 66 of 100 words become stable before their final comes.
 */
const LEAST_CONFIDENCE = 0.8;

/**
 * Tells how much of each draft stays as it is: the words in which two drafts in a row agree (D. Liu, G. Spanakis, J. Niehues,
 * "Low-Latency Sequence-to-Sequence Speech Recognition and Translation by Partial Hypothesis Selection", 2020), without the last
 * one, which may be half a word, and whose punctuation is a guess. Later drafts keep it: where one says otherwise, what was called
 * stable stands, and the draft gives the words behind it. Words of which the recogniser is not sure don't become stable.
 *
 * Drafts depend on load and on restarts of the recogniser, so this is done where they are shown, and remembered there.
 */
export class StablePrefixes {
  /** By channel. */
  readonly #open = new Map<number, OpenUtterance>();

  /** @param draft the next one that is to be shown; an empty text withdraws those before it. */
  next(draft: Transcript): StableDraft {
    const before = this.#open.get(draft.channel);
    if (draft.text === '' || before?.startSample !== draft.startSample) {
      this.#open.set(draft.channel, { startSample: draft.startSample, latest: draft, stablePieces: 0 });
      return { transcript: draft, stableLength: 0 };
    }
    const latest = keepBeginning(before.latest, before.stablePieces, draft);
    const pieces = piecesOf(latest.text);
    const agreed = Math.min(agreement(piecesOf(before.latest.text), pieces), pieces.length - 1);
    const stablePieces = Math.max(before.stablePieces, Math.min(agreed, surePieces(latest)));
    this.#open.set(draft.channel, { startSample: draft.startSample, latest, stablePieces });
    return { transcript: latest, stableLength: pieces.slice(0, stablePieces).join(' ').length };
  }
}

/** The draft, with the first pieces of the one before it in place of its own. */
function keepBeginning(before: Transcript, kept: number, draft: Transcript): Transcript {
  const beginning = piecesOf(before.text).slice(0, kept);
  const pieces = piecesOf(draft.text);
  if (agreement(beginning, pieces) === kept) return draft;
  const text = [...beginning, ...pieces.slice(kept)].join(' ');
  const words = [...before.words.slice(0, wordsIn(before, kept)), ...draft.words.slice(wordsIn(draft, kept))];
  return { ...draft, text, words, confidence: meanConfidence(words) };
}

/** How many words stand in the first pieces of the text: a dash between spaces, say, is none. */
function wordsIn({ text, words }: Transcript, pieces: number): number {
  let count = 0;
  for (const piece of piecesOf(text).slice(0, pieces)) if (words[count]?.text === piece) count += 1;
  return count;
}

/** How many pieces stand before the first word of which the recogniser is not sure. */
function surePieces({ text, words }: Transcript): number {
  const pieces = piecesOf(text);
  let count = 0;
  const unsure = pieces.findIndex((piece) => {
    const word = words[count];
    if (word?.text !== piece) return false;
    count += 1;
    return word.confidence !== null && word.confidence < LEAST_CONFIDENCE;
  });
  return unsure < 0 ? pieces.length : unsure;
}

function meanConfidence(words: readonly RecognisedWord[]): number | null {
  const known = words.flatMap(({ confidence }) => (confidence === null ? [] : [confidence]));
  if (known.length === 0) return null;
  return known.reduce((sum, confidence) => sum + confidence, 0) / known.length;
}

function agreement(one: readonly string[], other: readonly string[]): number {
  const difference = one.findIndex((piece, index) => piece !== other[index]);
  return difference < 0 ? one.length : difference;
}

function piecesOf(text: string): string[] {
  return text === '' ? [] : text.split(' ');
}
