import { createHash } from 'node:crypto';
import { appendFileSync, copyFileSync, existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { appendFile, copyFile, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { beforeEach, describe, expect, it } from 'vitest';
import { readManifest } from '../../src/backup/manifest.ts';
import { DataFolder, flip } from './backup-fixtures.ts';
import { useTemporaryFolder } from './database-fixtures.ts';

describe('a backup', () => {
  const folder = useTemporaryFolder();
  let data: DataFolder;
  let target: string;
  beforeEach(() => {
    data = new DataFolder(path.join(folder(), 'data'));
    target = path.join(folder(), 'backups', 'today');
  });

  const inBackup = (id: string, name: string) => readFile(path.join(target, 'sessions', id, `${name}.log`));

  it('has the database and the logs byte for byte, and says what it has, with lengths and checksums', async () => {
    await data.addSession('first');
    await data.addSession('second', { chunks: 500 });
    const manifest = await data.backup(target);

    expect(await readManifest(target)).toEqual(manifest);
    expect(manifest).toMatchObject({
      verbatimVersion: '1.2.3',
      sessions: [
        { id: 'first', nextSequence: 10 },
        { id: 'second', nextSequence: 500 },
      ],
      warnings: [],
    });
    expect(manifest.files.map((file) => file.path)).toEqual([
      'verbatim.db',
      'sessions/first/journal.log',
      'sessions/first/audio.log',
      'sessions/second/journal.log',
      'sessions/second/audio.log',
    ]);
    for (const { path: file, bytes, sha256 } of manifest.files) {
      const content = await readFile(path.join(target, file));
      expect({ bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') }).toEqual({
        bytes,
        sha256,
      });
    }
    for (const { path: file } of manifest.files.filter((copied) => copied.path.endsWith('.log'))) {
      const original = await readFile(path.join(data.path, file));
      expect(original.equals(await readFile(path.join(target, file)))).toBe(true);
    }
    expect(await readdir(path.dirname(target))).toEqual(['today']);
  });

  it('goes into an empty folder too, but neither into one that holds something nor into the data directory', async () => {
    await data.addSession('first');
    await mkdir(target, { recursive: true });
    await data.backup(target);
    await expect(data.backup(target)).rejects.toThrow(`${target} is not empty`);
    await expect(data.backup(path.join(data.path, 'backup'))).rejects.toThrow(/choose a folder outside of/u);
    await expect(data.backup(data.path)).rejects.toThrow(/choose a folder outside of/u);
    expect(await readdir(path.dirname(target))).toEqual(['today']);
  });

  it('copies a torn tail as it is, and finds nothing wrong with it', async () => {
    await data.addSession('first');
    await appendFile(data.log('first', 'audio'), Buffer.alloc(100, 0xf5));
    await truncate(data.log('first', 'journal'), (await readFile(data.log('first', 'journal'))).length + 40);
    const { warnings, sessions } = await data.backup(target);
    expect({ warnings, sessions }).toEqual({ warnings: [], sessions: [{ id: 'first', nextSequence: 10 }] });
    expect((await inBackup('first', 'audio')).equals(await readFile(data.log('first', 'audio')))).toBe(true);
  });

  it('is made of damaged logs too, and names the sessions', async () => {
    for (const id of ['well', 'audio', 'header', 'journal', 'behind', 'foreign', 'short']) await data.addSession(id);
    await data.addSession('missing');
    await flip(data.log('audio', 'audio'), 10_000);
    await flip(data.log('header', 'audio'), 60);
    await flip(data.log('journal', 'journal'), 60);
    await truncate(data.log('behind', 'journal'), 100);
    await writeFile(data.log('foreign', 'journal'), 'Something else altogether, of some length.');
    await truncate(data.log('short', 'audio'), 20_000);
    await rm(data.log('missing', 'journal'));
    await rm(data.log('missing', 'audio'));
    const { warnings, sessions, files } = await data.backup(target);

    expect(new Set(warnings.map((warning) => /^Session (\w+): /u.exec(warning)?.[1]))).toEqual(
      new Set(['audio', 'header', 'journal', 'behind', 'foreign', 'short', 'missing']),
    );
    expect(warnings.join('\n')).toMatch(/audio: its audio log is damaged: 1600 frames/u);
    expect(warnings.join('\n')).toMatch(/header: its audio log can't be read/u);
    expect(warnings.join('\n')).toMatch(/journal: its journal is damaged from byte 16 on/u);
    expect(warnings.join('\n')).toMatch(/behind: its journal ends at byte \d+, before the database's checkpoint/u);
    expect(warnings.join('\n')).toMatch(/short: its audio log lost its end/u);
    expect(warnings.join('\n')).toMatch(/missing: its journal is missing/u);
    expect(sessions).toContainEqual({ id: 'header', nextSequence: null });
    expect(files.filter(({ path: file }) => file.includes('missing'))).toEqual([]);
    expect((await inBackup('audio', 'audio')).equals(await readFile(data.log('audio', 'audio')))).toBe(true);
  });

  it('takes sessions whose logs were not made yet, and leaves out logs of sessions that the database has not', async () => {
    await data.addSession('first');
    await data.addRow('begun');
    await mkdir(path.join(data.path, 'sessions', 'unknown'));
    await copyFile(data.log('first', 'audio'), data.log('unknown', 'audio'));
    const { sessions, warnings } = await data.backup(target);
    expect({ sessions, warnings }).toEqual({
      sessions: [
        { id: 'begun', nextSequence: null },
        { id: 'first', nextSequence: 10 },
      ],
      warnings: [],
    });
    expect(existsSync(path.join(target, 'sessions', 'unknown'))).toBe(false);
  });

  it('copes with logs that are replaced, and with sessions that are removed, while it is made', async () => {
    for (const id of ['a', 'b', 'c']) await data.addSession(id);
    const { warnings, sessions } = await data.backup(target, {
      onProgress: ({ sessions: done }) => {
        if (done !== 1) return;
        // At once, as another process would do it between two files.
        copyFileSync(data.log('b', 'audio'), `${data.log('b', 'audio')}.new`);
        renameSync(`${data.log('b', 'audio')}.new`, data.log('b', 'audio'));
        rmSync(path.join(data.path, 'sessions', 'c'), { recursive: true });
      },
    });
    expect(sessions).toEqual([
      { id: 'a', nextSequence: 10 },
      { id: 'b', nextSequence: 10 },
      { id: 'c', nextSequence: null },
    ]);
    expect(warnings).toEqual(['Session c: its journal is missing.']);
  });

  it('never has a part that is ahead of what it rests on, however much comes in while it is made', async () => {
    const steps = 40;
    await data.addSession('first', { chunks: steps, entries: steps });
    const audio = splitIntoRecords(await readFile(data.log('first', 'audio')));
    const journal = splitIntoRecords(await readFile(data.log('first', 'journal')));
    const database = new BetterSqlite3(data.databaseFile);
    const follow = database.prepare('UPDATE sessions SET journal_position = ?');
    const endAfter = (entries: number) => Buffer.concat(journal.slice(0, 1 + entries)).length;
    // The file headers, the header of the audio, one chunk, and the entry that says that it was heard.
    writeFileSync(data.log('first', 'audio'), Buffer.concat(audio.slice(0, 3)));
    writeFileSync(data.log('first', 'journal'), Buffer.concat(journal.slice(0, 2)));
    follow.run(endAfter(1));

    const signal = new AbortController().signal;
    let step = 1;
    // Asked before each block: each time another chunk is received, heard, and committed.
    const goOn = () => {
      step += 1;
      appendFileSync(data.log('first', 'audio'), audio[step + 1] ?? '');
      appendFileSync(data.log('first', 'journal'), journal[step] ?? '');
      follow.run(endAfter(step));
    };
    Object.defineProperty(signal, 'throwIfAborted', { value: goOn });
    const { warnings, sessions } = await data.backup(target, { signal });
    database.close();

    expect(step).toBeLessThan(steps);
    expect(warnings).toEqual([]);
    const copied = await inBackup('first', 'journal');
    expect(copied.length).toBeGreaterThan(endAfter(1));
    expect(endAfter(sessions[0]?.nextSequence ?? 0)).toBeGreaterThan(copied.length);
  });

  it('does not take a log for damaged that cut a failed write and went on while it was read', async () => {
    await data.addSession('first', { chunks: 1_000 });
    const log = data.log('first', 'audio');
    const whole = await readFile(log);
    const signal = new AbortController().signal;
    let blocks = 0;
    // Asked before each block: behind the first MiB of the audio, the file goes on otherwise than it was.
    Object.defineProperty(signal, 'throwIfAborted', {
      value: () => {
        blocks += 1;
        if (blocks === 4)
          writeFileSync(
            log,
            Buffer.concat([whole.subarray(0, 1_500_000), Buffer.alloc(3_000, 1), whole.subarray(1_503_000)]),
          );
        if (blocks === 6) writeFileSync(log, whole);
      },
    });
    const { warnings } = await data.backup(target, { signal });
    expect(warnings).toEqual([]);
    expect((await inBackup('first', 'audio')).equals(whole)).toBe(true);
  });

  it('that is interrupted, or finds no space, or no database, leaves nothing', async () => {
    await data.addSession('a');
    await data.addSession('b');
    const interrupt = new AbortController();
    await expect(
      data.backup(target, { signal: interrupt.signal, onProgress: () => interrupt.abort() }),
    ).rejects.toThrow(/aborted/u);
    await expect(data.backup(target, { reserveBytes: Number.MAX_SAFE_INTEGER })).rejects.toThrow(/Not enough space/u);
    await expect(data.backup(target, { databaseFile: path.join(folder(), 'none.db') })).rejects.toThrow(
      /There is no database/u,
    );
    expect(await readdir(path.dirname(target))).toEqual([]);
  });
});

/** The header of a log's file, and its records. */
function splitIntoRecords(log: Buffer): Buffer[] {
  const marker = Buffer.from([0xf5, 0x56, 0x52, 0xff]);
  const parts: Buffer[] = [];
  for (let start = 0; start < log.length;) {
    const next = log.indexOf(marker, start + 1);
    const end = next === -1 ? log.length : next;
    parts.push(log.subarray(start, end));
    start = end;
  }
  return parts;
}
