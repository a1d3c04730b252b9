import { dirname } from 'node:path';
import type { AppendObserver, NewRecord, RecordSpan } from './append.ts';
import { nodeFileSystem, type LogFile, type LogFileSystem } from './log-file-system.ts';
import { LogReader, type DurableRecords } from './log-reader.ts';
import { scanLog, type ByteRange, type LogVisitor } from './log-scan.ts';
import {
  encodeFileHeader,
  encodeRecordHeader,
  FILE_HEADER_BYTES,
  payloadLength,
  RECORD_HEADER_BYTES,
} from './record-format.ts';
import { RecordScanner } from './record-scanner.ts';
import { isStorageFull, LogClosedError, LogPoisonedError, StorageFullError } from './storage-errors.ts';
import { lengthOf, writeFully } from './write-fully.ts';

export interface FramedLogOptions {
  /** @default the real one */
  readonly fileSystem?: LogFileSystem;
}

interface QueuedAppend {
  readonly record: NewRecord;
  readonly bytes: number;
  readonly observer: AppendObserver;
}

/** At most this much payload goes into one write, unless a single record is larger. */
const BATCH_BYTES = 8 * 1024 * 1024;
const READ_WINDOW_BYTES = 64 * 1024;

/**
 * An append-only file of checksummed records (see record-format.ts). An append resolves when its record is on stable
 * storage; appends that arrive while the disk is busy are written together and share one sync.
 *
 * One instance per file at a time.
 */
export class FramedLog implements DurableRecords {
  readonly path: string;
  /** What was found damaged when the log was opened. */
  readonly damage: readonly ByteRange[];
  readonly #file: LogFile;
  #durableEnd: number;
  #queue: QueuedAppend[] = [];
  #pendingBytes = 0;
  #writing: Promise<void> | null = null;
  #poison: LogPoisonedError | null = null;
  #closing: Promise<void> | null = null;

  private constructor(path: string, file: LogFile, durableEnd: number, damage: readonly ByteRange[]) {
    this.path = path;
    this.#file = file;
    this.#durableEnd = durableEnd;
    this.damage = damage;
  }

  /**
   * Makes a new log; it and its name are on stable storage when this resolves. With `first`, the log never exists without
   * that record, except after a crash in here.
   * @throws with code `EEXIST` when there is a file of that name.
   * @throws StorageFullError
   */
  static async create(
    path: string,
    first: NewRecord | null = null,
    options: FramedLogOptions = {},
  ): Promise<FramedLog> {
    const fileSystem = options.fileSystem ?? nodeFileSystem;
    const parts: Uint8Array[] = [encodeFileHeader()];
    if (first !== null) {
      const place = { type: first.type, position: FILE_HEADER_BYTES, durable: FILE_HEADER_BYTES };
      parts.push(encodeRecordHeader(place, first.payload), ...first.payload);
    }
    const file = await fileSystem.create(path).catch((error: unknown) => {
      throw isStorageFull(error) ? new StorageFullError(path, error) : error;
    });
    try {
      await writeFully(file, parts, 0, path);
      await file.datasync();
      await fileSystem.syncDirectory(dirname(path));
    } catch (error) {
      await file.close();
      // Else its name would be taken for good.
      await fileSystem.remove(path);
      throw isStorageFull(error) ? new StorageFullError(path, error) : error;
    }
    return new FramedLog(path, file, lengthOf(parts), []);
  }

