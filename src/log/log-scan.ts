import type { LogFile } from './log-file-system.ts';
import { decodeFileHeader, FILE_HEADER_BYTES, isKnownVersion, type LogRecord } from './record-format.ts';
import { RecordScanner } from './record-scanner.ts';
import { LogFormatError, LogIncompleteError } from './storage-errors.ts';

/** Bytes `[start, end)` of a file. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Sees a log's contents in order while it is opened, so that indexes need no second pass. */
export interface LogVisitor {
  record(record: LogRecord): void;
  /** Bytes that were durable once and are not intact any more; a record follows. */
  damage?(range: ByteRange): void;
}

export interface LogScan {
  /** End of the last record that counts; what lies behind it is a torn tail. */
  readonly end: number;
  readonly damage: readonly ByteRange[];
}

const WINDOW_BYTES = 256 * 1024;

/**
 * Visits every record that counts. A bad record that some intact record behind it knew to be durable is damage: reading
 * goes on at the next intact record. Any other is where the file ends: it and what was written with it was never
 * acknowledged, whatever of it reached the disk.
 * @throws LogIncompleteError when the file's creation was cut short.
 * @throws LogFormatError when it is no log or of an unknown version.
 */
export async function scanLog(file: LogFile, path: string, size: number, visitor: LogVisitor): Promise<LogScan> {
  const scanner = new RecordScanner(file, WINDOW_BYTES);
  const damage: ByteRange[] = [];
  let knownDurable = 0;
  // A damaged file header is damage like any other: the records behind it say where they stand.
  let position = (await hasFileHeader(file, path)) ? FILE_HEADER_BYTES : 0;
  while (position < size) {
    const record = await scanner.recordAt(position, size);
    if (record !== null) {
      visitor.record(record);
      position = record.end;
      continue;
    }
    const next = await scanner.firstRecord(position + 1, size);
    if (next === null) break;
    if (knownDurable <= position) knownDurable = await durablePositionAbove(position, next, scanner, size);
    if (knownDurable <= position) break;
    const range = { start: position, end: next.position };
    damage.push(range);
    visitor.damage?.(range);
    position = next.position;
  }
  if (position === 0) throw await unreadable(file, path);
  return { end: position, damage };
}

/** A durable position above `position` that an intact record from `next` on carries; 0 when none does. */
async function durablePositionAbove(
  position: number,
  next: LogRecord,
  scanner: RecordScanner,
  size: number,
): Promise<number> {
  let record: LogRecord | null = next;
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
  return neverWritten ? new LogIncompleteError(path) : new LogFormatError(`${path} is not a log`);
}

async function firstBytes(file: LogFile): Promise<Buffer> {
  const header = Buffer.alloc(FILE_HEADER_BYTES);
  return header.subarray(0, await file.read(header, 0));
}
