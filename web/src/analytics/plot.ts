/** In CSS pixels; the chart's height never changes, so that nothing around it moves. */
export const HEIGHT = 176;
const LEFT = 56;
const RIGHT = 16;
const TOP = 10;
const BOTTOM = 26;
const WIDEST_BAR = 36;
const BAR_SHARE = 0.72;
/** What the name of a period takes on the axis. */
const NAME_PX = 64;

/** Where things are in a chart of so many periods. */
export interface Plot {
  readonly width: number;
  readonly left: number;
  readonly right: number;
  readonly bottom: number;
  readonly bandWidth: number;
  readonly barWidth: number;
  /** The middle of a period's band. */
  readonly middleOf: (index: number) => number;
  /** The period at a place, as far as there is one. */
  readonly indexAt: (x: number) => number | null;
  readonly yOf: (value: number) => number;
  /** Every how many periods one is named on the axis. */
  readonly nameEvery: number;
}

export function plotOf(width: number, count: number, ticks: readonly number[]): Plot {
  const [left, right, bottom] = [LEFT, width - RIGHT, HEIGHT - BOTTOM];
  const bandWidth = Math.max(0, right - left) / Math.max(1, count);
  const [least, most] = [ticks.at(0) ?? 0, ticks.at(-1) ?? 1];
  return {
    width,
    left,
    right,
    bottom,
    bandWidth,
    barWidth: Math.max(1, Math.min(WIDEST_BAR, bandWidth * BAR_SHARE)),
    middleOf: (index) => left + (index + 0.5) * bandWidth,
    indexAt: (x) => (x < left || x >= right || bandWidth === 0 ? null : Math.floor((x - left) / bandWidth)),
    yOf: (value) => bottom - ((value - least) / (most - least || 1)) * (bottom - TOP),
    nameEvery: bandWidth === 0 ? count : Math.max(1, Math.ceil(NAME_PX / bandWidth)),
  };
}

/** Runs of neighbours whose value is known: a line goes through each, and never across a gap. */
export function runsOf(values: readonly (number | null)[]): { readonly index: number; readonly value: number }[][] {
  const runs: { index: number; value: number }[][] = [];
  for (const [index, value] of values.entries()) {
    if (value === null) continue;
    const last = runs.at(-1);
    if (last?.at(-1)?.index === index - 1) last.push({ index, value });
    else runs.push([{ index, value }]);
  }
  return runs;
}
