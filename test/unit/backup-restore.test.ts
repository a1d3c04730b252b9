import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { restoreBackup, type RestoreRequest } from '../../src/backup/restore-backup.ts';
import { lockDataDirectory } from '../../src/database/data-directory-lock.ts';
import { DataFolder, flip } from './backup-fixtures.ts';
import { useTemporaryFolder } from './database-fixtures.ts';

describe('restoring a backup', () => {
  const folder = useTemporaryFolder();
  let backup: string;
  let target: string;
  beforeEach(async () => {
    const data = new DataFolder(path.join(folder(), 'data'));
    await data.addSession('first');
    await data.addSession('second');
    backup = path.join(folder(), 'backup');
    await data.backup(backup);
    target = path.join(folder(), 'restored');
  });

  const restore = (changes: Partial<RestoreRequest> = {}) =>
    restoreBackup({
      folder: backup,
      dataDirectory: target,
      databaseFile: path.join(target, 'verbatim.db'),
      reserveBytes: 0,
      signal: new AbortController().signal,
      onProgress: () => undefined,
      ...changes,
    });

  async function expectWhole(dataDirectory = target, databaseFile = path.join(target, 'verbatim.db')): Promise<void> {
    for (const id of ['first', 'second']) {
      for (const log of ['audio.log', 'journal.log']) {
        const file = path.join('sessions', id, log);
        expect((await readFile(path.join(dataDirectory, file))).equals(await readFile(path.join(backup, file)))).toBe(
          true,
        );
      }
    }
    expect((await readFile(databaseFile)).equals(await readFile(path.join(backup, 'verbatim.db')))).toBe(true);
  }

  it('gives every byte back, and leaves nothing else there but the lock, which is free', async () => {
    const manifest = await restore();
    expect(manifest.sessions.map(({ id }) => id)).toEqual(['first', 'second']);
    await expectWhole();
    expect((await readdir(target)).toSorted()).toEqual(['lock.db', 'sessions', 'verbatim.db']);
    lockDataDirectory(target).release();
  });

  it('puts the database where DATABASE_URL has it', async () => {
    const databaseFile = path.join(folder(), 'databases', 'speech.db');
    await restore({ databaseFile });
    await expectWhole(target, databaseFile);
    expect((await readdir(target)).toSorted()).toEqual(['lock.db', 'sessions']);
    expect(await readdir(path.dirname(databaseFile))).toEqual(['speech.db']);
  });

  it.each([
    'verbatim.db',
    'sessions/first/audio.log',
    'sessions/first/journal.log',
    'sessions/second/audio.log',
    'sessions/second/journal.log',
  ])('refuses a backup of which one byte of %s was flipped, the last was lost, or all were', async (file) => {
    const damaged = path.join(backup, file);
    const content = await readFile(damaged);
    for (const position of [0, Math.floor(content.length / 2), content.length - 1]) {
      await flip(damaged, position);
      await expect(restore()).rejects.toThrow(`${damaged} is damaged`);
      await writeFile(damaged, content);
    }
    await truncate(damaged, content.length - 1);
    await expect(restore()).rejects.toThrow(`${damaged} is damaged`);
    await rm(damaged);
    await expect(restore()).rejects.toThrow(`${damaged} is missing`);
    expect(await readdir(target)).toEqual(['lock.db']);

    await writeFile(damaged, content);
    await restore();
    await expectWhole();
  });

  it('refuses a folder that is no backup, or one whose manifest is damaged or of a later version', async () => {
    await expect(restore({ folder: folder() })).rejects.toThrow(/holds no backup/u);
    await expect(restore({ folder: path.join(folder(), 'nowhere') })).rejects.toThrow(/holds no backup/u);

    const file = path.join(backup, 'backup.json');
    const text = await readFile(file, 'utf8');
    const wrong = [
      text.replace('"nextSequence": 10', '"nextSequence": 11'),
      text.replace('"sessions/first/', '"sessions/fjrst/'),
      text.replace('"format": "verbatim-backup"', '"format": "another"'),
      text.slice(0, -10),
      '',
    ];
    for (const content of wrong) {
      expect(content).not.toBe(text);
      await writeFile(file, content);
      await expect(restore()).rejects.toThrow(`${file} is damaged`);
    }
    await writeFile(file, text.replace('"formatVersion": 1', '"formatVersion": 2'));
    await expect(restore()).rejects.toThrow(/format version 2/u);
    expect(existsSync(target)).toBe(false);
  });

  it('writes nowhere but to the data directory, whatever a manifest says', async () => {
    const file = path.join(backup, 'backup.json');
    for (const escape of ['../stolen.log', 'sessions/../../stolen.log', '/tmp/stolen.log', 'sessions/../audio.log']) {
      const document = JSON.parse(await readFile(file, 'utf8')) as { content: { files: { path: string }[] } };
      document.content.files.push({ ...document.content.files[0], path: escape });
      const sha256 = createHash('sha256').update(JSON.stringify(document.content)).digest('hex');
      await writeFile(file, JSON.stringify({ ...document, sha256 }));
      await expect(restore()).rejects.toThrow(`${file} is damaged`);
    }
    expect(existsSync(target)).toBe(false);
  });

  it.each(['verbatim.db', 'verbatim.db-wal', 'verbatim.db-shm', 'sessions/other/audio.log'])(
    'refuses to overwrite %s, and leaves it as it is',
    async (file) => {
      const present = path.join(target, file);
      await mkdir(path.dirname(present), { recursive: true });
      await writeFile(present, 'precious');
      await expect(restore()).rejects.toThrow(/There is data already: .*move it away/u);
      expect(await readFile(present, 'utf8')).toBe('precious');
      expect(new Set(await readdir(target))).toEqual(new Set(['lock.db', file.split('/')[0]]));
    },
  );

  it('refuses while a server runs on the data directory', async () => {
    const lock = lockDataDirectory(target);
    await expect(restore()).rejects.toThrow(/uses the data directory/u);
    expect((await readdir(target)).filter((entry) => !entry.startsWith('lock.db'))).toEqual([]);
    lock.release();
    await restore();
    await expectWhole();
  });

  it('that was interrupted leaves nothing, and what a killed one left is not in the way of the next', async () => {
    const interrupt = new AbortController();
    const interrupted = restore({ signal: interrupt.signal, onProgress: () => interrupt.abort() });
    await expect(interrupted).rejects.toThrow(/aborted/u);
    await expect(restore({ reserveBytes: Number.MAX_SAFE_INTEGER })).rejects.toThrow(/Not enough space/u);
    expect(await readdir(target)).toEqual(['lock.db']);

    await mkdir(path.join(target, 'sessions.unfinished-abcdef', 'first'), { recursive: true });
    await writeFile(path.join(target, 'verbatim.db.unfinished'), 'half of it');
    await restore();
    await expectWhole();
    expect((await readdir(target)).toSorted()).toEqual(['lock.db', 'sessions', 'verbatim.db']);
  });
});
