/** What is needed of a final segment to write it down. */
export interface TranscriptSegment {
  /** Counts the session's finals from 1. */
  readonly sequence: number | null;
  readonly text: string;
  /** Milliseconds from the session's first sample. */
  readonly startMs: number;
  readonly endMs: number;
  readonly channel: number;
  readonly speaker: string | null;
  /** 0..1; `null` when it is not known. */
  readonly avgConfidence: number | null;
  readonly words: readonly TranscriptWord[];
}

interface TranscriptWord {
  readonly text: string;
  /** `null` where it is not known. */
  readonly startMs: number | null;
  readonly endMs: number | null;
}
