import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';

export interface CopiedFile {
  /** Its length. */
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

const BLOCK_BYTES = 1024 * 1024;
/** Synced bit by bit: one sync of a large file would keep those of a running server waiting. */
const BYTES_BETWEEN_SYNCS = 8 * BLOCK_BYTES;

/**
 * Copies a file as long as it is now, even while it grows; the copy is on stable storage, its name not yet. Memory: 1 MiB.
 * @param target overwritten when present
 * @returns `null` when there is no such file
 */
export async function copyFile(source: string, target: string, signal: AbortSignal): Promise<CopiedFile | null> {
  const input = await openIfPresent(source);
  if (input === null) return null;
  try {
    const output = await open(target, 'w');
    try {
      const { size } = await input.stat();
      const copied = await readBlocks(input, size, signal, async (block, position) => {
        await writeAll(output, block, position);
        if ((position + block.length) % BYTES_BETWEEN_SYNCS === 0) await output.datasync();
      });
      await output.sync();
      return copied;
    } finally {
      await output.close();
    }
  } finally {
    await input.close();
  }
}

/** Length and checksum of a file whose content this puts on stable storage. */
export async function syncAndHash(file: string, signal: AbortSignal): Promise<CopiedFile> {
  const handle = await open(file, 'r+');
  try {
    await handle.sync();
    return await readBlocks(handle, (await handle.stat()).size, signal, () => undefined);
  } finally {
    await handle.close();
  }
}

async function readBlocks(
  input: FileHandle,
  length: number,
  signal: AbortSignal,
  use: (block: Buffer, position: number) => void | Promise<void>,
): Promise<CopiedFile> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(BLOCK_BYTES);
  let position = 0;
  while (position < length) {
    signal.throwIfAborted();
    const { bytesRead } = await input.read(buffer, 0, Math.min(BLOCK_BYTES, length - position), position);
    // It was cut since.
    if (bytesRead === 0) break;
    const block = buffer.subarray(0, bytesRead);
    hash.update(block);
    await use(block, position);
    position += bytesRead;
  }
  return { bytes: position, sha256: hash.digest('hex') };
}

async function writeAll(output: FileHandle, block: Buffer, position: number): Promise<void> {
  for (let written = 0; written < block.length;) {
    written += (await output.write(block, written, block.length - written, position + written)).bytesWritten;
  }
}

async function openIfPresent(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
