import { calibrated, CALIBRATIONS, type Calibration } from '../src/recognition/moonshine/calibration.ts';
import { NO_SPEECH, type Benchmark, type BenchmarkContext, type Figure, type Outcome } from './benchmark.ts';
import { hearSpeech } from './support/heard-speech.ts';
import { areaUnderCurve, expectedCalibrationError, reliability, type Judged } from './support/reliability.ts';
import { withMeasuredServer } from './support/server.ts';
import { matchWords } from './support/word-matches.ts';

/** Voices to which the calibration was fitted (src/recognition/moonshine/calibration.ts); only others tell how good it is. */
const FITTED_TO = /^(?:ls-1688|ls-1998|ls-2033|sas|ast)-/u;

export const confidence: Benchmark = {
  name: 'confidence',
  about: 'how often words are right, against how sure of them the server is',
  limitMs: 600_000,
  run,
};

async function run(context: BenchmarkContext): Promise<Outcome> {
  const { serverEntry: entry, model, signal } = context;
  const files = (context.speech ?? []).filter(({ file, isConcatenation }) => !isConcatenation && !FITTED_TO.test(file));
  if (files.length === 0) return NO_SPEECH;
  return await withMeasuredServer({ entry, settings: { MODEL: model }, signal }, async (server) => {
    const { finals, setbacks } = await hearSpeech(files, server, context);
    const judged = files.flatMap(({ file, reference }) => {
      const words = (finals.get(file) ?? []).flatMap((segment) => segment.words);
      const { isRight } = matchWords(
        reference.split(/\s+/u),
        words.map(({ text }) => text),
      );
      return words.flatMap((word, index) => {
        const right = isRight[index] ?? null;
        return right === null || word.confidence === null ? [] : [{ confidence: word.confidence, isRight: right }];
      });
    });
    const before = judged.map(({ confidence: after, isRight }) => ({
      confidence: uncalibrated(after, CALIBRATIONS[model]),
      isRight,
    }));
    return {
      kind: 'measured',
      figures: figures(judged, before),
      notes: [
        `model ${model}, ${files.length} recordings of voices to which the calibration was not fitted; a word is right when the transcript has it, by the rules of the word error rate`,
        ...reliability(judged).map(
          ({ from, count, meanConfidence, shareRight }) =>
            `confidence from ${from.toFixed(1)}: ${count} words, mean ${percent(meanConfidence)}, right ${percent(shareRight)}`,
        ),
        ...setbacks.map((setback) => `setback: ${setback}`),
        ...server.complaints.map((line) => `logged: ${line}`),
      ],
    };
  });
}

function figures(judged: readonly Judged[], before: readonly Judged[]): Figure[] {
  const right = judged.filter(({ isRight }) => isRight).length;
  return [
    { what: 'words', unit: 'count', ours: judged.length },
    { what: 'words that are right', unit: 'percent', ours: right / judged.length },
    {
      what: 'expected calibration error',
      unit: 'percent',
      ours: expectedCalibrationError(judged),
      target: { of: 'ours', atMost: 0.03 },
    },
    {
      what: "expected calibration error of the tokens' own probabilities",
      unit: 'percent',
      ours: expectedCalibrationError(before),
    },
    {
      what: 'area under the ROC curve, right words against wrong ones',
      unit: 'percent',
      ours: areaUnderCurve(judged),
      target: { of: 'ours', atLeast: 0.8 },
    },
  ];
}

/** The probability that was calibrated to this confidence, found by halving: the map is monotone. */
function uncalibrated(after: number, calibration: Calibration): number {
  // Of the logit, since probabilities crowd near 1.
  let low = -40;
  let high = 40;
  for (let round = 0; round < 60; round++) {
    const middle = (low + high) / 2;
    if (calibrated(-Math.log1p(Math.exp(-middle)), calibration) < after) low = middle;
    else high = middle;
  }
  return 1 / (1 + Math.exp(-low));
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
