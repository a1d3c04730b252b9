import type { Segment, SegmentKind, SessionStatus } from './session-records.ts';

export interface SegmentFilter {
  readonly sessionId?: string;
  readonly kind?: SegmentKind;
  readonly channel?: number;
  /** Substring of the text; case-insensitive for ASCII. */
  readonly textContains?: string;
  /** Words that the text has, as a person types them: finals only, from the index of what was said. */
  readonly search?: string;
  /** Bounds on the session's `createdAt`: from inclusive, to exclusive. */
  readonly from?: Date;
  readonly to?: Date;
}

export interface SessionFilter {
  readonly statuses?: readonly SessionStatus[];
  readonly externalId?: string;
  readonly language?: string;
  readonly titleContains?: string;
  /** Bounds on `createdAt`: from inclusive, to exclusive. */
  readonly from?: Date;
  readonly to?: Date;
}

export type SessionOrderField = 'CREATED_AT' | 'TITLE' | 'TOTAL_DURATION' | 'TOTAL_SEGMENTS' | 'AVERAGE_CONFIDENCE';
export interface SessionOrder {
  readonly field: SessionOrderField;
  readonly direction: 'ASC' | 'DESC';
}

/** A window of a keyset-paginated list: exactly one of `first`/`last` is set, 0..100. Cursors are opaque, made by the store. */
export interface PageRequest {
  readonly first?: number;
  readonly after?: string;
  readonly last?: number;
  readonly before?: string;
}

export interface Page<T> {
  readonly items: readonly { readonly node: T; readonly cursor: string }[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
}

/** A part of a text, in UTF-16 code units; the end is not of it. */
export interface TextRange {
  readonly start: number;
  readonly end: number;
}

export interface SegmentPage extends Page<Segment> {
  readonly items: readonly {
    readonly node: Segment;
    readonly cursor: string;
    /** What of its text was searched for, in ascending order; none without a search. */
    readonly highlights?: readonly TextRange[];
  }[];
}
