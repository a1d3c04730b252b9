import type { LogFile, LogFileSystem } from '../../src/log/log-file-system.ts';

interface MemoryFile {
  content: Buffer;
}

/** Files in memory, for tens of thousands of openings; nothing fails, and all is durable at once. */
export class MemoryFileSystem implements LogFileSystem {
  readonly #files = new Map<string, MemoryFile>();

  /** Puts a file there as it is. */
  put(path: string, content: Buffer): void {
    this.#files.set(path, { content });
  }

  contentOf(path: string): Buffer | undefined {
    return this.#files.get(path)?.content;
  }

  create(path: string): Promise<LogFile> {
    if (this.#files.has(path)) return Promise.reject(systemError('EEXIST'));
    this.put(path, Buffer.alloc(0));
    return this.open(path);
  }

  open(path: string): Promise<LogFile> {
    const file = this.#files.get(path);
    return file === undefined ? Promise.reject(systemError('ENOENT')) : Promise.resolve(opened(file));
  }

  remove(path: string): Promise<void> {
    this.#files.delete(path);
    return Promise.resolve();
  }

  async rename(from: string, to: string): Promise<void> {
    await this.link(from, to, true);
    this.#files.delete(from);
  }

  link(path: string, second: string, replace = false): Promise<void> {
    const file = this.#files.get(path);
    if (file === undefined) return Promise.reject(systemError('ENOENT'));
    if (!replace && this.#files.has(second)) return Promise.reject(systemError('EEXIST'));
    this.#files.set(second, file);
    return Promise.resolve();
  }

  freeBytes(): Promise<number> {
    return Promise.resolve(Infinity);
  }

  syncDirectory(): Promise<void> {
    return Promise.resolve();
  }
}

function opened(file: MemoryFile): LogFile {
  return {
    size: () => Promise.resolve(file.content.length),
    read: (target, position) => Promise.resolve(file.content.copy(target, 0, position)),
    writev: (parts, position) => {
      const written = Buffer.concat(parts);
      const rest = file.content.subarray(position + written.length);
      file.content = Buffer.concat([file.content.subarray(0, position), written, rest]);
      return Promise.resolve(written.length);
    },
    datasync: () => Promise.resolve(),
    truncate: (length) => {
      file.content = Buffer.from(file.content.subarray(0, length));
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  };
}

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}
