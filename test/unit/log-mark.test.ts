import { copyFile, mkdtemp, open, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AudioLogItem } from '../../src/log/audio-log-reader.ts';
import { AudioLog } from '../../src/log/audio-log.ts';
import { FramedLog } from '../../src/log/framed-log.ts';
import type { ByteRange } from '../../src/log/log-scan.ts';
import { RECORD_HEADER_BYTES } from '../../src/log/record-format.ts';
import { FaultyFileSystem, systemError } from '../support/faulty-file-system.ts';

const header = {
  sessionId: 'marked',
  format: { encoding: 'MULAW', sampleRate: 8_000, channels: 1 },
  createdAt: new Date(0),
} as const;

let folder: string;
let path: string;
let fileSystem: FaultyFileSystem;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'verbatim-mark-'));
  path = join(folder, 'test.log');
  fileSystem = new FaultyFileSystem();
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

function append(log: FramedLog, text: string): Promise<{ position: number; end: number }> {
  return log.append(1, [Buffer.from(text)]);
}

async function reopen(): Promise<{ log: FramedLog; payloads: string[]; damage: ByteRange[] }> {
  const payloads: string[] = [];
  const damage: ByteRange[] = [];
  const visitor = {
    record: (record: { payload: Buffer }) => payloads.push(record.payload.toString()),
    damage: (range: ByteRange) => damage.push(range),
  };
  const log = await FramedLog.open(path, visitor, { fileSystem });
  return { log, payloads, damage };
}

/** A log that was closed cleanly, its records written as one group: none of them knows of another. */
async function writeLog(...texts: string[]): Promise<ByteRange[]> {
  const log = await FramedLog.create(path, null, { fileSystem });
  const spans = await Promise.all(texts.map((text) => append(log, text)));
  await log.close();
  return spans.map(({ position, end }) => ({ start: position, end }));
}

async function damageRecord(range: ByteRange | undefined): Promise<void> {
  const file = await open(path, 'r+');
  await file.write('#', (range?.start ?? 0) + RECORD_HEADER_BYTES);
  await file.close();
}

describe('a log that was closed', () => {
  it('shows damage to any of its records, even to the last', async () => {
    const ranges = await writeLog('one', 'two', 'three');
    await copyFile(path, `${path}.copy`);
    for (const [index, range] of ranges.entries()) {
      await copyFile(`${path}.copy`, path);
      await damageRecord(range);
      const { log, payloads, damage } = await reopen();
      expect(payloads).toEqual(['one', 'two', 'three'].toSpliced(index, 1));
      expect(damage).toMatchObject([{ start: range.start }]);
      // Nothing of it is cut off, however often it is opened.
      await log.close();
      const again = await reopen();
      expect([again.payloads, again.damage]).toEqual([payloads, damage]);
      await again.log.close();
    }
  });

  it('goes on behind damage at its end, which stays known when what was written last is torn', async () => {
    const ranges = await writeLog('one', 'two', 'three');
    await damageRecord(ranges[2]);
    const { log, damage } = await reopen();
    expect(log.durableEnd).toBe(damage[0]?.end);
    const four = await append(log, 'four');
    await log.close();
    await copyFile(path, `${path}.copy`);
    for (const size of [four.position, four.position + 1, four.end - 1]) {
      await copyFile(`${path}.copy`, path);
      await truncate(path, size);
      const torn = await reopen();
      expect([torn.payloads, torn.damage]).toEqual([['one', 'two'], damage]);
      expect((await append(torn.log, 'again')).position).toBe(four.position);
      const reader = torn.log.readerAt(torn.log.start);
      const kinds: unknown[] = [];
      for (let item = await reader.next(); item !== null; item = await reader.next()) kinds.push(item.kind);
      expect(kinds).toEqual(['record', 'record', 'damage', 'record']);
      await torn.log.close();
      const after = await reopen();
      expect([after.payloads, after.damage]).toEqual([['one', 'two', 'again'], damage]);
      await after.log.close();
    }
  });

  it('is opened and closed without growing, and written on over its mark', async () => {
    const ranges = await writeLog('one', 'two');
    const { size } = await stat(path);
    for (const _ of [1, 2, 3]) {
      const { log, payloads } = await reopen();
      expect(payloads).toEqual(['one', 'two']);
      expect(log.durableEnd).toBe(ranges[1]?.end);
      expect(await log.readerAt(log.durableEnd).next()).toBeNull();
      await log.close();
      expect((await stat(path)).size).toBe(size);
    }
    const { log } = await reopen();
    expect((await append(log, '')).position).toBe(ranges[1]?.end);
    expect((await append(log, 'four')).end).toBe(log.durableEnd);
    await log.close();
    const { log: again, payloads, damage } = await reopen();
    expect([payloads, damage]).toEqual([['one', 'two', '', 'four'], []]);
    await again.close();
  });

  it('says so when records behind its mark prove that one was there, which the disk lost', async () => {
    const ranges = await writeLog('one', 'two');
    const file = await open(path, 'r+');
    const mark = Buffer.alloc(RECORD_HEADER_BYTES);
    await file.read(mark, 0, mark.length, ranges[1]?.end);
    const { log } = await reopen();
    const three = await append(log, 'three');
    await append(log, 'four');
    await log.close();
    // The sector has its old content again.
    await file.write(mark, 0, mark.length, three.position);
    await file.close();
    const again = await reopen();
    expect(again.payloads).toEqual(['one', 'two', 'four']);
    expect(again.damage).toEqual([{ start: three.position, end: three.end }]);
    await again.log.close();
  });

  it('has a torn tail like after a crash when the mark is bad, whatever of it is there', async () => {
    const ranges = await writeLog('one', 'two');
    const { size } = await stat(path);
    const end = ranges[1]?.end ?? 0;
    await copyFile(path, `${path}.copy`);
    for (let cut = end; cut < size; cut += 1) {
      await copyFile(`${path}.copy`, path);
      await truncate(path, cut);
      const { log, payloads, damage } = await reopen();
      expect([payloads, damage, log.durableEnd]).toEqual([['one', 'two'], [], end]);
      expect((await stat(path)).size).toBe(end);
      await log.close();
      expect((await stat(path)).size).toBe(size);
    }
  });

  it('is closed without a mark when there is no space for one, or the disk fails', async () => {
    const ranges = await writeLog('one');
    for (const error of [systemError('ENOSPC'), systemError('EIO')]) {
      const { log } = await reopen();
      await append(log, 'more');
      fileSystem.writeError = error;
      await log.close();
      fileSystem.writeError = null;
    }
    fileSystem.space = RECORD_HEADER_BYTES + 4 + 10;
    const { log } = await reopen();
    await append(log, 'last');
    await log.close();
    fileSystem.space = Infinity;
    const again = await reopen();
    expect(again.payloads).toEqual(['one', 'more', 'more', 'last']);
    expect(again.log.durableEnd).toBe((ranges[0]?.end ?? 0) + 3 * (RECORD_HEADER_BYTES + 4));
    await again.log.close();
  });

  it('gets no mark when it is poisoned: what it has on the disk is not known', async () => {
    await writeLog('one');
    const { log } = await reopen();
    fileSystem.syncError = systemError('EIO');
    await expect(append(log, 'two')).rejects.toThrow('renews itself');
    const { writes } = fileSystem;
    await log.close();
    expect(fileSystem.writes).toBe(writes);
    expect((await stat(path)).size).toBe(log.durableEnd);
  });
});

