import { execFile } from 'node:child_process';
import { mkdtemp, open, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A small file system of its own, in memory, that can be full or read-only. Mounting needs root. */
export class TemporaryDisk {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** @throws when this process may not mount file systems. */
  static async mount(bytes: number): Promise<TemporaryDisk> {
    const folder = await mkdtemp(path.join(tmpdir(), 'verbatim-disk-'));
    try {
      await run('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder]);
    } catch (error) {
      await rmdir(folder);
      throw error;
    }
    return new TemporaryDisk(folder);
  }

  /** Takes all the space that is left. */
  async fill(): Promise<void> {
    const ballast = await open(this.#ballast, 'w');
    try {
      const page = Buffer.alloc(4096);
      for (;;) await ballast.writeFile(page);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
    } finally {
      await ballast.close();
    }
  }

  /** Gives back what `fill` took. */
  async free(): Promise<void> {
    await rm(this.#ballast);
  }

  /** @throws while a file on it is open for writing: the kernel refuses it then. */
  async makeReadOnly(): Promise<void> {
    await run('mount', ['-o', 'remount,ro', this.folder]);
  }

  async makeWritable(): Promise<void> {
    await run('mount', ['-o', 'remount,rw', this.folder]);
  }

  async unmount(): Promise<void> {
    // Lazily: whatever a failed test left open must not leave the mount behind.
    await run('umount', ['-l', this.folder]);
    await rmdir(this.folder);
  }

  get #ballast(): string {
    return path.join(this.folder, 'ballast');
  }
}
