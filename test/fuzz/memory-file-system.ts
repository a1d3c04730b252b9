import type { LogFile, LogFileSystem } from '../../src/log/log-file-system.ts';

/** Files in memory, for tens of thousands of openings; nothing fails, and all is durable at once. */
export class MemoryFileSystem implements LogFileSystem {
  readonly files = new Map<string, Buffer>();

  create(path: string): Promise<LogFile> {
    if (this.files.has(path)) return Promise.reject(Object.assign(new Error('EEXIST'), { code: 'EEXIST' }));
    this.files.set(path, Buffer.alloc(0));
    return this.open(path);
  }

  open(path: string): Promise<LogFile> {
    const { files } = this;
    const content = () => files.get(path) ?? Buffer.alloc(0);
    return Promise.resolve({
      size: () => Promise.resolve(content().length),
      read: (target, position) => Promise.resolve(content().copy(target, 0, position)),
      writev: (parts, position) => {
        const written = Buffer.concat(parts);
        const rest = content().subarray(position + written.length);
        files.set(path, Buffer.concat([content().subarray(0, position), written, rest]));
        return Promise.resolve(written.length);
      },
      datasync: () => Promise.resolve(),
      truncate: (length) => {
        files.set(path, Buffer.from(content().subarray(0, length)));
        return Promise.resolve();
      },
      close: () => Promise.resolve(),
    });
  }

  remove(path: string): Promise<void> {
    this.files.delete(path);
    return Promise.resolve();
  }

  syncDirectory(): Promise<void> {
    return Promise.resolve();
  }
}
