import type { AppendObserver, NewRecord } from './append.ts';
import { encodeRecordHeader, RECORD_HEADER_BYTES } from './record-format.ts';

export interface QueuedAppend {
  readonly record: NewRecord;
  /** Of its payload. */
  readonly bytes: number;
  readonly observer: AppendObserver;
}

/** At most this much payload goes into one write, unless a single record is larger. */
const BATCH_BYTES = 8 * 1024 * 1024;

/** Appends that wait for the disk, in the order of the calls. */
export class AppendQueue {
  #waiting: QueuedAppend[] = [];
  #pendingBytes = 0;

  /** Payload bytes of appends that have not settled yet, those in the batch under way included. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** @param bytes of the record's payload, which the caller has checked. */
  add(record: NewRecord, bytes: number, observer: AppendObserver): void {
    this.#waiting.push({ record, bytes, observer });
    this.#pendingBytes += bytes;
  }

  /** Takes what is to be written together; nothing when nothing waits. */
  takeBatch(): QueuedAppend[] {
    let bytes = 0;
    const tooMuch = this.#waiting.findIndex((append, index) => {
      bytes += append.bytes;
      return index > 0 && bytes > BATCH_BYTES;
    });
    return this.#waiting.splice(0, tooMuch === -1 ? this.#waiting.length : tooMuch);
  }

  takeAll(): QueuedAppend[] {
    return this.#waiting.splice(0);
  }

  /** Counts appends that were taken as settled. */
  settle(appends: readonly QueuedAppend[]): void {
    for (const { bytes } of appends) this.#pendingBytes -= bytes;
  }
}

/** What is to be written at `durable`, the log's durable end, and where each record will end. */
export function encodeBatch(batch: readonly QueuedAppend[], durable: number): { parts: Uint8Array[]; ends: number[] } {
  const parts: Uint8Array[] = [];
  const ends: number[] = [];
  let position = durable;
  for (const { record, bytes } of batch) {
    parts.push(encodeRecordHeader({ type: record.type, position, durable }, record.payload), ...record.payload);
    position += RECORD_HEADER_BYTES + bytes;
    ends.push(position);
  }
  return { parts, ends };
}
