import { copyFile, mkdtemp, open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FramedLog } from '../../src/log/framed-log.ts';
import type { LogFileSystem } from '../../src/log/log-file-system.ts';
import type { ByteRange } from '../../src/log/log-scan.ts';
import { FILE_HEADER_BYTES, RECORD_HEADER_BYTES } from '../../src/log/record-format.ts';
import {
  LogClosedError,
  LogFormatError,
  LogIncompleteError,
  LogPoisonedError,
  StorageFullError,
} from '../../src/log/storage-errors.ts';
import { FaultyFileSystem, systemError } from '../support/faulty-file-system.ts';
import { Gate } from '../support/gate.ts';
import { until } from '../support/wait.ts';

let folder: string;
let path: string;
let fileSystem: FaultyFileSystem;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'verbatim-log-'));
  path = join(folder, 'test.log');
  fileSystem = new FaultyFileSystem();
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** Opens the log and gives what its visitor saw. */
async function reopen(
  file = path,
  using: LogFileSystem = fileSystem,
): Promise<{ log: FramedLog; payloads: string[]; damage: ByteRange[] }> {
  const payloads: string[] = [];
  const damage: ByteRange[] = [];
  const visitor = {
    record: (record: { payload: Buffer }) => payloads.push(record.payload.toString()),
    damage: (range: ByteRange) => damage.push(range),
  };
  const log = await FramedLog.open(file, visitor, { fileSystem: using });
  return { log, payloads, damage };
}

async function contentsOf(file = path): Promise<string[]> {
  const { log, payloads } = await reopen(file);
  await log.close();
  return payloads;
}

function append(log: FramedLog, text: string): Promise<{ position: number; end: number }> {
  return log.append(1, [Buffer.from(text)]);
}

/** Lets go of a log like a process that is killed: without the mark of a clean end. */
async function crash(log: FramedLog): Promise<void> {
  await log.close();
  await truncate(log.path, log.durableEnd);
}

/** A log whose records each know the one before to be durable; its process was killed. */
async function writeLog(...texts: string[]): Promise<ByteRange[]> {
  const log = await FramedLog.create(path, null, { fileSystem });
  const ranges: ByteRange[] = [];
  for (const text of texts) {
    const { position, end } = await append(log, text);
    ranges.push({ start: position, end });
  }
  await crash(log);
  return ranges;
}

async function flipBit(position: number): Promise<void> {
  const file = await open(path, 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, position);
  byte.writeUInt8(byte.readUInt8() ^ 0x10);
  await file.write(byte, 0, 1, position);
  await file.close();
}

describe('a framed log', () => {
  it('gives back acknowledged records when it is opened again, with their types and places', async () => {
    const log = await FramedLog.create(path);
    const first = await log.append(7, [Buffer.from('one'), Buffer.from('-'), Buffer.from('part')]);
    const second = await log.append(255, []);
    await log.close();

    const seen: unknown[] = [];
    const again = await FramedLog.open(path, {
      record: ({ type, position, end, payload }) => seen.push({ type, position, end, text: payload.toString() }),
    });
    expect(seen).toEqual([
      { type: 7, ...first, text: 'one-part' },
      { type: 255, ...second, text: '' },
    ]);
    expect(again.durableEnd).toBe(second.end);
    expect(again.damage).toEqual([]);
    await again.close();
  });

  it('refuses to be created over something that exists', async () => {
    await writeFile(path, 'precious');
    await expect(FramedLog.create(path)).rejects.toMatchObject({ code: 'EEXIST' });
    expect(await readFile(path, 'utf8')).toBe('precious');
  });

  it('leaves no file behind when its creation finds no space', async () => {
    fileSystem.space = 10;
    await expect(FramedLog.create(path, null, { fileSystem })).rejects.toBeInstanceOf(StorageFullError);
    fileSystem.space = Infinity;
    const log = await FramedLog.create(path, null, { fileSystem });
    await log.close();
  });

  it('tells a creation cut short by a crash from a file that is no log', async () => {
    for (const bytes of [Buffer.alloc(0), Buffer.from('VERBATIM'), Buffer.alloc(400)]) {
      await writeFile(path, bytes);
      await expect(reopen()).rejects.toBeInstanceOf(LogIncompleteError);
    }
    await writeFile(path, 'a letter to somebody, by mistake');
    await expect(reopen()).rejects.toBeInstanceOf(LogFormatError);
    expect(await readFile(path, 'utf8')).toBe('a letter to somebody, by mistake');
  });

  it('reads on across windows, with records larger than one', async () => {
    const texts = [300_000, 10, 1_000_000, 0, 65_536, 262_144 - 32].map((length, index) => `${index}`.repeat(length));
    await writeLog(...texts);
    const { log, payloads } = await reopen();
    expect(payloads).toEqual(texts);
    const reader = log.readerAt(log.start);
    for (const text of texts) {
      const item = await reader.next();
      expect(item?.kind === 'record' && item.record.payload.equals(Buffer.from(text))).toBe(true);
    }
    expect(await reader.next()).toBeNull();
    await log.close();
  });

  it('refuses a payload that is too long and the type of marks, and goes on', async () => {
    const log = await FramedLog.create(path);
    await expect(log.append(0, [Buffer.from('mark')])).rejects.toBeInstanceOf(RangeError);
    await expect(log.append(1, [Buffer.alloc(16 * 1024 * 1024), Buffer.alloc(1)])).rejects.toBeInstanceOf(RangeError);
    await append(log, 'short');
    await log.close();
    expect(await contentsOf()).toEqual(['short']);
  });

  it('writes what is queued before it closes, and nothing afterwards', async () => {
    const log = await FramedLog.create(path);
    const appended = append(log, 'last');
    const closed = log.close();
    await expect(append(log, 'too late')).rejects.toBeInstanceOf(LogClosedError);
    await appended;
    await closed;
    expect(await contentsOf()).toEqual(['last']);
  });
});

