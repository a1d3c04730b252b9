/** A judgement and how sure it was of being right, 0..1. */
export interface Judged {
  readonly confidence: number;
  readonly isRight: boolean;
}

export interface ReliabilityBin {
  /** Judgements with a confidence from here, up to that of the next bin. */
  readonly from: number;
  readonly count: number;
  readonly meanConfidence: number;
  readonly shareRight: number;
}

const BINS = 10;

/** How often judgements are right against how sure they are, in ten bins of equal width; those without any are left out. */
export function reliability(judged: readonly Judged[]): ReliabilityBin[] {
  return Array.from({ length: BINS }, (_, bin) => bin).flatMap((bin) => {
    const inside = judged.filter(({ confidence }) => Math.min(BINS - 1, Math.floor(confidence * BINS)) === bin);
    if (inside.length === 0) return [];
    const meanConfidence = inside.reduce((sum, { confidence }) => sum + confidence, 0) / inside.length;
    const shareRight = inside.filter(({ isRight }) => isRight).length / inside.length;
    return [{ from: bin / BINS, count: inside.length, meanConfidence, shareRight }];
  });
}

/**
 * Expected calibration error: how far the bins' mean confidences are from their shares of right ones, weighted by how many
 * there are (M. Pakdaman Naeini, G. Cooper, M. Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning",
 * 2015).
 *
 * @returns 0..1, or `null` when there is nothing to judge by.
 */
export function expectedCalibrationError(judged: readonly Judged[]): number | null {
  if (judged.length === 0) return null;
  return reliability(judged).reduce(
    (sum, { count, meanConfidence, shareRight }) =>
      sum + (count / judged.length) * Math.abs(meanConfidence - shareRight),
    0,
  );
}

/**
 * Area under the ROC curve: how often a right one is more sure than a wrong one, of all pairs of them; equally sure counts half.
 *
 * @returns 0..1 (0.5: confidence says nothing), or `null` when all are right or all are wrong.
 */
export function areaUnderCurve(judged: readonly Judged[]): number | null {
  const right = judged.filter(({ isRight }) => isRight);
  const wrong = judged.filter(({ isRight }) => !isRight);
  if (right.length === 0 || wrong.length === 0) return null;
  let wins = 0;
  for (const { confidence } of wrong) {
    for (const other of right) wins += other.confidence > confidence ? 1 : other.confidence === confidence ? 0.5 : 0;
  }
  return wins / (right.length * wrong.length);
}
