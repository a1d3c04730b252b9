/** All of them have defaults that suit speech; times are in milliseconds. */
export interface ClientLimits {
  /** Length of a chunk while the connection keeps up: shorter is sooner, longer is cheaper. */
  readonly chunkMs: number;
  /** Longest chunk when there is something to catch up with. */
  readonly maxChunkMs: number;
  /** Largest of these chunks, in bytes; the server takes 1 MiB by default. */
  readonly maxChunkBytes: number;
  /** Chunks that may be under way without an acknowledgement. */
  readonly maxUnderWay: number;
  /** Audio that is kept until it is acknowledged, in bytes; beyond it the oldest audio that was never sent is given up. */
  readonly maxBufferedBytes: number;
  /** The same in milliseconds of audio. */
  readonly maxBufferedMs: number;
  /** How far audio that is not live may be ahead of the recogniser. */
  readonly maxBacklogMs: number;
  /** Longest pause before the first retry; each further one may be twice as long. */
  readonly firstRetryMs: number;
  readonly longestRetryMs: number;
  /** How long nothing may go forward before the session fails with `GAVE_UP`; `Infinity`: never. */
  readonly patienceMs: number;
  /** Silence of the server after which it is asked for a sign of life, and then given up. */
  readonly heartbeatMs: number;
}

const MIB = 1024 * 1024;

export const DEFAULT_LIMITS: ClientLimits = {
  chunkMs: 100,
  maxChunkMs: 1_000,
  maxChunkBytes: MIB / 2,
  maxUnderWay: 32,
  maxBufferedBytes: 64 * MIB,
  maxBufferedMs: 60 * 60 * 1_000,
  maxBacklogMs: 30_000,
  firstRetryMs: 250,
  longestRetryMs: 10_000,
  patienceMs: Infinity,
  heartbeatMs: 10_000,
};
