/**
 * The nearest-rank percentile: the smallest value that at least `share` of all values do not exceed, so always one that was
 * measured.
 *
 * @param share 0 to 1
 * @returns `null` when there are no values.
 */
export function percentile(values: readonly number[], share: number): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null;
}

/** @returns `null` when there are no values. */
export function largest(values: readonly number[]): number | null {
  return percentile(values, 1);
}
