/** Times of the supervision of recogniser processes, ms. */
export interface ProcessTiming {
  /** Between two heartbeats. */
  readonly heartbeatMs: number;
  /**
   * So many unanswered heartbeats in a row, and a process counts as hung. Counted, not timed: a computer that slept must
   * not wake to find all its processes late.
   */
  readonly missedHeartbeats: number;
  /** A process that answers, but whose work does not move for so long, is hung, too. */
  readonly stalledMs: number;
  /** Longest time to load a model. */
  readonly loadMs: number;
  /** Pause before a process is replaced: at first, and at most; it doubles with each failure in a row. */
  readonly firstRestartMs: number;
  readonly longestRestartMs: number;
  /** A process that worked for so long is not one that fails at once: the pauses begin anew. */
  readonly provenMs: number;
  /**
   * How long an isolated stream may keep the process from others that wait for it: enough to hear and decode whatever can be
   * decided next, unless its audio does not come.
   */
  readonly isolatedTurnMs: number;
  /** Time to end by itself before a process is killed. */
  readonly stopMs: number;
}

export const DEFAULT_TIMING: ProcessTiming = {
  heartbeatMs: 2_000,
  missedHeartbeats: 5,
  stalledMs: 30_000,
  loadMs: 120_000,
  firstRestartMs: 100,
  longestRestartMs: 30_000,
  provenMs: 60_000,
  isolatedTurnMs: 60_000,
  stopMs: 2_000,
};
