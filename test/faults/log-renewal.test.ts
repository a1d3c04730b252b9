import { mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FramedLog, type FramedLogOptions } from '../../src/log/framed-log.ts';
import type { LogItem, LogReader } from '../../src/log/log-reader.ts';
import type { RenewalEvent } from '../../src/log/log-renewal.ts';
import type { ByteRange } from '../../src/log/log-scan.ts';
import { RECORD_HEADER_BYTES } from '../../src/log/record-format.ts';
import { LogPoisonedError, StorageFullError } from '../../src/log/storage-errors.ts';
import { FaultyFileSystem, systemError, type FileSystemCall } from '../support/faulty-file-system.ts';
import { Gate } from '../support/gate.ts';
import { until } from '../support/wait.ts';

/** Long enough for a copy in several pieces. */
const TEXTS = Array.from({ length: 60 }, (_, index) => `${index}:`.repeat(20_000));

let folder: string;
let path: string;
let fileSystem: FaultyFileSystem;
let events: RenewalEvent[];
let options: FramedLogOptions;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'verbatim-renewal-'));
  path = join(folder, 'test.log');
  fileSystem = new FaultyFileSystem();
  events = [];
  options = { fileSystem, renewalPausesMs: [0, 5], onRenewal: (event) => events.push(event) };
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

function append(log: FramedLog, text: string): Promise<{ position: number; end: number }> {
  return log.append(1, [Buffer.from(text)]);
}

/** A log that holds `TEXTS`, each known to be durable by the next. */
async function writeLog(): Promise<{ log: FramedLog; ranges: ByteRange[] }> {
  const log = await FramedLog.create(path, null, options);
  const ranges: ByteRange[] = [];
  for (const text of TEXTS) {
    const { position, end } = await append(log, text);
    ranges.push({ start: position, end });
  }
  return { log, ranges };
}

/** Lets one append fail in a way that leaves it open what is on the disk. */
async function poison(log: FramedLog): Promise<void> {
  fileSystem.syncError = systemError('EIO');
  const refused = append(log, 'never acknowledged').catch((error: unknown) => {
    fileSystem.syncError = null;
    return error;
  });
  expect(await refused).toBeInstanceOf(LogPoisonedError);
}

function renewed(): Promise<RenewalEvent & { kind: 'renewed' }> {
  return until(() => events.find((event) => event.kind === 'renewed'), { what: 'the renewal' });
}

async function readAll(reader: LogReader): Promise<(string | ByteRange)[]> {
  const seen: (string | ByteRange)[] = [];
  for (let item = await reader.next(); item !== null; item = await reader.next()) seen.push(told(item));
  return seen;
}

function told(item: LogItem | null): string | ByteRange {
  if (item === null) return 'nothing';
  return item.kind === 'record' ? item.record.payload.toString() : item.range;
}

/** What the file holds for one who opens it anew, with a disk that is well. */
async function contents(): Promise<string[]> {
  const texts: string[] = [];
  const log = await FramedLog.open(path, { record: ({ payload }) => texts.push(payload.toString()) });
  expect(log.damage).toEqual([]);
  await log.close();
  return texts;
}

/** A change to the log's own file that comes not from the log. */
async function overwrite(position: number, bytes: Buffer): Promise<void> {
  const file = await open(path, 'r+');
  await file.write(bytes, 0, bytes.length, position);
  await file.close();
}

