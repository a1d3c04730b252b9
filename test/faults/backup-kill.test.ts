import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RunningProgram, verbatim } from '../e2e/command-line.ts';
import { until } from '../support/wait.ts';
import { DataFolder } from '../unit/backup-fixtures.ts';

const PATIENCE_MS = 30_000;
/** The last is long, so that the commands are at work for a while. */
const IDS = Array.from({ length: 10 }, (_, index) => `session-${index}`);
const LONG = { chunks: 5, chunkBytes: 15_000_000 };

describe('kill -9', () => {
  let folder: string;
  let data: DataFolder;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'verbatim-backup-kill-'));
    data = new DataFolder(path.join(folder, 'data'));
    for (const id of IDS) await data.addSession(id, id === IDS.at(-1) ? LONG : {});
  }, PATIENCE_MS);
  afterEach(() => rm(folder, { recursive: true, force: true }));

  /**
   * Kills the command as soon as the unfinished folder that it makes in `where` has so many sessions. One that was done
   * before the signal came is undone and run again.
   */
  async function killAt(
    sessions: number,
    args: readonly string[],
    dataDirectory: string,
    where: string,
    undo: () => Promise<void>,
  ) {
    await until(
      async () => {
        const before = new Set(await unfinishedIn(where));
        const program = new RunningProgram('cli.ts', args, { DATA_DIR: dataDirectory });
        await until(
          async () => {
            const [made] = (await unfinishedIn(where)).filter((entry) => !before.has(entry));
            return program.process.exitCode !== null || (made !== undefined && (await sessionsIn(made)) >= sessions);
          },
          { timeoutMs: PATIENCE_MS, what: `${sessions} sessions` },
        );
        const { code, stderr } = await program.end('SIGKILL');
        if (code === null) return true;
        expect(code, stderr).toBe(0);
        await undo();
        return false;
      },
      { timeoutMs: 2 * PATIENCE_MS, what: 'a command killed at work' },
    );
  }

  async function unfinishedIn(where: string): Promise<string[]> {
    if (!existsSync(where)) return [];
    return (await readdir(where))
      .filter((entry) => entry.includes('.unfinished-'))
      .map((entry) => path.join(where, entry));
  }

  /** In an unfinished backup, or in the unfinished folder of sessions of a data directory. */
  async function sessionsIn(unfinished: string): Promise<number> {
    const inBackup = path.join(unfinished, 'sessions');
    return (await readdir(existsSync(inBackup) ? inBackup : unfinished)).filter((entry) => IDS.includes(entry)).length;
  }

  async function expectSameLogs(dataDirectory: string): Promise<void> {
    for (const id of IDS) {
      for (const log of ['audio', 'journal'] as const) {
        const copy = await readFile(path.join(dataDirectory, 'sessions', id, `${log}.log`));
        expect(copy.equals(await readFile(data.log(id, log)))).toBe(true);
      }
    }
  }

  it(
    'during a backup leaves no folder that looks like one, and the data as it was',
    async () => {
      const backups = path.join(folder, 'backups');
      const target = path.join(backups, 'today');
      for (const sessions of [0, 1, 6]) {
        const undo = () => rm(target, { recursive: true });
        await killAt(sessions, ['backup', target], data.path, backups, undo);
        expect(existsSync(target)).toBe(false);
        for (const leftover of await readdir(backups)) {
          const { code, stderr } = await verbatim(['restore', path.join(backups, leftover)], {
            DATA_DIR: path.join(folder, 'nowhere'),
          });
          expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('holds no backup') });
        }
      }
      const { code, stderr } = await verbatim(['backup', target], { DATA_DIR: data.path });
      expect(code, stderr).toBe(0);
      const restored = path.join(folder, 'restored');
      expect(await verbatim(['restore', target], { DATA_DIR: restored })).toMatchObject({ code: 0 });
      await expectSameLogs(restored);
    },
    5 * PATIENCE_MS,
  );

  it(
    'during a restore leaves no database, and the next restore is whole',
    async () => {
      const backup = path.join(folder, 'backup');
      await data.backup(backup);
      const restored = path.join(folder, 'restored');
      for (const sessions of [0, 1, 6]) {
        const undo = () => rm(restored, { recursive: true });
        await killAt(sessions, ['restore', backup], restored, restored, undo);
        expect(existsSync(path.join(restored, 'verbatim.db'))).toBe(false);
      }
      const { code, stderr } = await verbatim(['restore', backup], { DATA_DIR: restored });
      expect(code, stderr).toBe(0);
      await expectSameLogs(restored);
      expect((await readdir(restored)).toSorted()).toEqual(['lock.db', 'sessions', 'verbatim.db']);
    },
    5 * PATIENCE_MS,
  );
});
