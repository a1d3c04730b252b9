import type { LogFile } from './log-file-system.ts';
import { isStorageFull, StorageFullError } from './storage-errors.ts';

/**
 * Writes all parts one after the other from `start`.
 * @throws StorageFullError when there is no space for all of it; some may have been written.
 */
export async function writeFully(
  file: LogFile,
  parts: readonly Uint8Array[],
  start: number,
  path: string,
): Promise<void> {
  let position = start;
  let rest = parts;
  try {
    while (rest.length > 0) {
      const written = await file.writev(rest, position);
      // A short write says that the disk is about full; writing on brings out the reason.
      if (written === 0 && lengthOf(rest) > 0) throw new StorageFullError(path, new Error('The write took no bytes'));
      position += written;
      rest = withoutFirst(rest, written);
    }
  } catch (error) {
    throw isStorageFull(error) && !(error instanceof StorageFullError) ? new StorageFullError(path, error) : error;
  }
}

function withoutFirst(parts: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let left = bytes;
  const rest: Uint8Array[] = [];
  for (const part of parts) {
    if (left < part.length) rest.push(part.subarray(left));
    left = Math.max(0, left - part.length);
  }
  return rest;
}

/** Bytes of all parts together. */
export function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}
