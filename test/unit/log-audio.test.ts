import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AudioLogItem, AudioLogReader } from '../../src/log/audio-log-reader.ts';
import { AudioLog, type AudioLogOptions } from '../../src/log/audio-log.ts';
import { FramedLog } from '../../src/log/framed-log.ts';
import {
  LogDamagedError,
  LogIncompleteError,
  LogPoisonedError,
  SequenceConflictError,
  SequenceGapError,
  StorageFullError,
} from '../../src/log/storage-errors.ts';
import { FaultyFileSystem, systemError } from '../support/faulty-file-system.ts';
import { Gate } from '../support/gate.ts';
import { until } from '../support/wait.ts';

const header = {
  sessionId: 'session-1',
  format: { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 2 },
  createdAt: new Date('2026-11-22T10:00:00.123Z'),
} as const;
const FRAME_BYTES = 4;
const endedAt = new Date('2026-11-22T11:00:00.456Z');

let folder: string;
let path: string;
let fileSystem: FaultyFileSystem;
let options: AudioLogOptions;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'verbatim-audio-'));
  path = join(folder, 'audio.log');
  fileSystem = new FaultyFileSystem();
  options = { fileSystem };
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** The chunks of ten frames of which a run is made. */
function split(run: AudioLogItem): AudioLogItem[] {
  if (run.kind !== 'chunk') return [run];
  return Array.from({ length: run.frames / 10 }, (_, index) => ({
    ...run,
    sequence: run.sequence + index,
    startFrame: run.startFrame + index * 10,
    frames: 10,
    bytes: run.bytes.subarray(index * 10 * FRAME_BYTES, (index + 1) * 10 * FRAME_BYTES),
  }));
}

/** A chunk whose bytes tell its number. */
function chunk(sequence: number, frames = 10): Buffer {
  const bytes = Buffer.alloc(frames * FRAME_BYTES);
  for (let offset = 0; offset < bytes.length; offset += 4) bytes.writeUInt32LE(sequence, offset);
  return bytes;
}

async function appendChunks(log: AudioLog, from: number, to: number): Promise<void> {
  const appends: Promise<unknown>[] = [];
  for (let sequence = from; sequence < to; sequence += 1) appends.push(log.appendChunk(sequence, chunk(sequence)));
  await Promise.all(appends);
}

async function readAll(reader: AudioLogReader): Promise<AudioLogItem[]> {
  const items: AudioLogItem[] = [];
  for (let item = await reader.next(); item !== null; item = await reader.next()) items.push(item);
  return items;
}

/** Flips a bit in the audio of the chunk, wherever it stands in the file. */
async function damageChunk(sequence: number): Promise<void> {
  const file = await open(path, 'r+');
  const bytes = await file.readFile();
  const position = bytes.indexOf(chunk(sequence));
  expect(position).toBeGreaterThan(0);
  await file.write(Buffer.from([~bytes.readUInt8(position) & 0xff]), 0, 1, position);
  await file.close();
}

/** A log whose records each know the one before to be durable. */
async function writeOneByOne(count: number): Promise<AudioLog> {
  const log = await AudioLog.create(path, header, options);
  for (let sequence = 0; sequence < count; sequence += 1) await log.appendChunk(sequence, chunk(sequence));
  return log;
}

async function reopen(log: AudioLog): Promise<AudioLog> {
  await log.close();
  return AudioLog.open(path, options);
}

