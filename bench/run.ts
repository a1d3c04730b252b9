// npm run bench: runs benchmarks one after the other, each with a server of its own, and prints what was measured.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { accuracy } from './accuracy.ts';
import { acknowledgement } from './acknowledgement.ts';
import type { Benchmark, BenchmarkContext, Outcome } from './benchmark.ts';
import { readOptions, USAGE, UsageError, type Options } from './options.ts';
import { streamCost } from './stream-cost.ts';
import { describeLoad, describeMachine } from './support/machine.ts';
import { formatReport } from './support/report.ts';
import { readSpeech, SpeechError, type SpeechFile } from './support/speech.ts';

const BENCHMARKS: readonly Benchmark[] = [accuracy, acknowledgement, streamCost];

const PROJECT_ROOT = path.resolve(import.meta.dirname, '..');
/** Where recordings are looked for when no folder is given; they are not part of the project. */
const USUAL_SPEECH_DIRECTORY = path.resolve(PROJECT_ROOT, '../shared/speech');
const INTERRUPTED = 130;

const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort(new Error('interrupted')));
process.once('SIGTERM', () => interrupted.abort(new Error('interrupted')));

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof UsageError) console.error(`${error.message}\n\n${USAGE}`);
  else console.error(error instanceof SpeechError ? error.message : error);
  process.exitCode = 2;
}
// A benchmark that was given up may have left something that waits.
process.exit();

/** @returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const names = BENCHMARKS.map(({ name }) => name);
  const options = readOptions(args, names, PROJECT_ROOT);
  if (options.help) {
    console.log([USAGE, '', ...BENCHMARKS.map(({ name, about }) => `${name.padEnd(17)} ${about}`)].join('\n'));
    return 0;
  }
  if (!existsSync(options.serverEntry)) throw new UsageError(`There is no server at ${options.serverEntry}`);
  const speech = await findSpeech(options);
  const chosen = BENCHMARKS.filter(({ name }) => options.names.length === 0 || options.names.includes(name));

  const startedAt = new Date();
  const loadBefore = describeLoad();
  const outcomes: { name: string; outcome: Outcome }[] = [];
  const failures: string[] = [];
  for (const benchmark of chosen) {
    if (interrupted.signal.aborted) break;
    try {
      outcomes.push({ name: benchmark.name, outcome: await runOne(benchmark, options, speech) });
    } catch (error) {
      console.error(`${benchmark.name} failed:`, error);
      failures.push(benchmark.name);
    }
  }
  const conditions = [
    `${startedAt.toISOString()}, ${describeMachine()}`,
    `server ${path.relative(PROJECT_ROOT, options.serverEntry)}; load ${loadBefore} before, ${describeLoad()} after`,
  ];
  console.log(formatReport(conditions, outcomes));
  if (interrupted.signal.aborted) return INTERRUPTED;
  return failures.length > 0 ? 1 : 0;
}

async function runOne(benchmark: Benchmark, options: Options, speech: readonly SpeechFile[] | null): Promise<Outcome> {
  const late = new AbortController();
  const deadline = setTimeout(
    () => late.abort(new Error(`not over after ${benchmark.limitMs / 1000} s`)),
    benchmark.limitMs,
  );
  const context: BenchmarkContext = {
    model: options.model,
    speech,
    serverEntry: options.serverEntry,
    details: options.details,
    signal: AbortSignal.any([late.signal, interrupted.signal]),
    tell: (line) => console.error(`${benchmark.name}: ${line}`),
  };
  try {
    return await benchmark.run(context);
  } catch (error) {
    // What was interrupted fails in its own way; why is what counts.
    if (context.signal.aborted) throw context.signal.reason;
    throw error;
  } finally {
    clearTimeout(deadline);
  }
}

async function findSpeech({ speechDirectory }: Options): Promise<SpeechFile[] | null> {
  if (speechDirectory !== null) return await readSpeech(speechDirectory);
  return existsSync(path.join(USUAL_SPEECH_DIRECTORY, 'manifest.tsv'))
    ? await readSpeech(USUAL_SPEECH_DIRECTORY)
    : null;
}
