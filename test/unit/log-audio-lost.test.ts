import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AudioLogItem } from '../../src/log/audio-log-reader.ts';
import { AudioLog } from '../../src/log/audio-log.ts';
import { SequenceGapError, StorageFullError } from '../../src/log/storage-errors.ts';
import { FaultyFileSystem } from '../support/faulty-file-system.ts';

const header = {
  sessionId: 'lost',
  format: { encoding: 'MULAW', sampleRate: 8_000, channels: 1 },
  createdAt: new Date(0),
} as const;

let folder: string;
let path: string;
let fileSystem: FaultyFileSystem;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'verbatim-lost-'));
  path = join(folder, 'audio.log');
  fileSystem = new FaultyFileSystem();
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function createWith(...texts: string[]): Promise<AudioLog> {
  const log = await AudioLog.create(path, header, { fileSystem });
  for (const [sequence, text] of texts.entries()) await log.appendChunk(sequence, Buffer.from(text));
  return log;
}

/** What a reader from the frame tells, and the log of itself. */
async function contents(log: AudioLog, fromFrame = 0): Promise<unknown[]> {
  const { nextSequence, receivedFrames, damagedRanges } = log;
  const reader = log.reader(fromFrame);
  const seen: unknown[] = [{ nextSequence, receivedFrames, damagedRanges }];
  for (let item = await reader.next(); item !== null; item = await reader.next()) seen.push(summary(item));
  return seen;
}

function summary(item: AudioLogItem): unknown {
  if (item.kind === 'chunk') return [item.startFrame, Buffer.from(item.bytes).toString()];
  return item.kind === 'end' ? [item.startFrame, 'end'] : [item.startFrame, item.kind, item.frames];
}

describe('what an audio log is known to have lost', () => {
  it('is part of its timeline from then on, and damaged, also when it is opened again', async () => {
    let log = await createWith('abcde', 'fgh');
    await log.appendLost({ nextSequence: 5, receivedFrames: 100 });
    await log.appendChunk(5, Buffer.from('later'));
    await log.appendLost({ nextSequence: 7, receivedFrames: 110 });
    for (const _ of ['fresh', 'opened again']) {
      expect(await contents(log)).toEqual([
        {
          nextSequence: 7,
          receivedFrames: 110,
          damagedRanges: [
            { startFrame: 8, frames: 92 },
            { startFrame: 105, frames: 5 },
          ],
        },
        [0, 'abcde'],
        [5, 'fgh'],
        [8, 'damaged', 92],
        [100, 'later'],
        [105, 'damaged', 5],
      ]);
      expect(log.damagedFrames).toBe(97);
      expect((await contents(log, 50))[1]).toEqual([8, 'damaged', 92]);
      expect((await contents(log, 100))[1]).toEqual([100, 'later']);
      await log.close();
      log = await AudioLog.open(path);
    }
    await log.close();
  });

  it('takes its sequence numbers with any content, and no others', async () => {
    let log = await createWith('abcde');
    await log.appendLost({ nextSequence: 4, receivedFrames: 20 });
    for (const _ of ['fresh', 'opened again']) {
      for (const sequence of [1, 2, 3]) {
        expect(await log.appendChunk(sequence, Buffer.from('whatever'))).toEqual({ duplicate: true });
        expect(await log.appendSkip(sequence, 99)).toEqual({ duplicate: true });
      }
      await expect(log.appendChunk(5, Buffer.from('too far'))).rejects.toBeInstanceOf(SequenceGapError);
      expect(await log.appendChunk(0, Buffer.from('abcde'))).toEqual({ duplicate: true });
      await log.close();
      log = await AudioLog.open(path);
    }
    expect(await log.appendChunk(4, Buffer.from('x'))).toEqual({ duplicate: false });
    await log.close();
  });

  it('may be sequence numbers without audio, and audio without sequence numbers', async () => {
    let log = await createWith('abcde');
    await log.appendLost({ nextSequence: 3, receivedFrames: 5 });
    await log.appendLost({ nextSequence: 3, receivedFrames: 9 });
    await log.appendChunk(3, Buffer.from('later'));
    for (const _ of ['fresh', 'opened again']) {
      expect(await contents(log)).toEqual([
        { nextSequence: 4, receivedFrames: 14, damagedRanges: [{ startFrame: 5, frames: 4 }] },
        [0, 'abcde'],
        [5, 'damaged', 4],
        [9, 'later'],
      ]);
      expect(await log.appendChunk(2, Buffer.from('whatever'))).toEqual({ duplicate: true });
      await log.close();
      log = await AudioLog.open(path);
    }
    await log.close();
  });

  it('must be beyond what the log has, pipelined chunks counted', async () => {
    const log = await createWith('abcde');
    const pending = log.appendChunk(1, Buffer.from('fgh'));
    for (const [nextSequence, receivedFrames] of [
      [2, 8],
      [1, 9],
      [3, 7],
      [2.5, 9],
      [3, 8.5],
      [3, Infinity],
      [2 ** 32, 9],
    ] as const) {
      await expect(log.appendLost({ nextSequence, receivedFrames })).rejects.toBeInstanceOf(RangeError);
    }
    const lost = log.appendLost({ nextSequence: 3, receivedFrames: 8 });
    const behind = log.appendChunk(3, Buffer.from('x'));
    await Promise.all([pending, lost, behind]);
    expect([log.nextSequence, log.receivedFrames]).toEqual([4, 9]);
    await log.close();
  });

  it('is not answered for before it is stored', async () => {
    const log = await createWith('abcde');
    fileSystem.space = 10;
    const outcomes = await Promise.allSettled([
      log.appendLost({ nextSequence: 3, receivedFrames: 50 }),
      log.appendChunk(2, Buffer.from('counts on it')),
      log.appendChunk(3, Buffer.from('comes behind it')),
    ]);
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(StorageFullError) });
    }
    fileSystem.space = Infinity;
    expect([log.nextSequence, log.receivedFrames, log.appendedFrames, log.damagedFrames]).toEqual([1, 5, 5, 0]);
    expect(await log.appendChunk(1, Buffer.from('next'))).toEqual({ duplicate: false });
    await log.close();
  });

  it('opens a log that had ended, and an end may follow', async () => {
    let log = await createWith('abcde');
    await log.appendEnd('CLIENT', new Date(1));
    const lost = log.appendLost({ nextSequence: 2, receivedFrames: 10 });
    const ended = log.appendEnd('IDLE_TIMEOUT', new Date(2));
    await lost;
    await ended;
    expect(log.end).toEqual({ reason: 'IDLE_TIMEOUT', at: new Date(2) });
    await log.close();
    log = await AudioLog.open(path);
    expect(log.end).toEqual({ reason: 'IDLE_TIMEOUT', at: new Date(2) });
    await log.appendLost({ nextSequence: 3, receivedFrames: 10 });
    expect(log.end).toBeNull();
    await log.close();
    log = await AudioLog.open(path);
    expect(log.end).toBeNull();
    expect((await contents(log)).slice(1)).toEqual([
      [0, 'abcde'],
      [5, 'end'],
      [5, 'damaged', 5],
      [10, 'end'],
    ]);
    await log.close();
  });
});