describe('an audio log', () => {
  it('gives back its header and everything acknowledged after it is opened again', async () => {
    let log = await AudioLog.create(path, header, options);
    await log.appendChunk(0, chunk(0, 160));
    await log.appendSkip(1, 50);
    await log.appendChunk(2, chunk(2, 10));
    await log.appendEnd('CLIENT', endedAt);
    log = await reopen(log);
    expect(log.header).toEqual(header);
    expect(log.nextSequence).toBe(3);
    expect(log.receivedFrames).toBe(220);
    expect(log.end).toEqual({ reason: 'CLIENT', at: endedAt });
    expect(log.damagedFrames).toBe(0);
    expect(await readAll(log.reader(0))).toEqual([
      { kind: 'chunk', sequence: 0, startFrame: 0, frames: 160, bytes: chunk(0, 160) },
      { kind: 'skip', sequence: 1, startFrame: 160, frames: 50 },
      { kind: 'chunk', sequence: 2, startFrame: 210, frames: 10, bytes: chunk(2, 10) },
      { kind: 'end', startFrame: 220, reason: 'CLIENT', at: endedAt },
    ]);
    await log.close();
  });

  it('is empty when nothing was sent, and nothing when its creation was cut short', async () => {
    let log = await AudioLog.create(path, header, options);
    log = await reopen(log);
    expect([log.nextSequence, log.receivedFrames, log.end]).toEqual([0, 0, null]);
    expect(await log.reader(0).next()).toBeNull();
    await log.close();

    const bare = join(folder, 'bare.log');
    await (await FramedLog.create(bare)).close();
    await expect(AudioLog.open(bare)).rejects.toBeInstanceOf(LogIncompleteError);
  });

  it('refuses what is no chunk or skip', async () => {
    const log = await AudioLog.create(path, header, options);
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(3), Buffer.alloc(16 * 1024 * 1024)]) {
      await expect(log.appendChunk(0, bytes)).rejects.toBeInstanceOf(RangeError);
    }
    for (const frames of [0, -1, 0.5, Number.MAX_VALUE]) {
      await expect(log.appendSkip(0, frames)).rejects.toBeInstanceOf(RangeError);
    }
    for (const sequence of [-1, 0.5, 2 ** 32]) {
      await expect(log.appendChunk(sequence, chunk(0))).rejects.toBeInstanceOf(RangeError);
    }
    await appendChunks(log, 0, 1);
    await log.close();
  });

  it('keeps its first end, and opens again with the next chunk', async () => {
    let log = await AudioLog.create(path, header, options);
    await appendChunks(log, 0, 1);
    await Promise.all([log.appendEnd('IDLE_TIMEOUT', endedAt), log.appendEnd('CLIENT', new Date())]);
    await log.appendEnd('CLIENT', new Date());
    expect(log.end).toEqual({ reason: 'IDLE_TIMEOUT', at: endedAt });
    log = await reopen(log);
    await log.appendEnd('CLIENT', new Date());
    const reopened = log.appendChunk(1, chunk(1));
    const endedAgain = log.appendEnd('CLIENT', endedAt);
    await reopened;
    await endedAgain;
    expect(log.end).toEqual({ reason: 'CLIENT', at: endedAt });
    await log.appendChunk(2, chunk(2));
    expect(log.end).toBeNull();
    log = await reopen(log);
    expect(log.end).toBeNull();
    expect((await readAll(log.reader(0))).map((item) => item.kind)).toEqual(['chunk', 'end', 'chunk', 'end', 'chunk']);
    await log.close();
  });
});

