import { copyFile, mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Journal, type JournalRecord } from '../../src/log/journal.ts';
import { LogFormatError, LogIncompleteError } from '../../src/log/storage-errors.ts';
import { FaultyFileSystem, systemError } from '../support/faulty-file-system.ts';

const entrySchema = z.object({ number: z.int() });
type Entry = z.infer<typeof entrySchema>;
const parse = (value: unknown): Entry => entrySchema.parse(value);

let folder: string;
let path: string;
let fileSystem: FaultyFileSystem;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'verbatim-repair-'));
  path = join(folder, 'journal.log');
  fileSystem = new FaultyFileSystem();
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

interface Opened {
  journal: Journal<Entry>;
  visited: JournalRecord<Entry>[];
  droppedFrom: number | null;
}

async function openRepaired(): Promise<Opened> {
  const visited: JournalRecord<Entry>[] = [];
  const opened = await Journal.openRepaired(path, parse, (record) => visited.push(record), { fileSystem });
  return { ...opened, visited };
}

async function writeEntries(count: number): Promise<JournalRecord<Entry>[]> {
  const journal = await Journal.create(path, parse);
  const records: JournalRecord<Entry>[] = [];
  for (let number = 0; number < count; number += 1) {
    records.push({ entry: { number }, ...(await journal.append({ number })) });
  }
  await journal.close();
  return records;
}

async function overwrite(position: number, bytes = Buffer.from('#')): Promise<Buffer> {
  const file = await open(path, 'r+');
  await file.write(bytes, 0, bytes.length, position);
  await file.close();
  return readFile(path);
}

async function setAside(): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name !== 'journal.log').toSorted();
}

describe('the repair of a journal', () => {
  it('keeps what stands before the damage, in its place, and the damaged file beside it', async () => {
    const records = await writeEntries(6);
    const missing = records[3]?.position ?? 0;
    const damaged = await overwrite(missing + 35);
    const { journal, visited, droppedFrom } = await openRepaired();
    expect([visited, droppedFrom, journal.durableEnd, journal.damage]).toEqual([
      records.slice(0, 3),
      missing,
      missing,
      [],
    ]);
    expect(await setAside()).toEqual(['journal.log.damaged-1']);
    expect((await readFile(`${path}.damaged-1`)).equals(damaged)).toBe(true);
    expect((await journal.append({ number: 3 })).position).toBe(missing);
    await journal.close();

    const again = await openRepaired();
    expect([again.visited, again.droppedFrom]).toEqual([records.slice(0, 4), null]);
    await again.journal.close();
    expect(await setAside()).toEqual(['journal.log.damaged-1']);
  });

  it('finds damage at the very end as well, and numbers the files that it keeps', async () => {
    const records = await writeEntries(4);
    for (const index of [3, 2, 1]) {
      await overwrite((records[index]?.position ?? 0) + 35);
      const { journal, visited, droppedFrom } = await openRepaired();
      expect([visited, droppedFrom]).toEqual([records.slice(0, index), records[index]?.position]);
      await journal.close();
    }
    expect(await setAside()).toEqual(['journal.log.damaged-1', 'journal.log.damaged-2', 'journal.log.damaged-3']);
  });

  it('changes nothing when there is nothing to repair; a torn tail is cut', async () => {
    const records = await writeEntries(3);
    await truncate(path, (records[2]?.end ?? 0) - 1);
    const { journal, visited, droppedFrom } = await openRepaired();
    expect([visited, droppedFrom]).toEqual([records.slice(0, 2), null]);
    expect((await stat(path)).size).toBe(records[1]?.end);
    await journal.close();
    expect(await setAside()).toEqual([]);
  });

  it('drops no entry for a damaged file header', async () => {
    const records = await writeEntries(3);
    await overwrite(2);
    const { journal, visited, droppedFrom } = await openRepaired();
    expect([visited, droppedFrom, journal.damage]).toEqual([records, null, []]);
    await journal.close();
    expect(await setAside()).toEqual(['journal.log.damaged-1']);
    const again = await Journal.open(path, parse, () => undefined);
    expect([again.damage, again.durableEnd]).toEqual([[], records[2]?.end]);
    await again.close();
  });

  it('begins anew when header and first entries are gone, and in the place of a file that is no journal', async () => {
    const records = await writeEntries(3);
    const first = await overwrite(0, Buffer.alloc(60, '#'));
    const damaged = await openRepaired();
    expect([damaged.visited, damaged.droppedFrom, damaged.journal.durableEnd]).toEqual([[], 16, 16]);
    await damaged.journal.close();
    expect((await readFile(`${path}.damaged-1`)).equals(first)).toBe(true);

    await writeFile(path, 'a letter to somebody, by mistake');
    const { journal, visited, droppedFrom } = await openRepaired();
    expect([visited, droppedFrom, journal.durableEnd]).toEqual([[], 16, 16]);
    expect((await journal.append({ number: 0 })).position).toBe(records[0]?.position);
    await journal.close();
    expect(await readFile(`${path}.damaged-2`, 'utf8')).toBe('a letter to somebody, by mistake');
    const again = await openRepaired();
    expect(again.visited).toEqual(records.slice(0, 1));
    await again.journal.close();
  });

  it('leaves alone what a later version wrote, what is no entry, and what was never created', async () => {
    await writeEntries(2);
    const header = (await readFile(path)).subarray(0, 16);
    header.writeUInt32LE(2, 8);
    header.writeUInt32LE(crc32(header.subarray(0, 12)), 12);
    const later = await overwrite(0, header);
    await expect(openRepaired()).rejects.toBeInstanceOf(LogFormatError);
    expect((await readFile(path)).equals(later)).toBe(true);

    await rm(path);
    const anything = await Journal.create<unknown>(path, (value) => value);
    await anything.append({ number: 'one' });
    await anything.close();
    await expect(openRepaired()).rejects.toBeInstanceOf(LogFormatError);

    await writeFile(path, '');
    await expect(openRepaired()).rejects.toBeInstanceOf(LogIncompleteError);
    expect(await setAside()).toEqual([]);
  });

  it('can be interrupted anywhere: the next one finds the damaged journal or the repaired one', async () => {
    const records = await writeEntries(6);
    const missing = records[3]?.position ?? 0;
    const damaged = await overwrite(missing + 35);
    await copyFile(path, join(folder, 'copy'));
    let step = 0;
    for (let finished = false; !finished; step += 1) {
      let left = step;
      fileSystem.beforeCall = (call) => {
        if (call === 'read' || call === 'open') return;
        // From here on nothing reaches the disk.
        if (left === 0) throw systemError('CRASHED');
        left -= 1;
      };
      const interrupted = await openRepaired().catch((error: unknown) => error);
      finished = !(interrupted instanceof Error);
      if (!(interrupted instanceof Error)) await (interrupted as Opened).journal.close();
      fileSystem = new FaultyFileSystem();

      const { journal, visited, droppedFrom } = await openRepaired();
      expect(visited).toEqual(records.slice(0, 3));
      expect([missing, null]).toContain(droppedFrom);
      await journal.close();
      expect((await readFile(`${path}.damaged-1`)).equals(damaged)).toBe(true);
      expect(await readdir(folder)).not.toContain('journal.log.new');
      for (const name of await setAside()) if (name !== 'copy') await rm(join(folder, name));
      await copyFile(join(folder, 'copy'), path);
    }
    expect(step).toBeGreaterThan(6);
  });
});
