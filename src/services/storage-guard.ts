import { statfs } from 'node:fs/promises';
import type { Logger } from './logger.ts';

/** How old a reading of the free space may be before the next one is taken, in milliseconds. */
const MAX_AGE_MS = 1_000;

/**
 * Keeps a reserve of disk space for what must still be written when the disk is nearly full: journals, the database, and the
 * ends of sessions. New audio is refused below it.
 */
export class StorageGuard {
  readonly #directory: string;
  readonly #reserveBytes: number;
  readonly #logger: Logger;
  #freeBytes = Infinity;
  #readAt = -Infinity;
  #reading = false;

  constructor(directory: string, reserveBytes: number, logger: Logger) {
    this.#directory = directory;
    this.#reserveBytes = reserveBytes;
    this.#logger = logger;
  }

  /** Whether audio may be accepted: answers from the last reading, and takes the next one in the background. */
  hasRoom(): boolean {
    if (!this.#reading && performance.now() - this.#readAt > MAX_AGE_MS) void this.refresh();
    return this.#freeBytes >= this.#reserveBytes;
  }

  async refresh(): Promise<void> {
    this.#reading = true;
    try {
      const { bavail, bsize } = await statfs(this.#directory);
      this.#freeBytes = bavail * bsize;
    } catch (error) {
      // A file system that can't tell its free space says so when it is written to.
      this.#logger.warn({ err: error }, 'free disk space unknown');
    }
    this.#readAt = performance.now();
    this.#reading = false;
  }
}
