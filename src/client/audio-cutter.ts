import type { AudioPiece } from './timeline.ts';

export type GivePiece = (piece: AudioPiece) => void;

/** Cuts what is written into pieces that can be sent, stored and given up one by one. */
export interface AudioCutter {
  /**
   * Gives the pieces that became full; they are copies, so the caller may use its buffer again.
   * @throws VerbatimError `AUDIO_MALFORMED` when a container can't go on like that. All whole packets before it were given, up
   *   to a few.
   */
  write(bytes: Uint8Array, give: GivePiece): void;
  /** Gives what waits and is whole: what is written from now on comes behind a gap. */
  skip(frames: number, give: GivePiece): void;
  /** Gives all that waits: nothing more is written. */
  end(give: GivePiece): void;
}