describe('sequence numbers', () => {
  it('let chunks be pipelined: each counts in the order of the calls', async () => {
    const log = await AudioLog.create(path, header, options);
    fileSystem.syncs = 0;
    await appendChunks(log, 0, 200);
    expect(fileSystem.syncs).toBeLessThanOrEqual(3);
    expect([log.nextSequence, log.receivedFrames]).toEqual([200, 2000]);
    const items = await readAll(log.reader(0));
    expect(items).toEqual(
      Array.from({ length: 200 }, (_, index) => ({
        kind: 'chunk',
        sequence: index,
        startFrame: index * 10,
        frames: 10,
        bytes: chunk(index),
      })),
    );
    await log.close();
  });

  it('that were left out are refused with the one expected, pipelined ones counted', async () => {
    const log = await AudioLog.create(path, header, options);
    const first = log.appendChunk(0, chunk(0));
    await expect(log.appendChunk(2, chunk(2))).rejects.toMatchObject({ expectedSequence: 1 });
    await expect(log.appendSkip(7, 7)).rejects.toBeInstanceOf(SequenceGapError);
    await first;
    await appendChunks(log, 1, 3);
    expect(log.nextSequence).toBe(3);
    await log.close();
  });

  it('that come again with the same content are answered once the original is durable, and stored once', async () => {
    const log = await AudioLog.create(path, header, options);
    const order: string[] = [];
    const original = log.appendChunk(0, chunk(0)).then((outcome) => (order.push('original'), outcome));
    const repeated = log.appendChunk(0, chunk(0)).then((outcome) => (order.push('repeated'), outcome));
    expect(await original).toEqual({ duplicate: false });
    expect(await repeated).toEqual({ duplicate: true });
    expect(order).toEqual(['original', 'repeated']);
    const { size } = await stat(path);
    expect(await log.appendChunk(0, chunk(0))).toEqual({ duplicate: true });
    expect((await stat(path)).size).toBe(size);
    expect(log.receivedFrames).toBe(10);
    await log.close();
  });

  it('that come again with other content are refused: other bytes, another length, a skip for a chunk', async () => {
    const log = await AudioLog.create(path, header, options);
    const pending = log.appendChunk(0, chunk(0));
    await expect(log.appendChunk(0, chunk(99))).rejects.toBeInstanceOf(SequenceConflictError);
    await pending;
    await log.appendSkip(1, 10);
    await expect(log.appendChunk(0, chunk(0, 11))).rejects.toBeInstanceOf(SequenceConflictError);
    await expect(log.appendSkip(0, 10)).rejects.toBeInstanceOf(SequenceConflictError);
    await expect(log.appendChunk(1, chunk(0))).rejects.toBeInstanceOf(SequenceConflictError);
    await expect(log.appendSkip(1, 11)).rejects.toBeInstanceOf(SequenceConflictError);
    expect(await log.appendSkip(1, 10)).toEqual({ duplicate: true });
    await log.close();
  });

  it('are compared however old they are, also after opening again', async () => {
    let log = await AudioLog.create(path, header, options);
    await appendChunks(log, 0, 700);
    await log.appendSkip(700, 5);
    await appendChunks(log, 701, 1100);
    for (const reopened of [false, true]) {
      if (reopened) log = await reopen(log);
      for (const sequence of [0, 1, 63, 64, 65, 500, 699, 843, 844, 1099]) {
        expect(await log.appendChunk(sequence, chunk(sequence))).toEqual({ duplicate: true });
        await expect(log.appendChunk(sequence, chunk(sequence + 1))).rejects.toBeInstanceOf(SequenceConflictError);
      }
      expect(await log.appendSkip(700, 5)).toEqual({ duplicate: true });
      await expect(log.appendSkip(700, 6)).rejects.toBeInstanceOf(SequenceConflictError);
    }
    expect(log.nextSequence).toBe(1100);
    await log.close();
  });

  it('fall back to the durable ones when the disk is full, and go on from there', async () => {
    let log = await AudioLog.create(path, header, options);
    await appendChunks(log, 0, 3);
    fileSystem.space = 60;
    const outcomes = await Promise.allSettled([
      log.appendChunk(3, chunk(3)),
      log.appendChunk(3, chunk(3)),
      log.appendSkip(4, 100),
      log.appendChunk(5, chunk(5)),
      log.appendEnd('CLIENT', endedAt),
    ]);
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(StorageFullError) });
    }
    expect([log.nextSequence, log.receivedFrames, log.end]).toEqual([3, 30, null]);
    await expect(log.appendChunk(4, chunk(4))).rejects.toMatchObject({ expectedSequence: 3 });

    fileSystem.space = Infinity;
    // What failed was never acknowledged: the number is free for other content.
    expect(await log.appendChunk(3, chunk(33))).toEqual({ duplicate: false });
    log = await reopen(log);
    expect([log.nextSequence, log.receivedFrames]).toEqual([4, 40]);
    await log.close();
  });

  it('never get a hole from a chunk that is sent in the very moment in which those before it fail', async () => {
    let log = await AudioLog.create(path, header, options);
    await appendChunks(log, 0, 2);
    const appends: Promise<unknown>[] = [];
    const send = (sequence: number): void => {
      appends.push(log.appendChunk(sequence, chunk(sequence)).catch((error: unknown) => error));
    };
    const sendOnePerTurn = async (): Promise<void> => {
      for (let sequence = 3; sequence < 30; sequence += 1) {
        send(sequence);
        await Promise.resolve();
      }
    };
    fileSystem.onTruncated = () => {
      fileSystem.space = Infinity;
      appends.push(sendOnePerTurn());
    };
    fileSystem.space = 0;
    send(2);
    await until(() => appends.length > 25, { what: 'the sending' });
    await Promise.all(appends);
    await log.appendChunk(log.nextSequence, chunk(log.nextSequence));
    log = await reopen(log);
    expect((await readAll(log.reader(0))).map((item) => item.kind === 'chunk' && item.sequence)).toEqual(
      Array.from({ length: log.nextSequence }, (_, index) => index),
    );
    await log.close();
  });

  it('stand still while the log is poisoned, and go on when it has renewed itself', async () => {
    let renewed = false;
    const onRenewal = (): void => void (renewed = true);
    const log = await AudioLog.create(path, header, { ...options, renewalPausesMs: [10], onRenewal });
    await appendChunks(log, 0, 2);
    fileSystem.syncError = systemError('EIO');
    await expect(log.appendChunk(2, chunk(2))).rejects.toBeInstanceOf(LogPoisonedError);
    fileSystem.syncError = null;
    await expect(log.appendChunk(2, chunk(2))).rejects.toBeInstanceOf(LogPoisonedError);
    await expect(log.appendChunk(3, chunk(3))).rejects.toBeInstanceOf(SequenceGapError);
    expect(await log.appendChunk(1, chunk(1))).toEqual({ duplicate: true });
    expect(log.nextSequence).toBe(2);
    await until(() => renewed, { what: 'the renewal' });
    await appendChunks(log, 2, 4);
    expect(await log.appendChunk(0, chunk(0))).toEqual({ duplicate: true });
    const again = await reopen(log);
    expect((await readAll(again.reader(0))).map((item) => item.kind === 'chunk' && item.sequence)).toEqual([
      0, 1, 2, 3,
    ]);
    await again.close();
  });
});

