// npm run bench: runs benchmarks one after the other, each with a server of its own, and prints what was measured.
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { accuracy } from './accuracy.ts';
import { acknowledgement } from './acknowledgement.ts';
import type { Benchmark, BenchmarkContext, Outcome } from './benchmark.ts';
import { boundaries } from './boundaries.ts';
import { confidence } from './confidence.ts';
import { endSilence } from './end-silence.ts';
import { density } from './density.ts';
import { fanOut } from './fan-out.ts';
import { formats } from './formats.ts';
import { latency } from './latency.ts';
import { millionRows } from './million-rows.ts';
import { nothingHeard } from './nothing-heard.ts';
import { readOptions, USAGE, UsageError, type Options } from './options.ts';
import { repetition } from './repetition.ts';
import { segmentWriter } from './segment-writer.ts';
import { sendAudio } from './send-audio.ts';
import { streamCost } from './stream-cost.ts';
import { describeCommit, describeLoad, describeMachine, measureSync } from './support/conditions.ts';
import { formatPage } from './support/page.ts';
import { formatReport } from './support/report.ts';
import { mergeResults, readResults, writeResults, type RecordedOutcome, type Result } from './support/results.ts';
import { readSpeech, SpeechError, type SpeechFile } from './support/speech.ts';
import { wordTimes } from './word-times.ts';

/** In the order in which they are run; names in that of the alphabet where nothing else counts. */
const BENCHMARKS: readonly Benchmark[] = [
  accuracy,
  boundaries,
  confidence,
  endSilence,
  density,
  fanOut,
  formats,
  latency,
  nothingHeard,
  repetition,
  streamCost,
  wordTimes,
  // These measure the disk.
  acknowledgement,
  sendAudio,
  // These write so much that the disk may be slow for minutes afterwards: they come last.
  segmentWriter,
  millionRows,
];

const PROJECT_ROOT = path.resolve(import.meta.dirname, '..');
/** What was measured last, and the page that is made of it. */
const RESULTS = 'docs/benchmarks.json';
const PAGE = 'docs/benchmarks.md';
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

  const commit = await describeCommit(PROJECT_ROOT, [RESULTS, PAGE]);
  const results: Result[] = [];
  for (const benchmark of chosen) {
    const result = await measure(benchmark, options, commit, speech);
    if (interrupted.signal.aborted) break;
    results.push(result);
  }
  console.log(formatReport(describeRun(options, commit), results));
  if (interrupted.signal.aborted) return INTERRUPTED;
  if (options.record) await record(results, names);
  return results.some(({ outcome }) => outcome.kind === 'failed') ? 1 : 0;
}

async function measure(
  benchmark: Benchmark,
  options: Options,
  commit: string | null,
  speech: readonly SpeechFile[] | null,
): Promise<Result> {
  const { name, about, bareLimit } = benchmark;
  const startedAt = new Date().toISOString();
  const syncMs = await measureSync();
  const before = describeLoad();
  let outcome: RecordedOutcome;
  try {
    outcome = await runOne(benchmark, options, speech);
  } catch (error) {
    console.error(`${name} failed:`, error);
    outcome = { kind: 'failed', reason: error instanceof Error ? error.message : String(error) };
  }
  return {
    name,
    about,
    bareLimit,
    conditions: {
      startedAt,
      commit,
      machine: describeMachine(),
      model: options.model,
      server: serverName(options),
      load: { before, after: describeLoad() },
      syncMs,
    },
    outcome,
  };
}

async function record(results: readonly Result[], names: readonly string[]): Promise<void> {
  const file = path.join(PROJECT_ROOT, RESULTS);
  const kept = mergeResults(await readResults(file), results, names);
  await writeResults(file, kept);
  await writeFile(path.join(PROJECT_ROOT, PAGE), formatPage(kept));
}

function describeRun(options: Options, commit: string | null): readonly string[] {
  return [describeMachine(), `commit ${commit ?? 'unknown'}, model ${options.model}, server ${serverName(options)}`];
}

function serverName({ serverEntry }: Options): string {
  return path.relative(PROJECT_ROOT, serverEntry);
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