describe('group commit', () => {
  it('makes 100 concurrent appends durable with a handful of syncs, in their order', async () => {
    const log = await FramedLog.create(path, null, { fileSystem });
    fileSystem.syncs = 0;
    const order: number[] = [];
    const spans = await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        const span = await append(log, `record ${index}`);
        order.push(index);
        return span;
      }),
    );
    expect(fileSystem.syncs).toBeLessThanOrEqual(3);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(spans.map((span) => span.position)).toEqual([log.start, ...spans.slice(0, -1).map((span) => span.end)]);
    expect(log.durableEnd).toBe(spans.at(-1)?.end);
    await log.close();
  });

  it('acknowledges nothing before its sync is through, and counts what waits', async () => {
    const log = await FramedLog.create(path, null, { fileSystem });
    const gate = new Gate();
    fileSystem.syncGate = gate.opened;
    let acknowledged = false;
    const appended = append(log, '12345').then(() => (acknowledged = true));
    const behind = append(log, '678');
    // The record can be seen in the file, but not through the log.
    await until(async () => (await stat(path)).size > log.start, { what: 'the write' });
    expect(acknowledged).toBe(false);
    expect(log.pendingBytes).toBe(8);
    expect(log.durableEnd).toBe(log.start);
    expect(await log.readerAt(log.start).next()).toBeNull();
    gate.open();
    await Promise.all([appended, behind]);
    expect(log.pendingBytes).toBe(0);
    await log.close();
  });
});

describe('a torn tail', () => {
  it('is cut at every length of the last record, and appending goes on there', async () => {
    const ranges = await writeLog('first', 'second', 'the last one');
    const last = ranges[2] ?? { start: 0, end: 0 };
    const copy = join(folder, 'torn.log');
    for (let size = last.start; size < last.end; size += 1) {
      await copyFile(path, copy);
      await truncate(copy, size);
      const { log, payloads, damage } = await reopen(copy);
      expect(payloads).toEqual(['first', 'second']);
      expect(damage).toEqual([]);
      expect((await stat(copy)).size).toBe(last.start);
      expect((await append(log, 'again')).position).toBe(last.start);
      await log.close();
      expect(await contentsOf(copy)).toEqual(['first', 'second', 'again']);
    }
  });

  it('is a flipped bit anywhere in the last record', async () => {
    const ranges = await writeLog('first', 'last');
    const last = ranges[1] ?? { start: 0, end: 0 };
    const intact = await readFile(path);
    for (let position = last.start; position < last.end; position += 1) {
      await writeFile(path, intact);
      await flipBit(position);
      const { log, payloads, damage } = await reopen();
      expect([payloads, damage]).toEqual([['first'], []]);
      await log.close();
    }
  });

  it('takes along whole records behind it that were written with it: none was acknowledged', async () => {
    const log = await FramedLog.create(path, null, { fileSystem });
    await append(log, 'kept');
    const gate = new Gate();
    fileSystem.syncGate = gate.opened;
    const first = append(log, 'alone');
    const group = ['a', 'b', 'c'].map((text) => append(log, text));
    gate.open();
    await first;
    const [a] = await Promise.all(group);
    await crash(log);
    await flipBit((a?.position ?? 0) + RECORD_HEADER_BYTES);
    const again = await reopen();
    expect(again.payloads).toEqual(['kept', 'alone']);
    expect(again.damage).toEqual([]);
    expect(again.log.durableEnd).toBe(a?.position);
    await again.log.close();
  });

  it('may be megabytes of zeros, as a file system leaves them after a power cut', async () => {
    const ranges = await writeLog('kept');
    await truncate(path, 3_000_000);
    const { log, payloads } = await reopen();
    expect(payloads).toEqual(['kept']);
    expect((await stat(path)).size).toBe(ranges[0]?.end);
    await log.close();
  });
});