describe('an audio log that was closed', () => {
  async function items(log: AudioLog): Promise<AudioLogItem[]> {
    const reader = log.reader(0);
    const seen: AudioLogItem[] = [];
    for (let item = await reader.next(); item !== null; item = await reader.next()) seen.push(item);
    return seen;
  }

  async function damageText(text: string): Promise<void> {
    const file = await open(path, 'r+');
    const position = (await file.readFile()).indexOf(text);
    expect(position).toBeGreaterThan(0);
    await file.write('#', position);
    await file.close();
  }

  it('keeps length and sequence numbers of what is damaged at its very end', async () => {
    let log = await AudioLog.create(path, header);
    await Promise.all(['first', 'second', 'third'].map((text, index) => log.appendChunk(index, Buffer.from(text))));
    await log.close();
    for (const text of ['second', 'third']) await damageText(text);
    for (const _ of ['opened', 'opened again']) {
      log = await AudioLog.open(path);
      expect([log.nextSequence, log.receivedFrames]).toEqual([3, 16]);
      expect(log.damagedRanges).toEqual([{ startFrame: 5, frames: 11 }]);
      expect((await items(log)).map(({ kind, startFrame }) => [kind, startFrame])).toEqual([
        ['chunk', 0],
        ['damaged', 5],
      ]);
      expect(await log.appendChunk(2, Buffer.from('third'))).toEqual({ duplicate: true });
      await log.close();
    }
    log = await AudioLog.open(path);
    await log.appendChunk(3, Buffer.from('fourth'));
    await log.close();
    log = await AudioLog.open(path);
    expect([log.nextSequence, log.receivedFrames, log.damagedFrames]).toEqual([4, 22, 11]);
    expect((await items(log)).map(({ kind }) => kind)).toEqual(['chunk', 'damaged', 'chunk']);
    await log.close();
  });

  it('that has lost all but its header knows how much that was', async () => {
    let log = await AudioLog.create(path, header);
    const start = log.durablePosition;
    await Promise.all(['first', 'second'].map((text, index) => log.appendChunk(index, Buffer.from(text))));
    await log.close();
    const file = await open(path, 'r+');
    await file.write(Buffer.alloc(log.durablePosition - start), 0, log.durablePosition - start, start);
    await file.close();
    log = await AudioLog.open(path);
    expect([log.nextSequence, log.receivedFrames]).toEqual([2, 11]);
    expect(await items(log)).toEqual([{ kind: 'damaged', startFrame: 0, frames: 11 }]);
    await log.close();
  });
});
