import type { Figure, Outcome, Unit } from '../benchmark.ts';

const HEADINGS = ['', 'ours', 'bare limit', 'ratio'] as const;
const UNKNOWN = 'unknown';

/** The table of all figures, with the conditions under which they were measured. */
export function formatReport(
  conditions: readonly string[],
  outcomes: readonly { readonly name: string; readonly outcome: Outcome }[],
): string {
  const rows: (readonly string[])[] = [];
  const remarks: string[] = [];
  for (const { name, outcome } of outcomes) {
    if (outcome.kind === 'skipped') {
      remarks.push(`${name} was skipped: ${outcome.reason}`);
      continue;
    }
    rows.push(...outcome.figures.map((figure) => [`${name}: ${figure.what}`, ...cells(figure)]));
    remarks.push(...outcome.notes.map((note) => `${name}: ${note}`));
  }
  const table = rows.length === 0 ? [] : formatTable([HEADINGS, ...rows]);
  return [...conditions, ...block(table), ...block(remarks)].join('\n');
}

function block(lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', ...lines];
}

function cells({ ours, bareLimit, unit }: Figure): string[] {
  const ratio = ours === null || bareLimit === undefined || bareLimit === null ? null : ours / bareLimit;
  return [
    formatValue(ours, unit),
    bareLimit === undefined ? '' : formatValue(bareLimit, unit),
    ratio === null || !Number.isFinite(ratio) ? '' : `${ratio.toFixed(2)} ×`,
  ];
}

function formatValue(value: number | null, unit: Unit): string {
  if (value === null) return UNKNOWN;
  switch (unit) {
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
    case 'count':
      return value.toFixed(0);
  }
}

/** Columns as wide as their widest cell; the first to the left, figures to the right. */
function formatTable(rows: readonly (readonly string[])[]): string[] {
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    widths
      .map((width, column) => (column === 0 ? (row[0] ?? '').padEnd(width) : (row[column] ?? '').padStart(width)))
      .join('  ')
      .trimEnd();
  const [headings = [], ...body] = rows;
  return [line(headings), '─'.repeat(widths.reduce((sum, width) => sum + width + 2, -2)), ...body.map(line)];
}