describe('damage', () => {
  it('anywhere in a record is told, and everything else is still read', async () => {
    const ranges = await writeLog('one', 'two', 'three');
    const damaged = ranges[1] ?? { start: 0, end: 0 };
    const intact = await readFile(path);
    for (let position = damaged.start; position < damaged.end; position += 1) {
      await writeFile(path, intact);
      await flipBit(position);
      const { log, payloads, damage } = await reopen();
      expect(payloads).toEqual(['one', 'three']);
      expect(damage).toEqual([damaged]);
      expect(log.damage).toEqual([damaged]);
      expect((await stat(path)).size).toBe(intact.length);
      await log.close();
    }
  });

  it('of several records in a row and of the file header is told in order', async () => {
    const ranges = await writeLog('one', 'two', 'three', 'four', 'five', 'six');
    const [one, two, three, , five] = ranges;
    await flipBit(3);
    for (const range of [two, three, five]) await flipBit((range?.start ?? 0) + RECORD_HEADER_BYTES);
    const { log, payloads, damage } = await reopen();
    expect(payloads).toEqual(['one', 'four', 'six']);
    expect(damage).toEqual([
      { start: 0, end: FILE_HEADER_BYTES },
      { start: one?.end, end: three?.end },
      { start: five?.start, end: five?.end },
    ]);
    await log.close();
  });

  it('is recognised when only a record far behind knows that the bad one was durable', async () => {
    const log = await FramedLog.create(path, null, { fileSystem });
    const gate = new Gate();
    fileSystem.syncGate = gate.opened;
    const first = append(log, 'alone');
    const group = Promise.all(['a', 'b', 'c'].map((text) => append(log, text)));
    gate.open();
    await first;
    const [a] = await group;
    await append(log, 'later');
    await log.close();
    await flipBit((a?.position ?? 0) + RECORD_HEADER_BYTES);
    const again = await reopen();
    expect(again.payloads).toEqual(['alone', 'b', 'c', 'later']);
    expect(again.damage).toEqual([{ start: a?.position, end: a?.end }]);
    await again.log.close();
  });

  it('does not make a payload that looks like a record pass for one', async () => {
    const inner = join(folder, 'inner.log');
    const other = await FramedLog.create(inner);
    for (const text of ['forged', 'forged too']) await append(other, text);
    await other.close();
    const log = await FramedLog.create(path);
    await append(log, 'one');
    const trap = await log.append(1, [Buffer.from('xx'), await readFile(inner)]);
    await append(log, 'three');
    await log.close();
    await flipBit(trap.position + RECORD_HEADER_BYTES);
    expect(await contentsOf()).toEqual(['one', 'three']);
  });

  it('that came after the opening is told by the reader', async () => {
    const ranges = await writeLog('one', 'two', 'three');
    const { log } = await reopen();
    await flipBit((ranges[1]?.start ?? 0) + RECORD_HEADER_BYTES);
    const reader = log.readerAt(log.start);
    expect(await reader.next()).toMatchObject({ kind: 'record' });
    expect(await reader.next()).toEqual({ kind: 'damage', range: ranges[1] });
    expect(await reader.next()).toMatchObject({ kind: 'record', record: { position: ranges[2]?.start } });
    expect(await reader.next()).toBeNull();
    await log.close();
  });
});

