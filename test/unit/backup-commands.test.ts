import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { backup, restore } from '../../src/cli/backup-commands.ts';
import type { CommandContext } from '../../src/cli/context.ts';
import { DataFolder, flip } from './backup-fixtures.ts';
import { useTemporaryFolder } from './database-fixtures.ts';

describe('the commands backup and restore', () => {
  const folder = useTemporaryFolder();
  let data: DataFolder;
  let target: string;
  let printed: { stdout: string; stderr: string };
  beforeEach(async () => {
    data = new DataFolder(path.join(folder(), 'data'));
    await data.addSession('first');
    target = path.join(folder(), 'backup');
    printed = { stdout: '', stderr: '' };
  });

  const context = (
    dataDirectory: string,
    onInterrupt: CommandContext['onInterrupt'] = () => () => undefined,
  ): CommandContext => ({
    // A server with this HOST would need a token; these commands listen nowhere.
    environment: { DATA_DIR: dataDirectory, HOST: '0.0.0.0' },
    stdout: { write: (text) => (printed.stdout += text) },
    stderr: { write: (text) => (printed.stderr += text) },
    programName: 'verbatim',
    onInterrupt,
    exit: (code) => {
      throw new Error(`exit ${code}`);
    },
  });

  it('say by exit code 2 and on standard error that something had been damaged before', async () => {
    await data.addSession('second');
    await flip(data.log('second', 'audio'), 10_000);
    expect(await backup(target, '1.2.3', context(data.path))).toBe(2);
    expect(printed.stdout).toContain(`Backed up to ${target}: 2 sessions, 5 files`);
    expect(printed.stderr).toMatch(/^warning: Session second: its audio log is damaged/mu);

    printed = { stdout: '', stderr: '' };
    expect(await restore(target, context(path.join(folder(), 'restored')))).toBe(2);
    expect(printed.stdout).toMatch(/^Restored to .* as of \d{4}-/u);
    expect(printed.stderr).toMatch(/^warning: Session second: /mu);
  });

  it('end with exit code 130 and without a trace when they are interrupted', async () => {
    const atOnce = (handler: () => void) => {
      handler();
      return () => undefined;
    };
    expect(await backup(target, '1.2.3', context(data.path, atOnce))).toBe(130);
    expect(await readdir(folder())).toEqual(['data']);
    expect(printed).toEqual({ stdout: '', stderr: 'interrupted: what was copied has been removed\n' });

    expect(await backup(target, '1.2.3', context(data.path))).toBe(0);
    const restored = path.join(folder(), 'restored');
    expect(await restore(target, context(restored, atOnce))).toBe(130);
    expect(await readdir(restored)).toEqual(['lock.db']);
  });
});
