/** How a decoder attended to the audio when it wrote its tokens. */
export interface Attention {
  /** Samples of the audio that was decoded, padding included. */
  readonly samples: number;
  /** Frames into which the encoder divided them evenly. */
  readonly frames: number;
  /** For each token, the end mark included, in order: its weight on each frame, 0..1. */
  readonly weights: readonly Float32Array[];
}

/** Frames `[start, end)` of a token. */
export interface FrameRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Gives each token a stretch of the audio, so that they follow each other without gaps, each has a frame at least, and the
 * tokens' weights on their own frames have the greatest sum: dynamic time warping (H. Sakoe, S. Chiba, "Dynamic programming
 * algorithm optimization for spoken word recognition", 1978) that never goes on to the next token within a frame. Of paths
 * that are equally good it takes the one on which tokens begin later.
 *
 * @returns the tokens' frames; `null` when there are no tokens, or fewer frames than tokens.
 */
export function alignTokens({ frames, weights }: Pick<Attention, 'frames' | 'weights'>): FrameRange[] | null {
  const tokens = weights.length;
  if (tokens === 0 || frames < tokens) return null;
  // For each token and frame: the best sum of a path that ends there, and whether it came there from the token before.
  let sums = new Float64Array(tokens).fill(Number.NEGATIVE_INFINITY);
  const advanced = new Uint8Array(tokens * frames);
  for (let frame = 0; frame < frames; frame++) {
    const next = new Float64Array(tokens).fill(Number.NEGATIVE_INFINITY);
    for (let token = 0; token < tokens; token++) {
      const staying = sums[token] ?? Number.NEGATIVE_INFINITY;
      const advancing = token === 0 ? (frame === 0 ? 0 : Number.NEGATIVE_INFINITY) : (sums[token - 1] ?? 0);
      const weight = weights[token]?.[frame] ?? 0;
      if (advancing >= staying) advanced[token * frames + frame] = 1;
      next[token] = Math.max(advancing, staying) + weight;
    }
    sums = next;
  }
  return traceBack(advanced, tokens, frames);
}

function traceBack(advanced: Uint8Array, tokens: number, frames: number): FrameRange[] {
  const ranges: FrameRange[] = [];
  let end = frames;
  let token = tokens - 1;
  for (let frame = frames - 1; token >= 0; frame--) {
    if (frame > 0 && advanced[token * frames + frame] === 0) continue;
    ranges.unshift({ start: frame, end });
    end = frame;
    token -= 1;
  }
  return ranges;
}
