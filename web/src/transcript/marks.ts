import type { ShownSegment, ShownWord } from './segments.ts';

/** A stretch of a text, in UTF-16 code units; the end is not of it. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
}

export interface Hit extends Stretch {
  /** Index of its segment. */
  readonly segment: number;
}

export interface Piece {
  readonly text: string;
  /** Found by a search. */
  readonly isHit: boolean;
  /** The one of them that is looked at. */
  readonly isCurrent: boolean;
  /** The recogniser is not sure of it. */
  readonly isUnsure: boolean;
}

/** Below it a word is more likely to be wrong than right. */
const UNSURE = 0.5;

/** Where the text says it, in the order of reading; case does not matter. */
export function findHits(finals: readonly ShownSegment[], wanted: string): Hit[] {
  const words = wanted.trim();
  if (words === '') return [];
  const pattern = new RegExp(
    words.replaceAll(/[$()*+./?[\\\]^{|}]/gu, String.raw`\$&`).replaceAll(/\s+/gu, String.raw`\s+`),
    'giu',
  );
  return finals.flatMap(({ text }, segment) =>
    Array.from(text.matchAll(pattern), ({ index, 0: found }) => ({ segment, start: index, end: index + found.length })),
  );
}

/** Where each word stands in the text; `null` for one that is not there, as when somebody has edited it. */
export function wordStretches(text: string, words: readonly ShownWord[]): (Stretch | null)[] {
  let from = 0;
  return words.map(({ text: word }) => {
    const start = text.indexOf(word, from);
    if (start === -1) return null;
    from = start + word.length;
    return { start, end: from };
  });
}

/** The words of low confidence, where they stand in the text. */
export function unsureStretches(text: string, words: readonly ShownWord[]): Stretch[] {
  return wordStretches(text, words).filter((stretch, index): stretch is Stretch => {
    const confidence = words[index]?.confidence ?? null;
    return stretch !== null && confidence !== null && confidence < UNSURE;
  });
}

/** Cuts a text wherever something about it changes. */
export function piecesOf(
  text: string,
  marks: { readonly hits: readonly Stretch[]; readonly current: Stretch | null; readonly unsure: readonly Stretch[] },
): Piece[] {
  const { hits, current, unsure } = marks;
  const edges = new Set([0, text.length]);
  for (const { start, end } of [...hits, ...unsure]) edges.add(start).add(end);
  const cuts = [...edges].toSorted((a, b) => a - b);
  const isIn = (position: number) => (stretch: Stretch) => stretch.start <= position && position < stretch.end;
  return cuts.slice(0, -1).map((start, index) => ({
    text: text.slice(start, cuts[index + 1]),
    isHit: hits.some(isIn(start)),
    isCurrent: current !== null && isIn(start)(current),
    isUnsure: unsure.some(isIn(start)),
  }));
}
