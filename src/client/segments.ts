import type { Answer } from './answers.ts';

/** A word of a segment. */
export interface Word {
  readonly text: string;
  /** Milliseconds from the session's first sample; `null` where that is not known, as in interims. */
  readonly startMs: number | null;
  readonly endMs: number | null;
  /** 0 to 1; `null` when the recogniser gives none. */
  readonly confidence: number | null;
}

/** The transcript of one utterance. An interim and the final that replaces it have the same id. */
export interface Segment {
  readonly id: string;
  /** Counts the session's finals from 1; `null` for an interim. */
  readonly sequence: number | null;
  /** Rises with each version, also with those that people make of a final. */
  readonly revision: number;
  readonly kind: 'INTERIM' | 'FINAL';
  readonly text: string;
  /**
   * How much of the text stays as it is, from its beginning, in UTF-16 code units (as `text.slice` counts): all of a final; of an
   * interim what its later interims begin with, too.
   */
  readonly stableLength: number;
  /** Milliseconds from the session's first sample. */
  readonly startMs: number;
  readonly endMs: number;
  /** 0 to 1; `null` when the recogniser gives none. */
  readonly avgConfidence: number | null;
  /** Who speaks: the segment's own name, else that of its channel; `null` when nobody has said so. */
  readonly speaker: string | null;
  /** Of the audio, counted from 0. */
  readonly channel: number;
  /** ISO 8601. */
  readonly createdAt: string;
  /** Where a subscription resumes after this final; `null` for an interim. */
  readonly cursor: string | null;
  readonly words: readonly Word[];
}

/** The fields of a segment that the client asks for. */
export const SEGMENT_FIELDS = `
  id sequence revision kind text stableLength startMs endMs avgConfidence speaker channel createdAt cursor
  words { text startMs endMs confidence }`;

/** @throws VerbatimError `UNREADABLE_ANSWER` */
export function readSegment(answer: Answer): Segment {
  return {
    id: answer.string('id'),
    sequence: answer.numberOrNull('sequence'),
    revision: answer.number('revision'),
    kind: answer.oneOf('kind', ['INTERIM', 'FINAL']),
    text: answer.string('text'),
    stableLength: answer.number('stableLength'),
    startMs: answer.number('startMs'),
    endMs: answer.number('endMs'),
    avgConfidence: answer.numberOrNull('avgConfidence'),
    speaker: answer.stringOrNull('speaker'),
    channel: answer.number('channel'),
    createdAt: answer.string('createdAt'),
    cursor: answer.stringOrNull('cursor'),
    words: answer.list('words').map((word) => ({
      text: word.string('text'),
      startMs: word.numberOrNull('startMs'),
      endMs: word.numberOrNull('endMs'),
      confidence: word.numberOrNull('confidence'),
    })),
  };
}
