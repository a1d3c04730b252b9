import type { Figure } from '../benchmark.ts';
import { alignWords, isBoth } from '../word-error-rate.ts';
import type { SeenSegment } from './live-stream.ts';

/** How captions changed after they had been shown, in words. */
interface Flicker {
  /** Words of all interims: one that is in three of them was shown three times. */
  shown: number;
  /** Replaced, or gone, in the next version of their segment (an interim or the final). */
  changed: number;
  /** The same, where case and punctuation don't count. */
  changedInSound: number;
  /** Words that had become stable, each once. */
  stable: number;
  /** Of them, those that a later interim did not keep as they were. */
  stableNotKept: number;
  /** Of them, those that the final says otherwise, without case and punctuation. */
  stableNotInFinal: number;
}

/** @param streams the versions of segments of each, in the order in which they came. */
export function flickerFigures(streams: readonly (readonly SeenSegment[])[]): Figure[] {
  const flicker = { shown: 0, changed: 0, changedInSound: 0, stable: 0, stableNotKept: 0, stableNotInFinal: 0 };
  for (const segments of streams) {
    for (const id of new Set(segments.map((segment) => segment.id))) {
      addChanges(
        flicker,
        segments.filter((segment) => segment.id === id),
      );
    }
  }
  const { shown, changed, changedInSound, stable, stableNotKept, stableNotInFinal } = flicker;
  const share = (part: number, all: number) => (all === 0 ? null : part / all);
  return [
    { what: 'words of interims', unit: 'count', ours: shown },
    { what: 'words of interims, changed in the next version', unit: 'percent', ours: share(changed, shown) },
    {
      what: 'words of interims, changed in more than case and punctuation',
      unit: 'percent',
      ours: share(changedInSound, shown),
    },
    { what: 'stable words', unit: 'count', ours: stable },
    {
      what: 'stable words, changed by a later interim',
      unit: 'percent',
      ours: share(stableNotKept, stable),
      target: { of: 'ours', atMost: 0 },
    },
    {
      what: 'stable words, changed by the final in more than case and punctuation',
      unit: 'percent',
      ours: share(stableNotInFinal, stable),
      target: { of: 'ours', atMost: 0.01 },
    },
  ];
}

function addChanges(flicker: Flicker, versions: readonly SeenSegment[]): void {
  let kept = '';
  for (const [index, version] of versions.entries()) {
    // Withdrawn: there is nothing that the words could be compared with.
    if (version.text === '') return;
    if (version.kind === 'INTERIM' && !version.text.startsWith(kept)) flicker.stableNotKept += wordsOf(kept).length;
    const before = versions[index - 1];
    if (before !== undefined) {
      const words = wordsOf(before.text);
      flicker.shown += words.length;
      flicker.changed += missing(words, wordsOf(version.text));
      flicker.changedInSound += missing(words.map(sound), wordsOf(version.text).map(sound));
    }
    if (version.kind === 'FINAL') {
      const stable = wordsOf(kept).map(sound);
      flicker.stable += stable.length;
      flicker.stableNotInFinal += missing(stable, wordsOf(version.text).map(sound));
    } else kept = version.text.slice(0, version.stableLength);
  }
}

/** How many of the words have no equal in the other text, which may go on behind them. */
function missing(words: readonly string[], other: readonly string[]): number {
  const equal = alignWords(words, other).filter(
    (pair) => isBoth(pair) && words[pair.reference] === other[pair.hypothesis],
  );
  return words.length - equal.length;
}

function wordsOf(text: string): string[] {
  return text.split(' ').filter((word) => word !== '');
}

function sound(word: string): string {
  return word.toLowerCase().replaceAll(/[^\p{L}\p{N}']/gu, '');
}
