import type { MoonshineSize } from './model-files.ts';

/**
 * Beta calibration: a monotone map of probabilities with three parameters (M. Kull, T. Silva Filho, P. Flach, "Beta
 * calibration: a well-founded and easily implemented improvement on logistic calibration for binary classifiers", 2017). The
 * logit of the calibrated probability is `a · ln p - b · ln(1 - p) + c`; with 1, 1 and 0 nothing changes.
 */
export interface Calibration {
  /** Above 0, as is `b`: more probable stays more probable. */
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

/**
 * How often a word is right whose least probable token has the probability p. Fitted in November 2026 to the words that each
 * model heard (right: as in the transcript by the rules of the word error rate) in recordings of LibriSpeech's speakers 1688,
 * 1998 and 2033, of a LibriVox reader and of telephone prompts, as they are and again with pink noise 10 dB below the voice:
 * some 1,800 words for each model, of which base got 142 wrong and tiny 232; by maximum likelihood. `npm run bench --
 * confidence` says how well it holds for other speakers.
 */
export const CALIBRATIONS: Record<MoonshineSize, Calibration> = {
  base: { a: 1.931, b: 0.528, c: 1.494 },
  tiny: { a: 1.528, b: 0.846, c: 0.583 },
};

/**
 * @param logProbability natural logarithm of a probability, at most 0.
 * @returns 0..1
 */
export function calibrated(logProbability: number, { a, b, c }: Calibration): number {
  // 1 - p, exact also where p is so near to 1 that its digits are lost.
  const complement = -Math.expm1(logProbability);
  return 1 / (1 + Math.exp(-(a * logProbability - b * Math.log(complement) + c)));
}
