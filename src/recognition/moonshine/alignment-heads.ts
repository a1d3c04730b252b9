import type { MoonshineSize } from './model-files.ts';

export interface AttentionHead {
  /** Layer of the decoder, from 0. */
  readonly layer: number;
  /** Head of its cross-attention, from 0. */
  readonly head: number;
}

/**
 * Heads of the decoders' cross-attention that look at the audio of the word which they are about to write; others look at
 * the whole of it, or at its ends. They were found by trying which give the least mean error of the words' starts against
 * forced alignment: the best, then the one that helps it most, and so on, on three speakers (LibriSpeech 1688, 1998, 2033).
 * `npm run bench -- word-times` says what they give, speakers that had no say in it apart.
 */
export const ALIGNMENT_HEADS: Record<MoonshineSize, readonly AttentionHead[]> = {
  base: [
    { layer: 5, head: 5 },
    { layer: 4, head: 2 },
    { layer: 5, head: 6 },
    { layer: 7, head: 3 },
  ],
  tiny: [
    { layer: 5, head: 6 },
    { layer: 3, head: 7 },
    { layer: 4, head: 6 },
  ],
};
