import { UnsearchableTextError } from './store-errors.ts';

/** More than anybody remembers of a sentence; each costs a walk through the index. */
const MAX_WORDS = 50;
/** A beginning of one letter would be that of a good part of all words. */
const BEGINNING = /[\p{L}\p{N}\p{Co}]\p{M}*[\p{L}\p{N}\p{Co}]\p{M}*$/u;
const WORDS = /[\p{L}\p{N}\p{M}\p{Co}]+/gu;
/** A phrase in quotation marks, of which the second may be missing, or a word. */
const PARTS = /"(?<phrase>[^"]*)(?<close>"?)|[^\s"]+/gu;

/**
 * What a person typed, as an expression of FTS5 that finds all of its words, in any order, and what stands in quotation marks
 * as it stands. The last word may be the beginning of one, from two letters on, when nothing follows it. All is text:
 * each part becomes a string, in which nothing has a meaning for FTS5. https://www.sqlite.org/fts5.html#fts5_strings
 *
 * @throws UnsearchableTextError when it has no letter or digit, or too many words
 */
export function searchExpression(text: string): string {
  // FTS5 would take a NUL for the end of the expression.
  const typed = text.replaceAll('\0', ' ');
  const count = typed.match(WORDS)?.length ?? 0;
  if (count === 0) {
    throw new UnsearchableTextError('A search needs a letter or a digit: punctuation and symbols are not looked for.');
  }
  if (count > MAX_WORDS) throw new UnsearchableTextError(`A search may have ${MAX_WORDS} words at most.`);
  const strings = new Set<string>();
  for (const { 0: part, index, groups } of typed.matchAll(PARTS)) {
    const words = groups?.['phrase'] ?? part;
    if (words.match(WORDS) === null) continue;
    const isLast = index + part.length === typed.length && groups?.['close'] !== '"';
    strings.add(isLast && BEGINNING.test(words) ? `"${words}" *` : `"${words}"`);
  }
  // Not joined with AND: then a part that has nothing to look for would have to be found.
  return [...strings].join(' ');
}
