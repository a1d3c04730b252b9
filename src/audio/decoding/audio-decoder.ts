/** A stretch of decoded audio. */
export interface DecodedPiece {
  /** Source frame. */
  readonly startFrame: number;
  readonly frames: number;
  /** Samples of each channel, -1..1; `null` when the bytes of this stretch can't be decoded. */
  readonly channels: readonly Float32Array[] | null;
}

/** Turns what a session is written into samples. Stretches come in order; only what `lost` tells may be missing. */
export interface AudioDecoder {
  /** How many frames the bytes are, without decoding them. */
  framesIn(bytes: Uint8Array): number;
  /**
   * @param startFrame of the bytes
   * @param fromFrame what is before it need not be decoded; never less than before
   */
  decode(startFrame: number, bytes: Uint8Array, fromFrame: number): Promise<DecodedPiece[]>;
  /** What comes next does not follow what came. */
  lost(): void;
  /** It is done with. */
  close(): void;
}
