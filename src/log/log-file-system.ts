import { link, open, rename, rm, statfs, type FileHandle } from 'node:fs/promises';
import { syncDirectory } from './durable-files.ts';

export interface ReadableFile {
  /** Reads at most `target.length` bytes from `position`; resolves with how many, 0 at the end of the file. */
  read(target: Buffer, position: number): Promise<number>;
}

/** An open file, as a log uses it. All positions and lengths in bytes. */
export interface LogFile extends ReadableFile {
  size(): Promise<number>;
  /** Writes the parts one after the other from `position`; resolves with the bytes written, maybe not all. */
  writev(parts: readonly Uint8Array[], position: number): Promise<number>;
  /** Resolves when all that was written, and the length, is on stable storage. */
  datasync(): Promise<void>;
  truncate(length: number): Promise<void>;
  /** Waits for calls under way. */
  close(): Promise<void>;
}

/** The little of a file system that a log needs; passed in, so that its faults can be tested. */
export interface LogFileSystem {
  /** @throws with code `EEXIST` when there is something under the name already. */
  create(path: string): Promise<LogFile>;
  open(path: string): Promise<LogFile>;
  /** Does nothing when there is no such file. */
  remove(path: string): Promise<void>;
  /** Whatever is under the name `to` is replaced in one step. */
  rename(from: string, to: string): Promise<void>;
  /** Gives the file a second name. @throws with code `EEXIST` when there is something under it already. */
  link(path: string, second: string): Promise<void>;
  /** Bytes that can still be written to the file system that holds the folder. */
  freeBytes(folder: string): Promise<number>;
  /** Resolves when the folder's entries are on stable storage. */
  syncDirectory(path: string): Promise<void>;
}

export const nodeFileSystem: LogFileSystem = {
  create: async (path) => new NodeLogFile(await open(path, 'wx+')),
  // Not the append mode: Linux ignores positions in it.
  open: async (path) => new NodeLogFile(await open(path, 'r+')),
  remove: (path) => rm(path, { force: true }),
  rename,
  link,
  freeBytes: async (folder) => {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  },
  syncDirectory,
};

class NodeLogFile implements LogFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  async read(target: Buffer, position: number): Promise<number> {
    return (await this.#handle.read(target, 0, target.length, position)).bytesRead;
  }

  async writev(parts: readonly Uint8Array[], position: number): Promise<number> {
    return (await this.#handle.writev(parts, position)).bytesWritten;
  }

  datasync(): Promise<void> {
    return this.#handle.datasync();
  }

  truncate(length: number): Promise<void> {
    return this.#handle.truncate(length);
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