describe('a poisoned log', () => {
  const faults: [string, (log: FramedLog) => Promise<void>][] = [
    ['a failed sync', poison],
    [
      'a failed write',
      async (log) => {
        fileSystem.writeError = systemError('EIO');
        await expect(append(log, 'never acknowledged')).rejects.toBeInstanceOf(LogPoisonedError);
        fileSystem.writeError = null;
      },
    ],
    [
      'a full disk whose torn write could not be cut off',
      async (log) => {
        fileSystem.space = 10;
        fileSystem.truncateError = systemError('EIO');
        await expect(append(log, 'never acknowledged')).rejects.toBeInstanceOf(LogPoisonedError);
        fileSystem.space = Infinity;
      },
    ],
  ];
  for (const [fault, cause] of faults) {
    it(`by ${fault} renews itself, and loses nothing that was acknowledged`, async () => {
      const { log, ranges } = await writeLog();
      const before = await readFile(path);
      await cause(log);
      await expect(append(log, 'too early')).rejects.toBeInstanceOf(LogPoisonedError);
      expect(await renewed()).toMatchObject({ path, newDamage: [] });
      expect((await readFile(path)).equals(before)).toBe(true);
      expect(await readdir(folder)).toEqual(['test.log']);

      expect((await append(log, 'afterwards')).position).toBe(ranges.at(-1)?.end);
      expect(await readAll(log.readerAt(log.start))).toEqual([...TEXTS, 'afterwards']);
      await log.close();
      expect(await contents()).toEqual([...TEXTS, 'afterwards']);
    });
  }

  it('trusts the new file only when it, and then its name, are on stable storage', async () => {
    const { log } = await writeLog();
    const calls: string[] = [];
    fileSystem.beforeCall = (call, name) => {
      if (call !== 'read') calls.push(`${call} ${call === 'syncDirectory' ? '' : name}`.trim());
    };
    await poison(log);
    await renewed();
    await append(log, 'afterwards');
    const writes = calls.filter((call) => call === 'write test.log.new').length;
    expect(calls.filter((call, index) => call !== calls[index - 1])).toEqual([
      'write test.log',
      'datasync test.log',
      'truncate test.log',
      'remove test.log.new',
      'create test.log.new',
      'write test.log.new',
      'datasync test.log.new',
      'rename test.log.new',
      'syncDirectory',
      // The append: the file goes on under the name that it was opened with.
      'write test.log.new',
      'datasync test.log.new',
    ]);
    expect(writes).toBeGreaterThan(3);
    await log.close();
  });

  it('tries again until the disk is well, with a pause after each attempt, and leaves nothing lying about', async () => {
    const { log } = await writeLog();
    const failing: FileSystemCall[] = ['create', 'write', 'datasync', 'rename', 'syncDirectory', 'remove'];
    fileSystem.beforeCall = (call, name) => {
      const failures = events.length;
      if (call === failing[failures] && (name.endsWith('.new') || call === 'syncDirectory')) throw systemError('EIO');
    };
    await poison(log);
    expect(await renewed()).toMatchObject({ attempts: failing.length + 1 });
    expect(events.slice(0, -1).map((event) => event.kind)).toEqual(failing.map(() => 'failed'));
    expect(await readdir(folder)).toEqual(['test.log']);
    await append(log, 'afterwards');
    await log.close();
    expect(await contents()).toEqual([...TEXTS, 'afterwards']);
  });

  it('waits for space, of which it takes at most the half', async () => {
    const { log } = await writeLog();
    fileSystem.space = log.durableEnd * 2 - 1;
    await poison(log);
    await until(() => events.length >= 3, { what: 'three attempts' });
    for (const event of events) expect(event).toMatchObject({ kind: 'failed', error: expect.any(StorageFullError) });
    expect(await readdir(folder)).toEqual(['test.log']);
    fileSystem.space = log.durableEnd * 2;
    await renewed();
    await append(log, 'afterwards');
    await log.close();
  });

  it('is not copied again at once when it is poisoned again before a record went well', async () => {
    const { log } = await writeLog();
    await log.close();
    const patient = await FramedLog.open(
      path,
      { record: () => undefined },
      { ...options, renewalPausesMs: [0, 60_000] },
    );
    await poison(patient);
    await renewed();
    events.length = 0;
    await append(patient, 'went well');
    await poison(patient);
    await renewed();
    const { opens, writes } = fileSystem;
    await poison(patient);
    const closed = patient.close();
    await closed;
    expect([fileSystem.opens, fileSystem.writes]).toEqual([opens, writes + 1]);
    expect(await contents()).toEqual([...TEXTS, 'went well']);
  });

  it('keeps readers going that are half way, even in the middle of a read', async () => {
    const { log } = await writeLog();
    const reader = log.readerAt(log.start);
    const seen = [told(await reader.next()), told(await reader.next())];
    const gate = new Gate();
    fileSystem.readGate = gate.opened;
    // Its window has the next record only in part: it must read, and is held up in that.
    const { reads } = fileSystem;
    const pending = reader.next();
    await until(() => fileSystem.reads > reads, { what: 'the read' });
    fileSystem.readGate = null;
    await poison(log);
    await renewed();
    gate.open();
    seen.push(told(await pending), ...(await readAll(reader)));
    expect(seen).toEqual(TEXTS);
    await append(log, 'afterwards');
    expect(await readAll(reader)).toEqual(['afterwards']);
    await log.close();
  });

  it('does other logs no harm', async () => {
    const { log } = await writeLog();
    const otherPath = join(folder, 'other.log');
    const other = await FramedLog.create(otherPath, null, options);
    const appends = ['a', 'b', 'c'].map((text) => append(other, text));
    fileSystem.beforeCall = (call, name) => {
      if (name === 'test.log' && call === 'datasync') throw systemError('EIO');
    };
    await expect(append(log, 'never acknowledged')).rejects.toBeInstanceOf(LogPoisonedError);
    await Promise.all(appends);
    await append(other, 'd');
    await renewed();
    await append(other, 'e');
    expect(await readAll(other.readerAt(other.start))).toEqual(['a', 'b', 'c', 'd', 'e']);
    await Promise.all([log.close(), other.close()]);
  });

  it('stops when it is closed, and can be opened again', async () => {
    const { log } = await writeLog();
    fileSystem.beforeCall = (call) => {
      if (call === 'rename') throw systemError('EIO');
    };
    await poison(log);
    await until(() => events.length > 0, { what: 'an attempt' });
    await log.close();
    const attempts = events.length;
    expect(await readdir(folder)).toEqual(['test.log']);
    expect(await contents()).toEqual(TEXTS);
    expect(events.length).toBe(attempts);
  });
});

