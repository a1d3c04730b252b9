import { mkdtemp, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { syncDirectory } from '../log/durable-files.ts';
import { BackupError } from './backup-error.ts';

/** Whether there is nothing at the path, or a folder without entries. @throws with code `ENOTDIR` when it is a file */
export async function isAbsentOrEmpty(folder: string): Promise<boolean> {
  try {
    return (await readdir(folder)).length === 0;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return true;
    throw error;
  }
}

/**
 * Fills a folder under another name beside it, and gives it its name when `fill` is done: under that name it is whole or
 * not there, also after a crash. Only the owner can read it.
 * @param folder absent, or empty; its parent exists
 */
export async function fillFolder<T>(folder: string, fill: (unfinished: string) => Promise<T>): Promise<T> {
  const unfinished = await mkdtemp(unfinishedPrefix(folder));
  try {
    const result = await fill(unfinished);
    await syncDirectory(unfinished);
    await renameDurably(unfinished, folder);
    return result;
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw error;
  }
}

/** How a folder is called, but for random characters, until it is whole; a killed process leaves it so. */
export function unfinishedPrefix(folder: string): string {
  return `${folder}.unfinished-`;
}

export async function renameDurably(from: string, to: string): Promise<void> {
  await rename(from, to);
  await syncDirectory(path.dirname(to));
}

/** @throws BackupError unless the disk of an existing folder has room for so many bytes beside its reserve */
export async function ensureSpace(folder: string, bytes: number, reserveBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize - bytes >= reserveBytes) return;
  throw new BackupError(
    `Not enough space at ${folder}: ${mebibytes(bytes)} are needed beside a reserve of ${mebibytes(reserveBytes)}, ` +
      `${mebibytes(bavail * bsize)} are free.`,
  );
}

/** Length of a file in bytes; 0 when there is none. */
export async function sizeIfPresent(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 0;
    throw error;
  }
}

/** For people. */
export function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024 / 1024)} MiB`;
}
