// Where in its list somebody was stands in the browser's history: for who comes back to it, or loads the page again.

/** Rows from the front to which a list is loaded again at once. */
const FARTHEST = 1_000;

/** @returns the first row in sight, counted from 0 */
export function placeInHistory(): number {
  const state: unknown = history.state;
  if (typeof state !== 'object' || state === null || !('firstRow' in state)) return 0;
  return typeof state.firstRow === 'number' ? Math.min(state.firstRow, FARTHEST) : 0;
}

export function notePlace(firstRow: number): void {
  if (firstRow !== placeInHistory()) history.replaceState({ firstRow }, '');
}
