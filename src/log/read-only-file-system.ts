import { open } from 'node:fs/promises';
import type { LogFileSystem } from './log-file-system.ts';

/**
 * For those who only look at a log, maybe while somebody else writes to it: opening one cuts its torn tail and syncs it, and this
 * leaves every byte as it is.
 */
export const readOnlyFileSystem: LogFileSystem = {
  create: refuse,
  async open(path) {
    const handle = await open(path, 'r');
    return {
      size: async () => (await handle.stat()).size,
      read: async (target, position) => (await handle.read(target, 0, target.length, position)).bytesRead,
      writev: refuse,
      datasync: async () => undefined,
      truncate: async () => undefined,
      close: () => handle.close(),
    };
  },
  remove: async () => undefined,
  rename: refuse,
  link: refuse,
  freeBytes: async () => 0,
  syncDirectory: async () => undefined,
};

function refuse(): Promise<never> {
  return Promise.reject(new Error('This log is only read'));
}
