import { dirname } from 'node:path';
import type { NewRecord } from './append.ts';
import type { LogFile, LogFileSystem } from './log-file-system.ts';
import { scanLog, type ByteRange, type LogScan, type LogVisitor } from './log-scan.ts';
import { encodeFileHeader, encodeRecordHeader, FILE_HEADER_BYTES, type LogRecord } from './record-format.ts';
import { copyBytes, keepAside, replaceFile, successorOf } from './replace-file.ts';
import { isStorageFull, NotALogError, StorageFullError } from './storage-errors.ts';
import { lengthOf, writeFully } from './write-fully.ts';

/** A log's file, all of its durable part on stable storage. */
export interface LogFileState {
  readonly file: LogFile;
  readonly durableEnd: number;
  readonly damage: readonly ByteRange[];
  /** Whether the mark of an earlier closing stands at the end. */
  readonly isMarked: boolean;
}

export interface RepairedLogFile extends LogFileState {
  readonly droppedFrom: number | null;
}

/** @throws see `FramedLog.create` */
export async function createLogFile(
  fileSystem: LogFileSystem,
  path: string,
  first: NewRecord | null,
): Promise<LogFileState> {
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
  return { file, durableEnd: lengthOf(parts), damage: [], isMarked: false };
}

/** @throws see `FramedLog.open` */
export async function openLogFile(fileSystem: LogFileSystem, path: string, visitor: LogVisitor): Promise<LogFileState> {
  return withFile(fileSystem, path, async (file) => {
    const scan = await scanLog(file, path, await file.size(), visitor);
    return settle(fileSystem, path, file, scan);
  });
}

/** @throws see `FramedLog.openRepaired` */
export async function openRepairedLogFile(
  fileSystem: LogFileSystem,
  path: string,
  visit: (record: LogRecord) => void,
): Promise<RepairedLogFile> {
  return withFile(fileSystem, path, async (file) => {
    let isMissing = false;
    const visitor: LogVisitor = {
      record: (record) => {
        if (!isMissing) visit(record);
      },
      damage: (range) => {
        isMissing ||= holdsRecords(range);
      },
    };
    const scan = await scanLog(file, path, await file.size(), visitor).catch((error: unknown) => {
      if (error instanceof NotALogError) return null;
      throw error;
    });
    if (scan?.damage.length === 0) return { ...(await settle(fileSystem, path, file, scan)), droppedFrom: null };
    const hole = scan === null ? FILE_HEADER_BYTES : scan.damage.find(holdsRecords)?.start;
    const droppedFrom = hole === undefined ? null : Math.max(hole, FILE_HEADER_BYTES);
    const durableEnd = droppedFrom ?? scan?.end ?? FILE_HEADER_BYTES;
    const successor = await replaceFile(fileSystem, path, durableEnd, async (to) => {
      await writeFully(to, [encodeFileHeader()], 0, successorOf(path));
      await copyBytes({ from: file, to, path: successorOf(path), start: FILE_HEADER_BYTES, end: durableEnd });
      await keepAside(fileSystem, path);
    });
    await file.close();
    return { file: successor, durableEnd, damage: [], isMarked: false, droppedFrom };
  });
}

/** Opens the file, and closes it again when `use` fails. */
async function withFile<T>(fileSystem: LogFileSystem, path: string, use: (file: LogFile) => Promise<T>): Promise<T> {
  const file = await fileSystem.open(path);
  try {
    return await use(file);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Cuts off a torn tail, and puts what is left and the name on stable storage: a killed process may not have done so. */
async function settle(fileSystem: LogFileSystem, path: string, file: LogFile, scan: LogScan): Promise<LogFileState> {
  const { end, markEnd, damage } = scan;
  const used = markEnd ?? end;
  if (used < (await file.size())) await file.truncate(used);
  await file.datasync();
  await fileSystem.syncDirectory(dirname(path));
  // Left by a crash; the log is whole without it, and must open even when it can't be removed.
  await fileSystem.remove(successorOf(path)).catch(() => undefined);
  return { file, durableEnd: end, damage, isMarked: markEnd !== null };
}

/** Without its file header a log has all its records. */
function holdsRecords(damage: ByteRange): boolean {
  return damage.end > FILE_HEADER_BYTES;
}
