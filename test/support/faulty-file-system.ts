import { basename } from 'node:path';
import { nodeFileSystem, type LogFile, type LogFileSystem } from '../../src/log/log-file-system.ts';

/** The error that the operating system gives under this code. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: injected`), { code });
}

/** What may be asked of a file system or of one of its files. */
export type FileSystemCall =
  'create' | 'open' | 'read' | 'write' | 'datasync' | 'truncate' | 'remove' | 'rename' | 'link' | 'syncDirectory';

/** The real file system, with a disk that can be full and calls that can fail; counts what is asked of it. */
export class FaultyFileSystem implements LogFileSystem {
  /** Bytes that can still be written; beyond, a write is cut short and the next one fails with `ENOSPC`. */
  space = Infinity;
  writeError: Error | null = null;
  syncError: Error | null = null;
  truncateError: Error | null = null;
  /** While set, syncs wait for it: what arrives meanwhile queues up. */
  syncGate: Promise<void> | null = null;
  /** Called when a failed write has been cut off, before anybody hears of it. */
  onTruncated: () => void = () => undefined;
  /**
   * Called before each call, with the last part of the path (of a file: the one it was opened under) and, for a read, the
   * bytes asked for. What it throws is what the call fails with, undone.
   */
  beforeCall: (call: FileSystemCall, name: string, start: number, end: number) => void = () => undefined;
  /** While set, what was read is held back until it opens. */
  readGate: Promise<void> | null = null;
  writes = 0;
  syncs = 0;
  reads = 0;
  opens = 0;

  async create(path: string): Promise<LogFile> {
    this.#before('create', path);
    return this.#wrap(await nodeFileSystem.create(path), path);
  }

  async open(path: string): Promise<LogFile> {
    this.#before('open', path);
    this.opens += 1;
    return this.#wrap(await nodeFileSystem.open(path), path);
  }

  async remove(path: string): Promise<void> {
    this.#before('remove', path);
    await nodeFileSystem.remove(path);
  }

  async rename(from: string, to: string): Promise<void> {
    this.#before('rename', from);
    await nodeFileSystem.rename(from, to);
  }

  async link(path: string, second: string): Promise<void> {
    this.#before('link', path);
    await nodeFileSystem.link(path, second);
  }

  async freeBytes(folder: string): Promise<number> {
    return Math.min(this.space, await nodeFileSystem.freeBytes(folder));
  }

  async syncDirectory(path: string): Promise<void> {
    this.#before('syncDirectory', path);
    await nodeFileSystem.syncDirectory(path);
  }

  #before(call: FileSystemCall, path: string, start = 0, end = 0): void {
    this.beforeCall(call, basename(path), start, end);
  }

  #wrap(file: LogFile, path: string): LogFile {
    return {
      size: () => file.size(),
      read: async (target, position) => {
        this.reads += 1;
        this.#before('read', path, position, position + target.length);
        const gate = this.readGate;
        const count = await file.read(target, position);
        await gate;
        return count;
      },
      writev: async (parts, position) => {
        this.writes += 1;
        this.#before('write', path);
        if (this.writeError !== null) throw this.writeError;
        const bytes = Buffer.concat(parts);
        if (bytes.length > 0 && this.space === 0) throw systemError('ENOSPC');
        const written = await file.writev([bytes.subarray(0, Math.min(bytes.length, this.space))], position);
        this.space -= written;
        return written;
      },
      datasync: async () => {
        this.syncs += 1;
        this.#before('datasync', path);
        await this.syncGate;
        if (this.syncError !== null) throw this.syncError;
        await file.datasync();
      },
      truncate: async (length) => {
        this.#before('truncate', path);
        if (this.truncateError !== null) throw this.truncateError;
        await file.truncate(length);
        this.onTruncated();
      },
      close: () => file.close(),
    };
  }
}