  /**
   * Opens a log and visits all its records in one pass of bounded memory. A torn tail is cut off. What is left, and
   * the file's name, is synced again before it counts as durable: a killed process may have left them in caches only.
   * @throws LogIncompleteError when a crash cut its creation short.
   * @throws LogFormatError when it is no log.
   */
  static async open(path: string, visitor: LogVisitor, options: FramedLogOptions = {}): Promise<FramedLog> {
    const fileSystem = options.fileSystem ?? nodeFileSystem;
    const file = await fileSystem.open(path);
    try {
      const size = await file.size();
      const { end, damage } = await scanLog(file, path, size, visitor);
      if (end < size) await file.truncate(end);
      await file.datasync();
      await fileSystem.syncDirectory(dirname(path));
      return new FramedLog(path, file, end, damage);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Position of the first record. */
  get start(): number {
    return FILE_HEADER_BYTES;
  }

  /** All records before this position are on stable storage; the next one begins here or, while appends wait, later. */
  get durableEnd(): number {
    return this.#durableEnd;
  }

  /** Payload bytes of appends that have not settled yet. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /**
   * Resolves when the record is on stable storage; in the order of the calls. When one append fails, those behind it fail
   * with it, so that the log never has a hole.
   * @throws StorageFullError when there is no space: the record is not stored, later appends may succeed.
   * @throws LogPoisonedError when a write or sync failed otherwise, now or before.
   * @throws LogClosedError
   * @throws RangeError when the payload is longer than 16 MiB.
   */
  append(type: number, payload: readonly Uint8Array[]): Promise<RecordSpan> {
    return new Promise((resolve, reject) => {
      this.enqueue({ type, payload }, { stored: resolve, failed: reject });
    });
  }

  /** Like `append`, for those who keep state beside the log. @throws at once what `assertWritable` throws. */
  enqueue(record: NewRecord, observer: AppendObserver): void {
    const bytes = payloadLength(record.payload);
    this.assertWritable();
    this.#queue.push({ record, bytes, observer });
    this.#pendingBytes += bytes;
    this.#writing ??= this.#writeQueue();
  }

  /** @throws LogClosedError | LogPoisonedError when no record can be appended any more. */
  assertWritable(): void {
    if (this.#closing !== null) throw new LogClosedError(this.path);
    if (this.#poison !== null) throw this.#poison;
  }

  /** A reader that begins at a record's position. */
  readerAt(position: number): LogReader {
    if (position < this.start || position > this.#durableEnd) {
      throw new RangeError(`Position ${position} of ${this.path} is outside of ${this.start}..${this.#durableEnd}`);
    }
    return new LogReader(this, position);
  }

  newScanner(): RecordScanner {
    return new RecordScanner(this.#file, READ_WINDOW_BYTES);
  }

  /** Waits for what is queued, then lets go of the file. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      await this.#writing;
      await this.#file.close();
    })();
    return this.#closing;
  }

  /** Runs while there is something to write; a failure is told to the appends, not to its caller. */
  async #writeQueue(): Promise<void> {
    for (let batch = this.#takeBatch(); batch.length > 0; batch = this.#takeBatch()) {
      const { ends, failure } = await this.#writeBatch(batch);
      for (const { bytes } of batch) this.#pendingBytes -= bytes;
      if (failure === null) this.#announce(batch, ends);
      else this.#refuse(batch, failure);
    }
    this.#writing = null;
  }

  #announce(batch: readonly QueuedAppend[], ends: readonly number[]): void {
    let position = this.#durableEnd;
    this.#durableEnd = ends.at(-1) ?? position;
    for (const [index, { observer }] of batch.entries()) {
      const end = ends[index] ?? position;
      observer.stored({ position, end });
      position = end;
    }
  }

  #refuse(batch: readonly QueuedAppend[], failure: Error): void {
    const behind = this.#queue.splice(0);
    for (const { bytes } of behind) this.#pendingBytes -= bytes;
    for (const { observer } of [...batch, ...behind]) observer.failed(failure);
  }

  #takeBatch(): QueuedAppend[] {
    let bytes = 0;
    const tooMuch = this.#queue.findIndex((append, index) => {
      bytes += append.bytes;
      return index > 0 && bytes > BATCH_BYTES;
    });
    return this.#queue.splice(0, tooMuch === -1 ? this.#queue.length : tooMuch);
  }

  /** Puts the batch on stable storage; gives the ends of its records, or why none of them counts. */
  async #writeBatch(batch: readonly QueuedAppend[]): Promise<{ ends: number[]; failure: Error | null }> {
    const durable = this.#durableEnd;
    const parts: Uint8Array[] = [];
    const ends: number[] = [];
    let position = durable;
    for (const { record } of batch) {
      parts.push(encodeRecordHeader({ type: record.type, position, durable }, record.payload), ...record.payload);
      position += RECORD_HEADER_BYTES + lengthOf(record.payload);
      ends.push(position);
    }
    try {
      await writeFully(this.#file, parts, durable, this.path);
    } catch (error) {
      return {
        ends,
        failure: await this.#cutBack(error instanceof StorageFullError ? error : this.#poisonWith(error)),
      };
    }
    try {
      await this.#file.datasync();
    } catch (error) {
      // Even for want of space: after a failed sync nobody knows which pages are on the disk, and a second sync may lie.
      return { ends, failure: await this.#cutBack(this.#poisonWith(error)) };
    }
    return { ends, failure: null };
  }

  /**
   * Brings the file back to its durable end after a failed write. A poisoned log is cut too: its unacknowledged pages may
   * be in the cache only, and must not be found by the next opening.
   */
  async #cutBack(failure: StorageFullError | LogPoisonedError): Promise<Error> {
    try {
      await this.#file.truncate(this.#durableEnd);
      return failure;
    } catch (error) {
      return this.#poisonWith(new AggregateError([failure.cause, error], 'Cutting off a failed write failed too'));
    }
  }

  #poisonWith(cause: unknown): LogPoisonedError {
    this.#poison = new LogPoisonedError(this.path, cause);
    return this.#poison;
  }
}
