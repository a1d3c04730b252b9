import { nodeFileSystem, type LogFile, type LogFileSystem } from '../../src/log/log-file-system.ts';

/** The error that the operating system gives under this code. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: injected`), { code });
}

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
  writes = 0;
  syncs = 0;
  reads = 0;
  opens = 0;

  async create(path: string): Promise<LogFile> {
    return this.#wrap(await nodeFileSystem.create(path));
  }

  async open(path: string): Promise<LogFile> {
    this.opens += 1;
    return this.#wrap(await nodeFileSystem.open(path));
  }

  remove(path: string): Promise<void> {
    return nodeFileSystem.remove(path);
  }

  syncDirectory(path: string): Promise<void> {
    return nodeFileSystem.syncDirectory(path);
  }

  #wrap(file: LogFile): LogFile {
    return {
      size: () => file.size(),
      read: (target, position) => {
        this.reads += 1;
        return file.read(target, position);
      },
      writev: async (parts, position) => {
        this.writes += 1;
        if (this.writeError !== null) throw this.writeError;
        const bytes = Buffer.concat(parts);
        if (bytes.length > 0 && this.space === 0) throw systemError('ENOSPC');
        const written = await file.writev([bytes.subarray(0, Math.min(bytes.length, this.space))], position);
        this.space -= written;
        return written;
      },
      datasync: async () => {
        this.syncs += 1;
        await this.syncGate;
        if (this.syncError !== null) throw this.syncError;
        await file.datasync();
      },
      truncate: async (length) => {
        if (this.truncateError !== null) throw this.truncateError;
        await file.truncate(length);
        this.onTruncated();
      },
      close: () => file.close(),
    };
  }
}
