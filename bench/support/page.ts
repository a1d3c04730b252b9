import { FIGURE_HEADINGS, formatFigure, isMet } from './figures.ts';
import type { Conditions, Result } from './results.ts';

const PREFACE = `# Benchmarks

Made by \`npm run bench\`; do not edit. [CONTRIBUTING.md](../CONTRIBUTING.md#benchmarks) says how to run them.

Each figure (*ours*) stands beside its *bare limit* where there is one: the same figure of the least that could do the job,
measured in the same run on the same machine. Their *ratio* says what Verbatim adds, and travels better from one machine to another
than either of them. *Wanted* is what the project aims at; what misses it says **NO**.`;

/** The page of all results, in Markdown. */
export function formatPage(results: readonly Result[]): string {
  const machines = new Set(results.map(({ conditions }) => conditions.machine));
  const [machine] = machines;
  const isOfOneMachine = machines.size === 1 && machine !== undefined;
  return [
    PREFACE,
    ...(isOfOneMachine ? [`Machine: ${prose(machine)}.`] : []),
    summary(results),
    ...results.map((result) => section(result, !isOfOneMachine)),
    '',
  ]
    .join('\n\n')
    .replace(/\n+$/u, '\n');
}

function summary(results: readonly Result[]): string {
  const verdicts = results.flatMap(({ name, outcome }) =>
    outcome.kind === 'measured'
      ? outcome.figures.map((figure) => ({ name, figure, met: isMet(figure) })).filter(({ met }) => met !== null)
      : [],
  );
  const missed = verdicts.filter(({ met }) => met === false);
  const without = results.filter(({ outcome }) => outcome.kind !== 'measured');
  return [
    `**${verdicts.length - missed.length} of ${verdicts.length} wanted figures are met.**`,
    ...(missed.length === 0
      ? []
      : [
          table(
            ['missed', ...FIGURE_HEADINGS],
            missed.map(({ name, figure }) => [`[${name}](#${name}): ${figure.what}`, ...formatFigure(figure)]),
          ),
        ]),
    ...(without.length === 0
      ? []
      : [`Without figures: ${without.map(({ name }) => `[${name}](#${name})`).join(', ')}.`]),
  ].join('\n\n');
}

function section({ name, about, bareLimit, conditions, outcome }: Result, namesMachine: boolean): string {
  const parts = [`## ${name}`, sentence(about)];
  if (bareLimit !== undefined) parts.push(`Bare limit: ${sentence(bareLimit, false)}`);
  switch (outcome.kind) {
    case 'measured':
      parts.push(
        table(
          ['', ...FIGURE_HEADINGS],
          outcome.figures.map((figure) => [figure.what, ...formatFigure(figure)]),
        ),
      );
      if (outcome.notes.length > 0) parts.push(outcome.notes.map((note) => `- ${prose(note)}`).join('\n'));
      break;
    case 'skipped':
      parts.push(`Skipped: ${prose(outcome.reason)}.`);
      break;
    case 'failed':
      parts.push(`**Failed**: ${prose(outcome.reason)}`);
      break;
  }
  parts.push(`*${describe(conditions, namesMachine)}*`);
  return parts.join('\n\n');
}

function describe(conditions: Conditions, namesMachine: boolean): string {
  const { startedAt, commit, machine, model, server, load, syncMs } = conditions;
  return [
    `${startedAt.slice(0, 16).replace('T', ' ')} UTC`,
    `commit ${commit ?? 'unknown'}`,
    ...(namesMachine ? [prose(machine)] : []),
    `model ${model}`,
    `server ${server}`,
    `load of 1 / 5 minutes ${load.before} before, ${load.after} after`,
    `a synced write took ${syncMs.toFixed(2)} ms before`,
  ].join('; ');
}

function sentence(text: string, capitalise = true): string {
  const escaped = prose(text);
  return `${capitalise ? escaped.charAt(0).toUpperCase() + escaped.slice(1) : escaped}.`;
}

function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => prose(cell).replaceAll('|', '\\|')).join(' | ')} |`;
  const rule = headings.map((_, column) => (column === 0 ? '---' : '---:'));
  return [line(headings), `|${rule.join('|')}|`, ...rows.map(line)].join('\n');
}

/** Text that must not be taken for markup: notes may have lines of a log. */
function prose(text: string): string {
  return text
    .replaceAll(/[<*_`]/gu, String.raw`\$&`)
    .replaceAll(/\s+/gu, ' ')
    .trim();
}
