const MINUTE_S = 60;
const HOUR_S = 3_600;
/** Steps between which people count time in their heads, in seconds; from there on, tens of hours. */
const TIME_STEPS = [1, 2, 5, 10, 15, 30]
  .flatMap((step) => [step, step * MINUTE_S])
  .concat([1, 2, 3, 6, 12, 24].map((hours) => hours * HOUR_S));

/** Where an axis from zero is marked, so that the last mark is not below `most`: few, and at round figures. */
export function ticksOf(most: number, kind: 'count' | 'number' | 'time'): number[] {
  const steps = kind === 'time' ? timeSteps(most) : decimalSteps(kind === 'count' ? Math.max(most, 1) : most, kind);
  const step = steps.find((one) => one * MOST_STEPS >= most) ?? most;
  const count = Math.max(1, Math.ceil(most / step - 1e-9));
  return Array.from({ length: count + 1 }, (_, index) => index * step);
}

const MOST_STEPS = 4;

/**
 * Marks of an axis for shares that are near to one: up to 1, from as far below the least as it takes.
 * @param least 0 to 1
 */
export function shareTicks(least: number): number[] {
  const spread = 1 - least;
  const percents = [5, 10, 25].find((step) => spread * 100 <= step * MOST_STEPS) ?? 25;
  const count = Math.max(2, Math.ceil((spread * 100) / percents - 1e-9));
  return Array.from({ length: count + 1 }, (_, index) => (100 - (count - index) * percents) / 100);
}

function timeSteps(most: number): number[] {
  const sorted = TIME_STEPS.toSorted((a, b) => a - b);
  return [...sorted, ...decimalSteps(most / HOUR_S, 'count').map((hours) => hours * HOUR_S)];
}

/** 1, 2 and 5 of each power of ten that comes into question, ascending. */
function decimalSteps(most: number, kind: 'count' | 'number'): number[] {
  const power = most > 0 ? Math.floor(Math.log10(most)) : 0;
  const powers = [power - 1, power, power + 1].filter((one) => kind === 'number' || one >= 0);
  return powers.flatMap((one) => [1, 2, 5].map((digit) => digit * 10 ** one));
}
