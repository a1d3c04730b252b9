import { dirname } from 'node:path';
import type { LogFile, LogFileSystem, ReadableFile } from './log-file-system.ts';
import { StorageFullError } from './storage-errors.ts';
import { writeFully } from './write-fully.ts';

const COPY_BYTES = 1024 * 1024;
/** What a disk loses at once, at least: smaller reads would save nothing more. */
const BLOCK_BYTES = 4096;

/** Where the successor of a file is prepared. A crash may leave it behind; it never holds anything that is not in the file. */
export function successorOf(path: string): string {
  return `${path}.new`;
}

/**
 * Puts a new file, filled by `fill`, in the place of the one at `path`. Whenever a crash comes, the name leads to the old
 * one or to the whole new one. Resolves when the new one and its name are on stable storage.
 * @param bytes how much `fill` will write. At most half of the free space is taken, so that the other logs can go on.
 * @throws StorageFullError | whatever fails. The successor is removed then, unless it has taken the name already: nothing
 *   may be appended to it, because the name may lead to the old file again after a power cut.
 */
export async function replaceFile(
  fileSystem: LogFileSystem,
  path: string,
  bytes: number,
  fill: (file: LogFile) => Promise<void>,
): Promise<LogFile> {
  const folder = dirname(path);
  const successor = successorOf(path);
  const free = await fileSystem.freeBytes(folder);
  if (free < 2 * bytes) throw new StorageFullError(successor, new Error(`${bytes} bytes needed, ${free} bytes free`));
  await fileSystem.remove(successor);
  const file = await fileSystem.create(successor);
  try {
    await fill(file);
    await file.datasync();
    await fileSystem.rename(successor, path);
    await fileSystem.syncDirectory(folder);
    return file;
  } catch (error) {
    await file.close().catch(() => undefined);
    await fileSystem.remove(successor).catch(() => undefined);
    throw error;
  }
}

/** Gives the file at `path` a second name beside it, `….damaged-1` or the next that is free, so that it outlives being replaced. */
export async function keepAside(fileSystem: LogFileSystem, path: string): Promise<void> {
  for (let number = 1; ; number += 1) {
    try {
      await fileSystem.link(path, keptAside(path, number));
      return;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
  }
}

/** Where the first file that was kept aside stands. */
export function firstKeptAside(path: string): string {
  return keptAside(path, 1);
}

function keptAside(path: string, number: number): string {
  return `${path}.damaged-${number}`;
}

/** Bytes of a file that are to stand at the same place in another. */
export interface Copy {
  readonly from: ReadableFile;
  readonly to: LogFile;
  /** Of `to`, for messages. */
  readonly path: string;
  readonly start: number;
  readonly end: number;
  /** Ends the copying between two reads. */
  readonly signal?: AbortSignal;
  /** What can't be read is left out, as zeros, instead of failing. */
  readonly zerosForUnreadable?: boolean;
}

/** @throws when a read fails (unless `zerosForUnreadable`) or a write does; the reason of `signal`. */
export async function copyBytes({ from, to, path, start, end, signal, zerosForUnreadable }: Copy): Promise<void> {
  for (let position = start; position < end; position += COPY_BYTES) {
    signal?.throwIfAborted();
    const bytes = Buffer.alloc(Math.min(COPY_BYTES, end - position));
    try {
      await readFully(from, bytes, position);
    } catch (error) {
      if (zerosForUnreadable !== true) throw error;
      await readBlocks(from, bytes, position);
    }
    await writeFully(to, [bytes], position, path);
  }
}

async function readBlocks(file: ReadableFile, target: Buffer, position: number): Promise<void> {
  for (let offset = 0; offset < target.length; offset += BLOCK_BYTES) {
    const block = target.subarray(offset, offset + BLOCK_BYTES);
    await readFully(file, block, position + offset).catch(() => block.fill(0));
  }
}

async function readFully(file: ReadableFile, target: Buffer, position: number): Promise<void> {
  let filled = 0;
  while (filled < target.length) {
    const count = await file.read(target.subarray(filled), position + filled);
    if (count === 0) throw new Error(`The file ends at ${position + filled}, before ${position + target.length}`);
    filled += count;
  }
}
