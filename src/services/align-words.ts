import type { Word } from '../database/session-records.ts';

/**
 * The words of a corrected text. Those that the recogniser had written stay what they were heard to be, with their times and
 * their confidence, also where only their case or punctuation changed; for others nobody knows either, so both are `null`.
 *
 * Which words stayed is the longest common subsequence of the two texts, by words: what a correction leaves, stays in order.
 * https://en.wikipedia.org/wiki/Longest_common_subsequence (by dynamic programming: texts of an utterance are short).
 *
 * @param heard the words as the recogniser wrote them
 */
export function alignWords(heard: readonly Word[], text: string): Word[] {
  const written = text.split(/\s+/u).filter((word) => word !== '');
  const before = heard.map((word) => essenceOf(word.text));
  const after = written.map(essenceOf);
  const partners = commonSubsequence(before, after);
  return written.map((word, index) => {
    const partner = heard[partners.get(index) ?? -1];
    if (partner === undefined) return { text: word, startMs: null, endMs: null, confidence: null };
    return { ...partner, text: word };
  });
}

/** What makes it this word and no other: without case, and without the punctuation around it. */
function essenceOf(word: string): string {
  const bare = word
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, '');
  return bare === '' ? word : bare;
}

/** By index in `after`: the index in `before` of the same entry, where it is of the longest common subsequence. */
function commonSubsequence(before: readonly string[], after: readonly string[]): Map<number, number> {
  const partners = new Map<number, number>();
  let start = 0;
  while (start < before.length && before[start] === after[start] && start < after.length) {
    partners.set(start, start);
    start += 1;
  }
  let [beforeEnd, afterEnd] = [before.length, after.length];
  while (beforeEnd > start && afterEnd > start && before[beforeEnd - 1] === after[afterEnd - 1]) {
    beforeEnd -= 1;
    afterEnd -= 1;
    partners.set(afterEnd, beforeEnd);
  }

  // How many entries two tails have in common, one row for each entry of `before` that is left.
  const columns = afterEnd - start + 1;
  const lengths = new Uint32Array((beforeEnd - start + 1) * columns);
  const lengthAt = (i: number, j: number) => lengths[(i - start) * columns + (j - start)] ?? 0;
  for (let i = beforeEnd - 1; i >= start; i--) {
    for (let j = afterEnd - 1; j >= start; j--) {
      lengths[(i - start) * columns + (j - start)] =
        before[i] === after[j] ? lengthAt(i + 1, j + 1) + 1 : Math.max(lengthAt(i + 1, j), lengthAt(i, j + 1));
    }
  }
  for (let [i, j] = [start, start]; i < beforeEnd && j < afterEnd;) {
    if (before[i] === after[j]) {
      partners.set(j, i);
      i += 1;
      j += 1;
    } else if (lengthAt(i + 1, j) >= lengthAt(i, j + 1)) i += 1;
    else j += 1;
  }
  return partners;
}
