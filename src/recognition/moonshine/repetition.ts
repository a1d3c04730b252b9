/** A loop repeats at least this many tokens in all… */
export const LOOP_MIN_TOKENS = 24;
/** …and its pattern at least this many times. */
export const LOOP_MIN_REPETITIONS = 5;
/** Longest pattern that is looked for, tokens. */
const LONGEST_PATTERN = 12;

/**
 * Greedy decoding can fall into a loop, where it repeats a few tokens until its limit. People repeat themselves as well
 * ("merrily, merrily, merrily, merrily"), but not so often: a loop is a pattern of up to 12 tokens that stands at the end
 * of the text five times in a row or more, 24 tokens or more in all.
 *
 * @returns how many tokens to keep, which is up to the end of the pattern's first occurrence; `null` without a loop.
 */
export function endBeforeLoop(tokens: readonly number[]): number | null {
  for (let pattern = 1; pattern <= LONGEST_PATTERN; pattern++) {
    const looped = Math.max(LOOP_MIN_REPETITIONS * pattern, Math.ceil(LOOP_MIN_TOKENS / pattern) * pattern);
    if (tokens.length < looped) continue;
    const start = tokens.length - looped;
    if (isPeriodic(tokens, start, pattern)) return start + pattern;
  }
  return null;
}

function isPeriodic(tokens: readonly number[], start: number, period: number): boolean {
  for (let i = start + period; i < tokens.length; i++) {
    if (tokens[i] !== tokens[i - period]) return false;
  }
  return true;
}
