import type { ByteRange } from './log-scan.ts';
import { isMark, type LogRecord } from './record-format.ts';
import type { RecordScanner } from './record-scanner.ts';

export type LogItem =
  | { readonly kind: 'record'; readonly record: LogRecord }
  /** Durable bytes that are not intact; when records follow, the next item is one. */
  | { readonly kind: 'damage'; readonly range: ByteRange };

/** What a reader may see: the log's durable part, which only grows. */
export interface DurableRecords {
  readonly durableEnd: number;
  newScanner(): RecordScanner;
}

/**
 * Reads a log's durable records in order, and goes on when there are more: no reopening, no search, one read of the file
 * for what came since. Memory: one window (64 KiB, or one longer record); none while it has caught up.
 */
export class LogReader {
  readonly #records: DurableRecords;
  readonly #scanner: RecordScanner;
  #position: number;

  constructor(records: DurableRecords, position: number) {
    this.#records = records;
    this.#scanner = records.newScanner();
    this.#position = position;
  }

  /** Where the next item begins. */
  get position(): number {
    return this.#position;
  }

  /**
   * The next item before `limit` (a record's end, by default all that is durable), or `null` when there is none yet. One
   * call at a time.
   */
  async next(limit: number = this.#records.durableEnd): Promise<LogItem | null> {
    const position = this.#position;
    if (position >= limit) {
      this.#scanner.release();
      return null;
    }
    const record = await this.#scanner.recordAt(position, limit);
    if (record !== null && !isMark(record)) return this.#pass(record);
    let next = await this.#scanner.firstRecord(position + 1, limit);
    while (next !== null && isMark(next)) next = await this.#scanner.firstRecord(next.end, limit);
    this.#position = next?.position ?? limit;
    return { kind: 'damage', range: { start: position, end: this.#position } };
  }

  /** Like `next`, without waiting: only what was read together with the item before; `null` when that was all. */
  nextLoaded(limit: number = this.#records.durableEnd): LogItem | null {
    const record = this.#scanner.loadedRecordAt(this.#position, limit);
    return record === null || isMark(record) ? null : this.#pass(record);
  }

  #pass(record: LogRecord): LogItem {
    this.#position = record.end;
    return { kind: 'record', record };
  }
}
