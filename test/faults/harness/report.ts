import { countOf, DAMAGES } from './findings.ts';
import type { RunResult } from './run-scenario.ts';

/** One line for each scenario: how much was broken, and how much came to harm. */
export function formatTable(results: readonly RunResult[]): string {
  const names = [...new Set(results.map(({ scenario }) => scenario))];
  const rows = names.map((name) => {
    const runs = results.filter(({ scenario }) => scenario === name);
    const sum = (count: (run: RunResult) => number) => String(runs.reduce((total, run) => total + count(run), 0));
    return [
      name,
      String(runs.length),
      sum(({ faults }) => [...faults.values()].reduce((total, count) => total + count, 0)),
      sum(({ sessions }) => sessions),
      sum(({ sessionsOfTwoChannels }) => sessionsOfTwoChannels),
      sum(({ sessionsOfContainers }) => sessionsOfContainers),
      sum(({ acknowledged }) => acknowledged),
      sum(({ finals }) => finals),
      ...DAMAGES.map((damage) => sum(({ findings }) => countOf(findings, damage))),
    ];
  });
  const head = [
    'scenario',
    'runs',
    'faults',
    'sessions',
    'of two channels',
    'of containers',
    'chunks acknowledged',
    'finals',
    ...DAMAGES,
  ];
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('  '),
    )
    .join('\n');
}

/** How many faults of each kind there were. */
export function formatFaults(results: readonly RunResult[]): string {
  const counts = new Map<string, number>();
  for (const [fault, count] of results.flatMap(({ faults }) => [...faults])) {
    counts.set(fault, (counts.get(fault) ?? 0) + count);
  }
  return [...counts].map(([fault, count]) => `${count} × ${fault}`).join(', ');
}

/** What was found, and how to see it again. */
export function formatFindings({ scenario, seed, findings, dataDirectory }: RunResult): string {
  return [
    `${scenario}, seed ${seed}: ${findings.length} findings; what the server left is in ${dataDirectory}`,
    ...findings.map(({ damage, count, message }) => `  ${damage} (${count}): ${message}`),
    `  Again: npm run test:faults -- --scenario ${scenario} --seed ${seed} --runs 1`,
  ].join('\n');
}
