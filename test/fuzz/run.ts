// npm run test:fuzz: sends malformed inputs to a server of its own, and prints what came back. Exit code 1: it found something.
import { parseArgs } from 'node:util';
import { fuzz, TARGET_NAMES, type FuzzReport, type TargetName } from './fuzz.ts';

const USAGE = `Usage: npm run test:fuzz -- [options]
  --seed N      inputs follow from it; chosen at random and printed by default
  --inputs N    how many, default 100000
  --target T    one of ${TARGET_NAMES.join(', ')}; may be repeated, all by default
  --only I      only the input of this number, of one target: what a finding names
  --sources     the server from src, through a transpiler, instead of dist`;

/** Logs of so many running sessions are damaged before a start of the real server. */
const DAMAGED_SESSIONS = 48;
/** Bytes that the server's heap and buffers may have grown by from the warm-up to the end. */
const HEAP_ALLOWANCE = 24 * 2 ** 20;
const MIB = 2 ** 20;

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 32)) },
      inputs: { type: 'string', default: '100000' },
      target: { type: 'string', multiple: true, default: [...TARGET_NAMES] },
      only: { type: 'string' },
      sources: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const targets = TARGET_NAMES.filter((name) => values.target.includes(name));
  const numbers = [values.seed, values.inputs, values.only ?? '0'].map(Number);
  const isWrong =
    targets.length < new Set(values.target).size ||
    numbers.some((number) => !Number.isSafeInteger(number) || number < 0);
  if (values.help || isWrong || (values.only !== undefined && targets.length !== 1)) {
    console.error(USAGE);
    return values.help ? 0 : 2;
  }
  const seed = Number(values.seed);
  console.log(`seed ${seed}, ${values.only === undefined ? `${values.inputs} inputs` : `input ${values.only}`}`);
  const startedAt = performance.now();
  const report = await fuzz({
    seed,
    inputs: Number(values.inputs),
    targets,
    ...(values.only !== undefined && { only: Number(values.only) }),
    damagedSessions: targets.includes('logs') && values.only === undefined ? DAMAGED_SESSIONS : 0,
    built: !values.sources,
    tell: (line) => console.log(`${elapsed(startedAt)} ${line}`),
  });
  console.log('');
  printAnswers(report);
  const grown = printFootprints(report);
  printFindings(report, seed, targets);
  const isClean = report.findings.length === 0 && !grown;
  console.log(`\n${isClean ? 'Nothing found' : 'FOUND SOMETHING'} in ${elapsed(startedAt)}; seed ${seed}`);
  return isClean ? 0 : 1;
}

function printAnswers({ results, healthy }: FuzzReport): void {
  for (const [name, { inputs, answers }] of results) {
    console.log(`${name.padEnd(14)}${inputs} inputs`);
    for (const [answer, count] of [...answers.counts].toSorted(([, a], [, b]) => b - a)) {
      console.log(`${String(count).padStart(20)}  ${answer}`);
    }
  }
  console.log(`${'all'.padEnd(14)}${[...results.values()].reduce((sum, { inputs }) => sum + inputs, 0)} inputs`);
  if (healthy !== null)
    console.log(`healthy stream: ${healthy.chunks} chunks acknowledged, ${healthy.finals} finals, all right`);
}

/** @returns whether the server holds more than it may. */
function printFootprints({ footprints }: FuzzReport): boolean {
  if (footprints === null) return false;
  const { before, after } = footprints;
  console.log('server restarts: 0');
  const row = (what: string, from: number, to: number) =>
    console.log(`${what.padEnd(34)}${from.toFixed(1).padStart(9)}${to.toFixed(1).padStart(9)}`);
  console.log(`${''.padEnd(34)}${'before'.padStart(9)}${'after'.padStart(9)}`);
  row('heap of the server, MiB', before.server.heapUsed / MIB, after.server.heapUsed / MIB);
  row('buffers and native code, MiB', before.server.external / MIB, after.server.external / MIB);
  row('RSS of the server, MiB', before.server.rss / MIB, after.server.rss / MIB);
  row('heap of the recogniser, MiB', before.recogniser.heapUsed / MIB, after.recogniser.heapUsed / MIB);
  row('RSS of the recogniser, MiB', before.recogniser.rss / MIB, after.recogniser.rss / MIB);
  row('open files and sockets', before.descriptors.all, after.descriptors.all);
  const held = ({ heapUsed, external }: { heapUsed: number; external: number }) => heapUsed + external;
  const grown = held(after.server) - held(before.server);
  console.log(`the server holds ${(grown / MIB).toFixed(1)} MiB more; at most ${HEAP_ALLOWANCE / MIB} are allowed`);
  return grown > HEAP_ALLOWANCE;
}

function printFindings({ findings }: FuzzReport, seed: number, targets: readonly TargetName[]): void {
  for (const { target, index, kind, message } of findings) {
    const replay =
      index < 0
        ? `--seed ${seed} --target ${targets.join(' --target ')}`
        : `--seed ${seed} --target ${target} --only ${index}`;
    console.log(`\nFOUND in ${target} (${kind}): ${message.slice(0, 1_500)}\n  again: npm run test:fuzz -- ${replay}`);
  }
}

function elapsed(startedAt: number): string {
  return `${((performance.now() - startedAt) / 1000).toFixed(1).padStart(6)} s`;
}