describe('a full disk', () => {
  for (const space of [0, 1, 40, RECORD_HEADER_BYTES + 5, 100]) {
    it(`refuses what does not fit into ${space} bytes before acknowledging it, and is forgotten when there is space`, async () => {
      const log = await FramedLog.create(path, null, { fileSystem });
      const { end } = await append(log, 'kept');
      fileSystem.space = space;
      const outcomes = await Promise.allSettled(['x'.repeat(200), 'behind'].map((text) => append(log, text)));
      for (const outcome of outcomes) {
        expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(StorageFullError) });
      }
      expect((await stat(path)).size).toBe(end);
      expect(log.durableEnd).toBe(end);
      expect(log.pendingBytes).toBe(0);

      fileSystem.space = Infinity;
      expect((await append(log, 'later')).position).toBe(end);
      await log.close();
      expect(await contentsOf()).toEqual(['kept', 'later']);
    });
  }

  it('refuses everything queued, so that no record stands behind a missing one', async () => {
    const log = await FramedLog.create(path, null, { fileSystem });
    const gate = new Gate();
    fileSystem.syncGate = gate.opened;
    const first = append(log, 'fits');
    await until(async () => (await stat(path)).size > log.start, { what: 'the write' });
    const large = append(log, 'y'.repeat(500));
    const small = append(log, 'z');
    fileSystem.space = 100;
    gate.open();
    await first;
    const outcomes = await Promise.allSettled([large, small]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['rejected', 'rejected']);
    await log.close();
    expect(await contentsOf()).toEqual(['fits']);
  });

  it('counts a quota and a limit of the file size the same, and is an end of trust when the cut fails too', async () => {
    const log = await FramedLog.create(path, null, { fileSystem, renewalPausesMs: [60_000] });
    for (const code of ['EDQUOT', 'EFBIG']) {
      fileSystem.writeError = systemError(code);
      await expect(append(log, 'a')).rejects.toBeInstanceOf(StorageFullError);
    }
    fileSystem.truncateError = systemError('EIO');
    await expect(append(log, 'b')).rejects.toBeInstanceOf(LogPoisonedError);
    fileSystem.writeError = null;
    await expect(append(log, 'c')).rejects.toBeInstanceOf(LogPoisonedError);
    await log.close();
  });
});

describe('a failed sync', () => {
  it('refuses everything queued and everything later, and leaves only what was acknowledged', async () => {
    const log = await FramedLog.create(path, null, { fileSystem, renewalPausesMs: [60_000] });
    const kept = await append(log, 'kept');
    fileSystem.syncError = systemError('EIO');
    const outcomes = await Promise.allSettled(['a', 'b', 'c'].map((text) => append(log, text)));
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(LogPoisonedError) });
    }
    fileSystem.syncError = null;
    const { syncs, writes } = fileSystem;
    await expect(append(log, 'd')).rejects.toBeInstanceOf(LogPoisonedError);
    expect([fileSystem.syncs, fileSystem.writes]).toEqual([syncs, writes]);

    expect(await log.readerAt(log.start).next()).toMatchObject({ record: { position: kept.position } });
    await log.close();
    const again = await reopen();
    expect(again.payloads).toEqual(['kept']);
    expect((await append(again.log, 'on')).position).toBe(kept.end);
    await again.log.close();
  });

  it('at opening keeps the log shut', async () => {
    await writeLog('one');
    fileSystem.syncError = systemError('EIO');
    await expect(reopen()).rejects.toMatchObject({ code: 'EIO' });
  });
});

describe('a reader', () => {
  it('follows the tail without opening or reading the file again', async () => {
    const log = await FramedLog.create(path, null, { fileSystem });
    for (let index = 0; index < 1000; index += 1) await append(log, `old ${index}`);
    const reader = log.readerAt(log.durableEnd);
    fileSystem.reads = 0;
    for (let index = 0; index < 20; index += 1) {
      expect(await reader.next()).toBeNull();
      await append(log, `new ${index}`);
      const item = await reader.next();
      expect(item?.kind === 'record' && item.record.payload.toString()).toBe(`new ${index}`);
    }
    expect(fileSystem.reads).toBe(0);
    expect(fileSystem.opens).toBe(0);
    await log.close();
  });

  it('refuses a position that the log does not have', async () => {
    const log = await FramedLog.create(path);
    expect(() => log.readerAt(log.durableEnd + 1)).toThrow(RangeError);
    expect(() => log.readerAt(0)).toThrow(RangeError);
    await log.close();
  });
});
