import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Journal, type JournalRecord } from '../../src/log/journal.ts';
import { LogFormatError } from '../../src/log/storage-errors.ts';

const entrySchema = z.object({ number: z.int(), text: z.string() });
type Entry = z.infer<typeof entrySchema>;
const parse = (value: unknown): Entry => entrySchema.parse(value);

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'verbatim-journal-'));
  path = join(folder, 'journal.log');
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function reopen(): Promise<{ journal: Journal<Entry>; visited: JournalRecord<Entry>[] }> {
  const visited: JournalRecord<Entry>[] = [];
  const journal = await Journal.open(path, parse, (record) => visited.push(record));
  return { journal, visited };
}

async function writeEntries(count: number): Promise<JournalRecord<Entry>[]> {
  const journal = await Journal.create(path, parse);
  const records: JournalRecord<Entry>[] = [];
  for (let number = 0; number < count; number += 1) {
    const entry = { number, text: `word ${number}: “quoted”, naïve, 你好\n` };
    records.push({ entry, ...(await journal.append(entry)) });
  }
  await journal.close();
  return records;
}

describe('a journal', () => {
  it('gives back its entries with their positions, when opened and when read', async () => {
    const records = await writeEntries(50);
    const { journal, visited } = await reopen();
    expect(visited).toEqual(records);
    expect(journal.durableEnd).toBe(records.at(-1)?.end);
    expect(journal.damage).toEqual([]);
    expect(await journal.read(journal.start, 1000)).toEqual({ entries: records, end: journal.durableEnd, damage: [] });
    await journal.close();
  });

  it('is read page by page from any entry', async () => {
    const records = await writeEntries(10);
    const { journal } = await reopen();
    let position = records[2]?.end ?? 0;
    const seen: JournalRecord<Entry>[] = [];
    for (;;) {
      const page = await journal.read(position, 3);
      if (page.entries.length === 0) break;
      expect(page.entries.length).toBeLessThanOrEqual(3);
      seen.push(...page.entries);
      position = page.end;
    }
    expect(seen).toEqual(records.slice(3));
    expect(await journal.read(journal.durableEnd, 5)).toEqual({ entries: [], end: journal.durableEnd, damage: [] });
    await expect(journal.read(journal.durableEnd + 1, 5)).rejects.toBeInstanceOf(RangeError);
    await journal.close();
  });

  it('may be empty', async () => {
    await (await Journal.create(path, parse)).close();
    const { journal, visited } = await reopen();
    expect(visited).toEqual([]);
    expect(journal.durableEnd).toBe(journal.start);
    await journal.close();
  });

  it('says where entries are missing, when opened and when read', async () => {
    const records = await writeEntries(5);
    const missing = { start: records[2]?.position ?? 0, end: records[2]?.end ?? 0 };
    const file = await open(path, 'r+');
    await file.write('#', missing.start + 40);
    await file.close();
    const { journal, visited } = await reopen();
    const others = records.toSpliced(2, 1);
    expect(visited).toEqual(others);
    expect(journal.damage).toEqual([missing]);
    expect(await journal.read(journal.start, 100)).toEqual({
      entries: others,
      end: journal.durableEnd,
      damage: [missing],
    });
    await journal.close();
  });

  it('refuses entries that are not what they should be', async () => {
    const anything = await Journal.create<unknown>(path, (value) => value);
    await anything.append({ number: 'one' });
    await anything.close();
    await expect(reopen()).rejects.toBeInstanceOf(LogFormatError);
  });
});
