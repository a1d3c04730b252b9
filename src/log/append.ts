export interface NewRecord {
  /** 1..255. */
  readonly type: number;
  /** Written one after the other; must not be changed before the append has settled. At most 16 MiB together. */
  readonly payload: readonly Uint8Array[];
}

/** Where a record stands in its file, in bytes. */
export interface RecordSpan {
  readonly position: number;
  /** Byte behind its last: where the next record begins. */
  readonly end: number;
}

/**
 * Hears of one append's fate in the same turn in which the log's own state changes, so that what is kept beside the log
 * (an index, the next expected number) is never behind it. Neither may throw.
 */
export interface AppendObserver {
  stored(span: RecordSpan): void;
  /** Everything queued behind it fails in the same turn. */
  failed(error: Error): void;
}
