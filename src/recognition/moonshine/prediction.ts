export interface DecodedToken {
  readonly id: number;
  /** Natural logarithm of the probability that the model gave it, at most 0. */
  readonly logProbability: number;
}

const VOCABULARY_SIZE = 32_768;

/** So far below the highest logit, the whole vocabulary adds less than 4 billionths to the sum of exponentials. */
const NEGLIGIBLE = -30;

/**
 * The tokens that a pass over several tokens gives: after each one the most probable next token, as far as what was passed is what
 * the model would have said itself. (What it would say after a token that it would not have said is of no use.)
 *
 * @param logits one row of the vocabulary for each token that was passed.
 * @param passed the first one is certain, the others are guesses.
 * @returns one token at least: the guesses that were right, and the token after them.
 */
export function predictions(logits: Float32Array, passed: readonly number[]): DecodedToken[] {
  const predicted: DecodedToken[] = [];
  for (let position = 0; position < passed.length; position++) {
    const token = mostProbable(logits.subarray(position * VOCABULARY_SIZE, (position + 1) * VOCABULARY_SIZE));
    predicted.push(token);
    if (token.id !== passed[position + 1]) break;
  }
  return predicted;
}

function mostProbable(logits: Float32Array): DecodedToken {
  let id = 0;
  let highest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logits.length; i++) {
    const logit = logits[i] ?? highest;
    if (logit > highest) {
      highest = logit;
      id = i;
    }
  }
  let sum = 0;
  for (let i = 0; i < logits.length; i++) {
    const distance = (logits[i] ?? highest) - highest;
    if (distance > NEGLIGIBLE) sum += Math.exp(distance);
  }
  return { id, logProbability: -Math.log(sum) };
}
