// npm run test:faults: breaks a real server in many ways, and checks that nothing is lost, doubled or changed.
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { readOptions, USAGE, UsageError, type Options } from './harness/options.ts';
import { formatFaults, formatFindings, formatTable } from './harness/report.ts';
import { runScenario, type RunResult } from './harness/run-scenario.ts';
import type { Scenario } from './harness/scenario.ts';
import { SCENARIOS } from './harness/scenarios.ts';

const SERVER = path.resolve(import.meta.dirname, '../../dist/main.js');
const INTERRUPTED = 130;

const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => interrupted.abort(new Error('interrupted')));
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof UsageError) console.error(`${error.message}\n\n${USAGE}`);
  else if (!interrupted.signal.aborted) console.error(error);
  process.exitCode = interrupted.signal.aborted ? INTERRUPTED : 2;
}
// A run that was given up may have left something that waits; servers end with this process.
process.exit();

/** @returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args, SCENARIOS);
  if (options.help) {
    console.log([USAGE, '', ...SCENARIOS.map(({ name, about }) => `${name.padEnd(11)} ${about}`)].join('\n'));
    return 0;
  }
  if (process.platform !== 'linux') throw new UsageError('This needs Linux: it finds recogniser processes in /proc.');
  if (!existsSync(SERVER)) throw new UsageError('There is no dist/main.js: npm run build makes it.');
  const results: RunResult[] = [];
  for (const scenario of options.scenarios) results.push(...(await runAll(scenario, options)));
  console.log(`\n${formatTable(results)}\n\n${formatFaults(results)}`);
  return results.some(({ findings }) => findings.length > 0) ? 1 : 0;
}

async function runAll(scenario: Scenario, options: Options): Promise<RunResult[]> {
  const seed = options.seed ?? randomInt(2 ** 31);
  const runs = options.runs ?? scenario.runs;
  const results: RunResult[] = [];
  for (let index = 0; index < runs; index++) {
    const startedAt = performance.now();
    const result = await runScenario(scenario, {
      seed: seed + index,
      faults: scenario.faultsPerRun,
      serverArguments: [SERVER],
      signal: interrupted.signal,
    });
    results.push(result);
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    const verdict = result.findings.length === 0 ? 'nothing lost' : formatFindings(result);
    console.log(`${scenario.name} ${index + 1}/${runs}, seed ${seed + index}, ${seconds} s: ${verdict}`);
  }
  return results;
}