describe('a reader of an audio log', () => {
  it('begins with the item that contains the frame', async () => {
    const log = await AudioLog.create(path, header, options);
    await appendChunks(log, 0, 300);
    await log.appendEnd('CLIENT', endedAt);
    for (const [frame, first] of [
      [0, 0],
      [9, 0],
      [10, 1],
      [639, 63],
      [640, 64],
      [641, 64],
      [2999, 299],
    ] as const) {
      expect(await log.reader(frame).next()).toMatchObject({ kind: 'chunk', sequence: first, startFrame: first * 10 });
    }
    expect(await readAll(log.reader(3000))).toEqual([{ kind: 'end', startFrame: 3000, reason: 'CLIENT', at: endedAt }]);
    await log.close();
  });

  it('goes on with what becomes durable while it reads, several at once', async () => {
    const log = await AudioLog.create(path, header, options);
    const follow = async (fromFrame: number): Promise<number[]> => {
      const reader = log.reader(fromFrame);
      const seen: number[] = [];
      let news = new Gate();
      const unsubscribe = log.onDurable(() => news.open());
      for (;;) {
        news = new Gate();
        const item = await reader.next();
        if (item === null) await news.opened;
        else if (item.kind === 'end') break;
        else if (item.kind === 'chunk') seen.push(item.bytes[0] ?? -1);
      }
      unsubscribe();
      return seen;
    };
    const readers = [follow(0), follow(0), follow(605)];
    for (let sequence = 0; sequence < 150; sequence += 3) await appendChunks(log, sequence, sequence + 3);
    await log.appendEnd('CLIENT', endedAt);
    const all = Array.from({ length: 150 }, (_, index) => index);
    expect(await Promise.all(readers)).toEqual([all, all, all.slice(60)]);
    await log.close();
  });

  it('sees nothing that is not durable', async () => {
    const log = await AudioLog.create(path, header, options);
    const reader = log.reader(0);
    const { size } = await stat(path);
    const gate = new Gate();
    fileSystem.syncGate = gate.opened;
    const appended = log.appendChunk(0, chunk(0));
    await until(async () => (await stat(path)).size > size, { what: 'the write' });
    expect(await reader.next()).toBeNull();
    expect([log.nextSequence, log.receivedFrames]).toEqual([0, 0]);
    gate.open();
    await appended;
    expect(await reader.next()).toMatchObject({ sequence: 0 });
    await log.close();
  });

  it('can be woken by each durable append, until it unsubscribes', async () => {
    const log = await AudioLog.create(path, header, options);
    let calls = 0;
    const unsubscribe = log.onDurable(() => (calls += 1));
    await log.appendChunk(0, chunk(0));
    await log.appendSkip(1, 1);
    await log.appendEnd('CLIENT', endedAt);
    expect(calls).toBe(3);
    unsubscribe();
    await log.appendChunk(2, chunk(2));
    expect(calls).toBe(3);
    await log.close();
  });
});

