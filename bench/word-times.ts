import type { Word } from '../src/client/segments.ts';
import type { Benchmark, BenchmarkContext, Figure, Outcome } from './benchmark.ts';
import { hearSpeech } from './support/heard-speech.ts';
import { percentile } from './support/percentile.ts';
import { withMeasuredServer } from './support/server.ts';
import { measureTimingCost } from './support/timing-cost.ts';
import { matchWords } from './support/word-matches.ts';
import { alignedRecordings, synthesisedRecordings, type TimedRecording } from './support/word-references.ts';

/** Speakers by whom the alignment heads were chosen and the rest was tuned; all others had no say in it. */
const TUNED_ON = /^ls-(?:1688|1998|2033)-/u;
const NEAR_MS = 250;

export const wordTimes: Benchmark = {
  name: 'word-times',
  about: 'when words were spoken, as the server says, against references',
  limitMs: 600_000,
  run,
};

async function run(context: BenchmarkContext): Promise<Outcome> {
  const { serverEntry: entry, model, signal } = context;
  const synthesised = await synthesisedRecordings();
  const aligned = await alignedRecordings(context.speech ?? []);
  const unseen = aligned.filter(({ file }) => !TUNED_ON.test(file));
  const files = [...synthesised, ...aligned];
  const { comparisons, notes } = await withMeasuredServer(
    { entry, settings: { MODEL: model }, signal },
    async (server) => {
      const { finals, setbacks } = await hearSpeech(files, server, context);
      return {
        comparisons: new Map(
          files.map((recording) => {
            const words = (finals.get(recording.file) ?? []).flatMap((segment) => segment.words);
            return [recording.file, compare(recording, words)];
          }),
        ),
        notes: [
          ...setbacks.map((setback) => `setback: ${setback}`),
          ...server.complaints.map((line) => `logged: ${line}`),
        ],
      };
    },
  );
  if (context.details) tellWorst(files, comparisons, context.tell);

  context.tell('measuring what the times cost');
  const demo = synthesised.find(({ file }) => file.startsWith('demo/'));
  if (demo === undefined) throw new Error('bench/references/synthesised.tsv does not name the demo recording');
  const cost = await measureTimingCost(model, demo.path, signal);
  const of = (recordings: readonly TimedRecording[]) =>
    recordings.flatMap(({ file }) => comparisons.get(file)?.words ?? []);
  return {
    kind: 'measured',
    figures: [
      ...(aligned.length === 0 ? [] : accuracyFigures('recorded speech', of(aligned))),
      ...(unseen.length === 0 ? [] : accuracyFigures('recorded speech of speakers it was not tuned on', of(unseen))),
      ...accuracyFigures('synthesised speech', of(synthesised)),
      {
        what: 'CPU of decodes with word times, to those without',
        unit: 'ms',
        ours: cost.withMs,
        bareLimit: cost.withoutMs,
        target: { of: 'ratio', atMost: 1.09 },
      },
    ],
    notes: [
      `model ${model}; words of finals that were said and heard alike, each against the word of the reference`,
      'recorded speech: reference by forced alignment of the known text with PocketSphinx, which itself errs by 10 ms (median; 34 ms for 95 of 100 words) against synthesised speech whose times are known',
      'synthesised speech: reference exact, from the synthesiser (bench/references/README.md)',
      ...(context.speech === null ? ['there is no recorded speech here (--speech DIR)'] : []),
      ...notes,
    ],
  };
}

interface TimedWordPair {
  readonly text: string;
  readonly saidMs: number;
  /** Of what was heard less what was said; `null` when the server gives no time. */
  readonly startErrorMs: number | null;
  readonly endErrorMs: number | null;
}

interface Comparison {
  readonly words: readonly TimedWordPair[];
}

/** @throws when the times go back, which they never may. */
function compare(recording: TimedRecording, heard: readonly Word[]): Comparison {
  const times = heard.flatMap(({ startMs, endMs }) => (startMs === null || endMs === null ? [] : [startMs, endMs]));
  if (times.some((time, i) => time < (times[i - 1] ?? 0))) throw new Error(`times of ${recording.file} go back`);
  const { alike } = matchWords(
    recording.words.map(({ text }) => text),
    heard.map(({ text }) => text),
  );
  return {
    words: alike.flatMap(({ reference, hypothesis }) => {
      const said = recording.words[reference];
      const word = heard[hypothesis];
      if (said === undefined || word === undefined) return [];
      return [
        {
          text: said.text,
          saidMs: said.startMs,
          startErrorMs: word.startMs === null ? null : word.startMs - said.startMs,
          endErrorMs: word.endMs === null ? null : word.endMs - said.endMs,
        },
      ];
    }),
  };
}

function accuracyFigures(of: string, words: readonly TimedWordPair[]): Figure[] {
  const starts = words.flatMap(({ startErrorMs }) => (startErrorMs === null ? [] : [Math.abs(startErrorMs)]));
  const ends = words.flatMap(({ endErrorMs }) => (endErrorMs === null ? [] : [Math.abs(endErrorMs)]));
  // A word without a time is not near to anything.
  const near = starts.filter((error) => error <= NEAR_MS).length / words.length;
  return [
    { what: `${of}: words`, unit: 'count', ours: words.length },
    {
      what: `${of}: error of a start, median`,
      unit: 'ms',
      ours: percentile(starts, 0.5),
      target: { of: 'ours', atMost: 60 },
    },
    { what: `${of}: error of a start, 95 of 100`, unit: 'ms', ours: percentile(starts, 0.95) },
    {
      what: `${of}: starts within ${NEAR_MS} ms`,
      unit: 'percent',
      ours: words.length === 0 ? null : near,
      target: { of: 'ours', atLeast: 0.95 },
    },
    { what: `${of}: error of an end, median`, unit: 'ms', ours: percentile(ends, 0.5) },
    { what: `${of}: words without a time`, unit: 'count', ours: words.length - starts.length },
  ];
}

const WORST_WORDS = 15;

function tellWorst(
  files: readonly TimedRecording[],
  comparisons: ReadonlyMap<string, Comparison>,
  tell: (line: string) => void,
): void {
  const words = files.flatMap(({ file }) => (comparisons.get(file)?.words ?? []).map((word) => ({ file, ...word })));
  const worst = words.toSorted((a, b) => Math.abs(b.startErrorMs ?? 0) - Math.abs(a.startErrorMs ?? 0));
  for (const { file, text, saidMs, startErrorMs } of worst.slice(0, WORST_WORDS)) {
    tell(`${file}: "${text}" at ${saidMs} ms, ${startErrorMs ?? NaN} ms off`);
  }
}
