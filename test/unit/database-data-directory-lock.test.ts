import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  announceServer,
  DataDirectoryInUseError,
  lockDataDirectory,
  readAnnouncedServer,
} from '../../src/database/data-directory-lock.ts';
import { compiled } from '../support/compiled-program.ts';
import { useTemporaryFolder } from './database-fixtures.ts';

const MODULE = compiled('database/data-directory-lock.ts');
const URL_OF_SERVER = 'http://127.0.0.1:4321';

describe('the lock of a data directory', () => {
  const folder = useTemporaryFolder();
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  /** Another process that tries to lock the folder; prints `locked`, or the name of the error, and stays. */
  async function otherServer(): Promise<{ said: string; child: ChildProcess }> {
    const script = `
      import { announceServer, lockDataDirectory } from ${JSON.stringify(MODULE)};
      try {
        // Held on to, as servers do: garbage collection would close it.
        globalThis.lock = lockDataDirectory(${JSON.stringify(folder())});
        announceServer(${JSON.stringify(folder())}, { url: ${JSON.stringify(URL_OF_SERVER)} });
        process.stdout.write('locked');
      } catch (error) {
        process.stdout.write(error.name + ': ' + error.message);
      }
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    const [said] = await once(child.stdout, 'data');
    return { said: String(said), child };
  }

  it('keeps a second server out, and tells it which one is there', async () => {
    const lock = lockDataDirectory(folder());
    announceServer(folder(), { url: URL_OF_SERVER });
    const { said } = await otherServer();
    expect(said).toMatch(/^DataDirectoryInUseError/);
    expect(said).toContain(URL_OF_SERVER);
    expect(said).toContain(folder());
    lock.release();
  });

  it('is free again after the server was killed with SIGKILL', async () => {
    const { said, child } = await otherServer();
    expect(said).toBe('locked');
    expect(() => lockDataDirectory(folder())).toThrow(DataDirectoryInUseError);

    child.kill('SIGKILL');
    await once(child, 'exit');
    lockDataDirectory(folder()).release();
  });

  it('is free again once released, and holds within one process too', () => {
    const lock = lockDataDirectory(folder());
    expect(() => lockDataDirectory(folder())).toThrow(DataDirectoryInUseError);
    // The failed attempt closed its file; that must not have given the lock up.
    expect(() => lockDataDirectory(folder())).toThrow(DataDirectoryInUseError);
    lock.release();
    lock.release();
    lockDataDirectory(folder()).release();
  });

  it('creates the directory', () => {
    const deep = path.join(folder(), 'not', 'yet');
    lockDataDirectory(deep).release();
    expect(existsSync(deep)).toBe(true);
  });

  it('finds the announced server of another process, as long as that lives', async () => {
    expect(readAnnouncedServer(folder())).toBeNull();
    const { child } = await otherServer();
    expect(readAnnouncedServer(folder())).toEqual({ url: URL_OF_SERVER, pid: child.pid });

    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(readAnnouncedServer(folder())).toBeNull();
  });

  it('does not take the note of a killed server for one of its successor', async () => {
    const { child } = await otherServer();
    child.kill('SIGKILL');
    await once(child, 'exit');

    const lock = lockDataDirectory(folder());
    expect(readAnnouncedServer(folder())).toBeNull();
    announceServer(folder(), { url: 'http://127.0.0.1:9' });
    expect(readAnnouncedServer(folder())).toEqual({ url: 'http://127.0.0.1:9', pid: process.pid });
    lock.release();
    expect(readAnnouncedServer(folder())).toBeNull();
  });

  it('is not lost by looking who holds it', async () => {
    const lock = lockDataDirectory(folder());
    announceServer(folder(), { url: URL_OF_SERVER });
    readAnnouncedServer(folder());
    const { said } = await otherServer();
    expect(said).toMatch(/^DataDirectoryInUseError/);
    lock.release();
  });
});
