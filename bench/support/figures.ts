import type { Figure, Target, Unit } from '../benchmark.ts';

export const FIGURE_HEADINGS = ['ours', 'bare limit', 'ratio', 'wanted', 'met'] as const;
const UNKNOWN = 'unknown';

/** A figure as a row of a table under `FIGURE_HEADINGS`; empty where it has none of that. */
export function formatFigure(figure: Figure): string[] {
  const { ours, bareLimit, unit, target } = figure;
  const ratio = ratioOf(figure);
  const met = isMet(figure);
  return [
    formatValue(ours, unit),
    bareLimit === undefined ? '' : formatValue(bareLimit, unit),
    ratio === null ? '' : `${ratio.toFixed(2)} ×`,
    target === undefined ? '' : formatTarget(target, unit),
    met === null ? '' : met ? 'yes' : 'NO',
  ];
}

function ratioOf({ ours, bareLimit }: Figure): number | null {
  if (ours === null || bareLimit === undefined || bareLimit === null) return null;
  const ratio = ours / bareLimit;
  return Number.isFinite(ratio) ? ratio : null;
}

/** `null` where nothing is wanted. What is not known does not meet what is wanted. */
export function isMet(figure: Figure): boolean | null {
  const { target } = figure;
  if (target === undefined) return null;
  const value = target.of === 'ratio' ? ratioOf(figure) : figure.ours;
  if (value === null) return false;
  return value <= (target.atMost ?? Infinity) && value >= (target.atLeast ?? -Infinity);
}

function formatTarget({ of, atMost, atLeast }: Target, unit: Unit): string {
  const format = (value: number) => (of === 'ratio' ? `${value} ×` : formatValue(value, unit));
  const bounds = [
    ...(atLeast === undefined ? [] : [`≥ ${format(atLeast)}`]),
    ...(atMost === undefined ? [] : [`≤ ${format(atMost)}`]),
  ];
  return bounds.join(', ');
}

function formatValue(value: number | null, unit: Unit): string {
  if (value === null) return UNKNOWN;
  switch (unit) {
    case 'µs':
      return `${value.toFixed(1)} µs`;
    case 'ms':
      return `${value.toFixed(value < 100 ? 2 : 0)} ms`;
    case 'cpu ms per s':
      return `${value.toFixed(value < 100 ? 2 : 0)} ms/s`;
    case 'seconds':
      return `${value.toFixed(1)} s`;
    case 'percent':
      return `${(value * 100).toFixed(2)} %`;
    case 'MiB':
      return `${value.toFixed(0)} MiB`;
    case 'times':
      return `${value.toFixed(1)} ×`;
    case 'per second':
      return `${value.toFixed(0)}/s`;
    case 'streams':
      return value.toFixed(1);
    case 'dB':
      return `${value.toFixed(1)} dB`;
    case 'count':
      return value.toFixed(0);
  }
}
