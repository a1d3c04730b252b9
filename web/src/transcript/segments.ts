/** A segment as it is shown, wherever it comes from. */
export interface ShownSegment {
  readonly id: string;
  /** Counts the session's finals from 1; `null` for an interim. */
  readonly sequence: number | null;
  /** Rises with each version, those that people make included. */
  readonly revision: number;
  readonly kind: 'INTERIM' | 'FINAL';
  readonly text: string;
  /** How much of an interim's text stays as it is, in UTF-16 code units. */
  readonly stableLength: number;
  /** Milliseconds from the session's first sample. */
  readonly startMs: number;
  readonly endMs: number;
  readonly channel: number;
  readonly speaker: string | null;
  /** The name of this segment alone; absent where it is not asked for, as the next ones. */
  readonly ownSpeaker?: string | null;
  /** What the recogniser wrote, where a person has changed it. */
  readonly originalText?: string | null;
  /** Where a subscription resumes after this final; `null` for an interim. */
  readonly cursor: string | null;
  readonly words: readonly ShownWord[];
}

export interface ShownWord {
  readonly text: string;
  /** Milliseconds from the session's first sample; `null` where that is not known. */
  readonly startMs: number | null;
  /** 0 to 1; `null` when the recogniser gives none. */
  readonly confidence: number | null;
}

/** Who speaks; or, of several channels, which one; or nothing. */
export function voiceOf(
  { speaker, channel }: Pick<ShownSegment, 'speaker' | 'channel'>,
  channels: number,
): string | null {
  return speaker ?? (channels > 1 ? `Channel ${channel + 1}` : null);
}
