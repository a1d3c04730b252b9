import { TIMELINE_RATE } from '../recogniser.ts';

/** Samples `[start, end)`. */
export interface SampleRange {
  readonly start: number;
  readonly end: number;
}

/** 10 ms, the steps in which the level is looked at, over 20 ms each. */
const STEP_SAMPLES = TIMELINE_RATE / 100;
const WINDOW_SAMPLES = 2 * STEP_SAMPLES;
/** 80 ms: shorter dips are the closures of plosives within words. */
const MIN_PAUSE_STEPS = 8;
/** Levels below this share of the way from quiet to loud (in decibels) are a pause. */
const PAUSE_LEVEL = 0.3;
/** Quiet and loud, as quantiles of all levels. */
const QUIET_QUANTILE = 0.05;
const LOUD_QUANTILE = 0.95;
/** Mean square of digital silence, so that its level is a number: -80 dB. */
const SILENCE = 1e-8;

/** Where an utterance is quiet, measured against itself, for 80 ms or more. Also before its first word and after its last. */
export function findPauses(audio: Float32Array): SampleRange[] {
  const levels = levelsOf(audio);
  const sorted = levels.toSorted();
  const quiet = sorted[Math.floor(sorted.length * QUIET_QUANTILE)] ?? 0;
  const loud = sorted[Math.floor(sorted.length * LOUD_QUANTILE)] ?? 0;
  const threshold = quiet + PAUSE_LEVEL * (loud - quiet);

  const pauses: SampleRange[] = [];
  let start: number | null = null;
  for (let step = 0; step <= levels.length; step++) {
    const isQuiet = (levels[step] ?? threshold) < threshold;
    if (isQuiet) start ??= step;
    else {
      if (start !== null && step - start >= MIN_PAUSE_STEPS) {
        pauses.push({ start: start * STEP_SAMPLES, end: step === levels.length ? audio.length : step * STEP_SAMPLES });
      }
      start = null;
    }
  }
  return pauses;
}

/** Decibels, 0 for full scale. */
function levelsOf(audio: Float32Array): Float32Array {
  return Float32Array.from({ length: Math.floor(audio.length / STEP_SAMPLES) }, (_, step) => {
    const middle = (step + 0.5) * STEP_SAMPLES;
    const window = audio.subarray(Math.max(0, middle - WINDOW_SAMPLES / 2), middle + WINDOW_SAMPLES / 2);
    let sum = 0;
    for (const sample of window) sum += sample * sample;
    return 10 * Math.log10(sum / window.length + SILENCE);
  });
}
