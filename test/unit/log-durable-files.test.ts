import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeDirectoryDurably, syncDirectory } from '../../src/log/durable-files.ts';

describe('making a folder durably', () => {
  it('makes it with all its parents, and leaves one that exists as it is', async () => {
    const root = await mkdtemp(join(tmpdir(), 'verbatim-folders-'));
    const folder = join(root, 'a', 'b', 'c');
    await makeDirectoryDurably(folder);
    await makeDirectoryDurably(folder);
    await makeDirectoryDurably(`${join(root, 'a', 'd')}/`);
    expect((await stat(folder)).isDirectory()).toBe(true);
    expect((await stat(join(root, 'a', 'd'))).isDirectory()).toBe(true);
    await rm(root, { recursive: true });
  });

  it('fails when it cannot be made or synced', async () => {
    await expect(makeDirectoryDurably('/dev/null/folder')).rejects.toMatchObject({ code: 'ENOTDIR' });
    await expect(syncDirectory(join(tmpdir(), 'no such folder'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
