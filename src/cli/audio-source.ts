import type { AudioFormat } from '../audio/format.ts';

/** A file as the chunks of a session. */
export interface AudioSource {
  /** The format of the chunks. */
  readonly format: AudioFormat;
  /** Channels in the file. */
  readonly channels: number;
  readonly durationMs: number;
  /** The file ends within something that it has begun: it was cut off, and its audio ends before. */
  readonly isCutOff: boolean;
  readonly chunkCount: number;
  /** Where in the file a chunk begins, in milliseconds; of `chunkCount`, where the last one ends. */
  startMs(sequence: number): number;
  /** @param sequence from 0, below `chunkCount` */
  chunk(sequence: number): Promise<Uint8Array>;
  close(): Promise<void>;
}
