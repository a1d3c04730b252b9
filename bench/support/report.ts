import { FIGURE_HEADINGS, formatFigure } from './figures.ts';
import type { Result } from './results.ts';

const HEADINGS = ['', ...FIGURE_HEADINGS];

/** One table of all figures, and the notes. */
export function formatReport(
  conditions: readonly string[],
  results: readonly Pick<Result, 'name' | 'outcome'>[],
): string {
  const rows: (readonly string[])[] = [];
  const remarks: string[] = [];
  for (const { name, outcome } of results) {
    if (outcome.kind === 'skipped') {
      remarks.push(`${name} was skipped: ${outcome.reason}`);
      continue;
    }
    if (outcome.kind === 'failed') {
      remarks.push(`${name} failed: ${outcome.reason}`);
      continue;
    }
    rows.push(...outcome.figures.map((figure) => [`${name}: ${figure.what}`, ...formatFigure(figure)]));
    remarks.push(...outcome.notes.map((note) => `${name}: ${note}`));
  }
  const table = rows.length === 0 ? [] : formatTable([HEADINGS, ...rows]);
  return [...conditions, ...block(table), ...block(remarks)].join('\n');
}

function block(lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', ...lines];
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