describe('a crash at any step of the renewal', () => {
  it('leaves everything acknowledged to the next opening, which removes what was left over', async () => {
    let step = 0;
    for (let finished = false; !finished; step += 1) {
      const { log } = await writeLog();
      let left = step;
      let poisoned = false;
      fileSystem.beforeCall = (call) => {
        if (!poisoned || call === 'read') return;
        // From here on nothing reaches the disk.
        if (left === 0) throw systemError('CRASHED');
        left -= 1;
      };
      fileSystem.onTruncated = () => (poisoned = true);
      await poison(log);
      await until(() => events.length > 0, { what: 'an attempt' });
      finished = events.at(0)?.kind === 'renewed';
      await log.close();
      expect(await contents()).toEqual(TEXTS);
      expect(await readdir(folder)).toEqual(['test.log']);
      fileSystem = new FaultyFileSystem();
      events = [];
      options = { ...options, fileSystem, onRenewal: (event) => events.push(event) };
      await rm(path);
    }
    // Remove, create, several writes, sync, rename, sync of the folder.
    expect(step).toBeGreaterThan(7);
  });

  it('may leave half a copy, which is neither read nor in the way', async () => {
    const { log } = await writeLog();
    await log.close();
    await writeFile(`${path}.new`, (await readFile(path)).subarray(0, 5000));
    expect(await contents()).toEqual(TEXTS);
    expect(await readdir(folder)).toEqual(['test.log']);
  });
});

describe('damage in a log that must be renewed', () => {
  it('is carried over with its place when it was known', async () => {
    const { log, ranges } = await writeLog();
    await log.close();
    const damaged = ranges[7] ?? { start: 0, end: 0 };
    await overwrite(3, Buffer.from('#'));
    await overwrite(damaged.start + RECORD_HEADER_BYTES, Buffer.from('#'));
    const before = await readFile(path);
    const again = await FramedLog.open(path, { record: () => undefined }, options);
    await poison(again);
    expect(await renewed()).toMatchObject({ attempts: 1, newDamage: [] });
    const length = again.durableEnd;
    expect((await readFile(path)).subarray(0, length).equals(before.subarray(0, length))).toBe(true);
    expect(await readAll(again.readerAt(again.start))).toEqual(TEXTS.with(7, '').map((text) => text || damaged));
    await again.close();
  });

  it('that is new is told by readers, costs nothing else, and the file that had it is kept', async () => {
    const { log, ranges } = await writeLog();
    const damaged = ranges[7] ?? { start: 0, end: 0 };
    await overwrite(damaged.start + RECORD_HEADER_BYTES, Buffer.from('#'));
    const before = await readFile(path);
    await poison(log);
    expect(await renewed()).toMatchObject({ attempts: 4, newDamage: [damaged] });
    expect(log.damage).toEqual([damaged]);
    expect(await readAll(log.readerAt(log.start))).toEqual(TEXTS.with(7, '').map((text) => text || damaged));
    expect((await readdir(folder)).toSorted()).toEqual(['test.log', 'test.log.damaged-1']);
    expect((await readFile(`${path}.damaged-1`)).equals(before)).toBe(true);
    await append(log, 'afterwards');
    // What is known by now does not make it hesitate again.
    events.length = 0;
    await poison(log);
    expect(await renewed()).toMatchObject({ attempts: 1, newDamage: [] });
    await log.close();
  });

  it('that passes by itself costs nothing: the file is read again', async () => {
    const { log } = await writeLog();
    fileSystem.beforeCall = (call, name) => {
      if (call === 'read' && name === 'test.log' && events.length < 2) throw systemError('EIO');
    };
    await poison(log);
    expect(await renewed()).toMatchObject({ attempts: 3, newDamage: [] });
    expect(await readAll(log.readerAt(log.start))).toEqual(TEXTS);
    await log.close();
  });

  it('is no larger than the blocks that can not be read', async () => {
    const { log, ranges } = await writeLog();
    const bad = (ranges[30]?.start ?? 0) + 4096;
    fileSystem.beforeCall = (call, name, start, end) => {
      if (call === 'read' && name === 'test.log' && start <= bad && bad < end) throw systemError('EIO');
    };
    await poison(log);
    expect(await renewed()).toMatchObject({ newDamage: [ranges[30]] });
    fileSystem.beforeCall = () => undefined;
    expect(await readAll(log.readerAt(log.start))).toEqual(TEXTS.with(30, '').map((text) => text || ranges[30]));
    await log.close();
  });
});
