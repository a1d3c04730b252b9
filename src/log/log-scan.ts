import type { LogFile } from './log-file-system.ts';
import { decodeFileHeader, FILE_HEADER_BYTES, isKnownVersion, isMark, type LogRecord } from './record-format.ts';
import { RecordScanner } from './record-scanner.ts';
import { LogFormatError, LogIncompleteError, NotALogError } from './storage-errors.ts';

/** Bytes `[start, end)` of a file. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Sees a log's contents in order while it is opened, so that indexes need no second pass. */
export interface LogVisitor {
  record(record: LogRecord): void;
  /** Bytes that were durable once and are not intact any more; a record follows, or the mark, or nothing. */
  damage?(range: ByteRange): void;
  /** The log was closed right here, all before it durable; comes last. */
  mark?(record: LogRecord): void;
}

export interface LogScan {
  /** End of what counts: of the last record, or of damage. */
  readonly end: number;
  /** End of the mark, when there is one behind what counts. What lies behind both is a torn tail. */
  readonly markEnd: number | null;
  readonly damage: readonly ByteRange[];
}

const WINDOW_BYTES = 256 * 1024;

/**
 * Visits every record that counts. A bad record that some intact record or mark behind it knew to be durable is damage:
 * reading goes on at the next intact record. Any other is where the file ends: it and what was written with it was never
 * acknowledged, whatever of it reached the disk.
 * @throws LogIncompleteError when the file's creation was cut short.
 * @throws LogFormatError when it is of an unknown version. NotALogError when it is no log.
 */
export async function scanLog(file: LogFile, path: string, size: number, visitor: LogVisitor): Promise<LogScan> {
  const scanner = new RecordScanner(file, WINDOW_BYTES);
  const damage = new DamageCollector(visitor);
  let knownDurable = 0;
  // A damaged file header is damage like any other: the records behind it say where they stand.
  let position = (await hasFileHeader(file, path)) ? FILE_HEADER_BYTES : 0;
  let mark: LogRecord | null = null;
  while (position < size) {
    const record = await scanner.recordAt(position, size);
    if (record !== null && !isMark(record)) {
      damage.tell();
      visitor.record(record);
      position = record.end;
      continue;
    }
    // Here a record is missing, or the log ends.
    const next = await scanner.firstRecord(position + 1, size);
    if (knownDurable <= position) knownDurable = await durablePositionAbove(position, next, scanner, size);
    if (next === null || knownDurable <= position) {
      mark = record;
      break;
    }
    damage.add({ start: position, end: next.position });
    position = next.position;
  }
  if (position === 0) throw await unreadable(file, path);
  // Only the mark knows of damage right before it: the log goes on behind it.
  if (mark !== null && damage.isOpen) {
    damage.add({ start: mark.position, end: mark.end });
    position = mark.end;
  }
  damage.tell();
  if (mark !== null) visitor.mark?.(mark);
  return { end: position, markEnd: mark?.end ?? null, damage: damage.ranges };
}

/** Joins neighbouring ranges before anybody is told of them. */
class DamageCollector {
  readonly ranges: ByteRange[] = [];
  readonly #visitor: LogVisitor;
  #open: ByteRange | null = null;

  constructor(visitor: LogVisitor) {
    this.#visitor = visitor;
  }

  /** Whether damage ends where the scan is. */
  get isOpen(): boolean {
    return this.#open !== null;
  }

  /** @param range begins where the one before it ended, unless that was told. */
  add(range: ByteRange): void {
    this.#open = { start: this.#open?.start ?? range.start, end: range.end };
  }

  tell(): void {
    if (this.#open === null) return;
    this.ranges.push(this.#open);
    this.#visitor.damage?.(this.#open);
    this.#open = null;
  }
}

/** A durable position above `position` that an intact record from `next` on carries; 0 when none does. */
async function durablePositionAbove(
  position: number,
  next: LogRecord | null,
  scanner: RecordScanner,
  size: number,
): Promise<number> {
  let record = next;
  while (record !== null) {
    if (record.durable > position) return record.durable;
    record = await scanner.firstRecord(record.end, size);
  }
  return 0;
}

async function hasFileHeader(file: LogFile, path: string): Promise<boolean> {
  const version = decodeFileHeader(await firstBytes(file));
  if (version === null) return false;
  if (!isKnownVersion(version)) {
    throw new LogFormatError(`${path} is a log of format version ${version}, which this version does not know`);
  }
  return true;
}

/** Says why a file without an intact header or record can't be read. */
async function unreadable(file: LogFile, path: string): Promise<Error> {
  const header = await firstBytes(file);
  const neverWritten = header.length < FILE_HEADER_BYTES || header.every((byte) => byte === 0);
  return neverWritten ? new LogIncompleteError(path) : new NotALogError(path);
}

async function firstBytes(file: LogFile): Promise<Buffer> {
  const header = Buffer.alloc(FILE_HEADER_BYTES);
  return header.subarray(0, await file.read(header, 0));
}
