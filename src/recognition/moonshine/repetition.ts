/** What is taken for a loop: a pattern that stands at the end of the text so many times, and has so many tokens in all. */
export interface LoopBounds {
  readonly repetitions: number;
  readonly tokens: number;
}

/** People repeat themselves as well ("merrily, merrily, merrily, merrily"), but not so often. */
export const LOOP: LoopBounds = { repetitions: 5, tokens: 24 };

/** In a text that has as many tokens as half a second may have at most: nobody says a word three times in that. */
export const LOOP_IN_A_MOMENT: LoopBounds = { repetitions: 3, tokens: 3 };

/** Longest pattern that is looked for, tokens. */
const LONGEST_PATTERN = 12;

/**
 * Greedy decoding can fall into a loop, where it repeats a few tokens until its limit.
 *
 * @returns how many tokens to keep, which is up to the end of the pattern's first occurrence; `null` without a loop.
 */
export function endBeforeLoop(tokens: readonly number[], bounds: LoopBounds = LOOP): number | null {
  for (let pattern = 1; pattern <= LONGEST_PATTERN; pattern++) {
    const looped = Math.max(bounds.repetitions * pattern, Math.ceil(bounds.tokens / pattern) * pattern);
    if (tokens.length < looped) continue;
    const start = tokens.length - looped;
    if (isPeriodic(tokens, start, pattern)) return firstOccurrence(tokens, start, pattern) + pattern;
  }
  return null;
}

/** The pattern may stand there more often than it has to. */
function firstOccurrence(tokens: readonly number[], start: number, period: number): number {
  let first = start;
  while (first >= period && isPeriodic(tokens, first - period, period)) first -= period;
  return first;
}

function isPeriodic(tokens: readonly number[], start: number, period: number): boolean {
  for (let i = start + period; i < tokens.length; i++) {
    if (tokens[i] !== tokens[i - period]) return false;
  }
  return true;
}