describe('damage in an audio log', () => {
  it('splits runs of chunks, which are told together and hold what they hold one by one', async () => {
    const writing = await AudioLog.create(path, header, options);
    await appendChunks(writing, 0, 40);
    await writing.appendSkip(40, 7);
    for (let sequence = 41; sequence < 90; sequence++) await writing.appendChunk(sequence, chunk(sequence));
    await writing.appendEnd('CLIENT', endedAt);
    await writing.close();
    await damageChunk(60);
    const log = await AudioLog.open(path, options);
    const items = await readAll(log.reader(0));
    for (const maxFrames of [1, 10, 35, 1_000]) {
      const reader = log.reader(0);
      const runs: AudioLogItem[] = [];
      for (let run = await reader.nextRun(maxFrames); run !== null; run = await reader.nextRun(maxFrames))
        runs.push(run);
      expect(runs.flatMap((run) => split(run))).toEqual(items);
      const longest = Math.max(...runs.map((run) => (run.kind === 'chunk' ? run.frames : 0)));
      // Forty chunks of ten frames stand before the skip.
      expect(longest).toBe({ 1: 10, 10: 10, 35: 30, 1_000: 400 }[maxFrames]);
    }
    await log.close();
  });

  it('keeps its length on the timeline and its sequence numbers', async () => {
    let log = await writeOneByOne(10);
    await log.close();
    for (const sequence of [3, 4, 7]) await damageChunk(sequence);
    log = await AudioLog.open(path, options);
    expect([log.nextSequence, log.receivedFrames, log.damagedFrames]).toEqual([10, 100, 30]);
    expect(log.damagedRanges).toEqual([
      { startFrame: 30, frames: 20 },
      { startFrame: 70, frames: 10 },
    ]);
    const items = await readAll(log.reader(0));
    expect(items.filter((item) => item.kind === 'damaged')).toEqual([
      { kind: 'damaged', startFrame: 30, frames: 20 },
      { kind: 'damaged', startFrame: 70, frames: 10 },
    ]);
    expect(items.map((item) => item.startFrame)).toEqual([0, 10, 20, 30, 50, 60, 70, 80, 90]);
    expect(await log.reader(45).next()).toEqual({ kind: 'damaged', startFrame: 30, frames: 20 });
    // Once acknowledged, now lost: taken as sent, since nothing is left to compare with.
    expect(await log.appendChunk(3, chunk(3))).toEqual({ duplicate: true });
    expect(await log.appendChunk(5, chunk(5))).toEqual({ duplicate: true });
    await appendChunks(log, 10, 11);
    log = await reopen(log);
    expect([log.nextSequence, log.receivedFrames, log.damagedFrames]).toEqual([11, 110, 30]);
    await log.close();
  });

  it('that comes while the log is open is told by its readers, up to the very end', async () => {
    const log = await writeOneByOne(5);
    await damageChunk(1);
    await damageChunk(4);
    const reader = log.reader(0);
    expect((await readAll(reader)).map(({ kind, startFrame }) => [kind, startFrame])).toEqual([
      ['chunk', 0],
      ['damaged', 10],
      ['chunk', 20],
      ['chunk', 30],
      ['damaged', 40],
    ]);
    await appendChunks(log, 5, 6);
    expect(await reader.next()).toMatchObject({ kind: 'chunk', startFrame: 50 });
    await log.close();
  });

  it('of the header asks for the header from elsewhere', async () => {
    let log = await writeOneByOne(2);
    await log.close();
    const file = await open(path, 'r+');
    await file.write('X', (await file.readFile('latin1')).indexOf('session-1'));
    await file.close();
    await expect(AudioLog.open(path, options)).rejects.toBeInstanceOf(LogDamagedError);
    log = await AudioLog.open(path, { ...options, headerIfDamaged: header });
    expect((await readAll(log.reader(0))).map((item) => item.kind)).toEqual(['chunk', 'chunk']);
    expect(log.damagedFrames).toBe(0);
    await log.close();
  });
});
