import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AudioLog } from '../../src/log/audio-log.ts';
import { StorageFullError } from '../../src/log/storage-errors.ts';
import { compiled } from '../support/compiled-program.ts';

const PRLIMIT = '/usr/bin/prlimit';
const run = promisify(execFile);
const header = {
  sessionId: 'full',
  format: { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 1 },
  createdAt: new Date(0),
} as const;
const CHUNK_BYTES = 3200;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'verbatim-full-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** A chunk whose bytes tell its number. */
function chunk(sequence: number): Buffer {
  return Buffer.alloc(CHUNK_BYTES, String.fromCodePoint(97 + (sequence % 26)));
}

/** Sends chunks, so many at a time, until one is refused; gives the refusal. */
async function fill(log: AudioLog, atATime = 3): Promise<unknown> {
  for (;;) {
    const { nextSequence } = log;
    const sent = Array.from({ length: atATime }, (_, ahead) =>
      log.appendChunk(nextSequence + ahead, chunk(nextSequence + ahead)),
    );
    for (const outcome of await Promise.allSettled(sent)) {
      if (outcome.status === 'rejected') return outcome.reason;
    }
  }
}

async function expectWhole(path: string, chunks: number): Promise<void> {
  const log = await AudioLog.open(path);
  expect([log.nextSequence, log.damagedFrames]).toEqual([chunks, 0]);
  const reader = log.reader(0);
  for (let sequence = 0; sequence < chunks; sequence += 1) {
    const item = await reader.next();
    expect(item).toMatchObject({ kind: 'chunk', sequence });
    expect(item?.kind === 'chunk' && chunk(sequence).equals(item.bytes)).toBe(true);
  }
  await log.close();
}

describe('a file system that is really full', () => {
  it('refuses chunks before they are acknowledged, loses none that were, and goes on when there is space', async ({
    skip,
  }) => {
    if (process.env['CI'] !== 'true') skip(process.getuid?.() !== 0, 'only root may mount a file system');
    const disk = await mkdtemp(join(folder, 'disk-'));
    await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'verbatim-test', disk]);
    try {
      const path = join(disk, 'audio.log');
      const filler = join(disk, 'filler');
      const file = await open(filler, 'w');
      await file.write(Buffer.alloc(500_000));
      await file.close();

      const log = await AudioLog.create(path, header);
      for (let refusals = 0; refusals < 3; refusals += 1) expect(await fill(log)).toBeInstanceOf(StorageFullError);
      const acknowledged = log.nextSequence;
      expect(acknowledged).toBeGreaterThan(100);
      expect((await stat(path)).size).toBe(log.durablePosition);
      // Chunks that were refused together leave the space of some of them.
      await fill(log, 1);
      await expect(AudioLog.create(join(disk, 'other.log'), header)).rejects.toBeInstanceOf(StorageFullError);

      await rm(filler);
      expect(await fill(log)).toBeInstanceOf(StorageFullError);
      expect(log.nextSequence).toBeGreaterThan(acknowledged + 100);
      await log.close();
      await expectWhole(path, log.nextSequence);
    } finally {
      // Lazily: a test that failed may have left its log open.
      await run('umount', ['--lazy', disk]);
    }
  });
});

/** Fills a log until it is refused, says how far it came, and does the same again for each line that it reads. */
const SENDER = `
const { AudioLog } = await import(process.argv[1]);
const log = await AudioLog.create(process.argv[2], JSON.parse(process.argv[3]));
const chunk = (sequence) => Buffer.alloc(${CHUNK_BYTES}, String.fromCodePoint(97 + (sequence % 26)));
async function fill(limit) {
  while (log.nextSequence < limit) {
    const from = log.nextSequence;
    const sent = [0, 1, 2].map((ahead) => log.appendChunk(from + ahead, chunk(from + ahead)));
    for (const outcome of await Promise.allSettled(sent)) {
      if (outcome.status === 'rejected') return outcome.reason.name;
    }
  }
  return 'no error';
}
for (const limit of [Infinity, Infinity, 300]) {
  process.stdout.write(JSON.stringify([await fill(limit), log.nextSequence]) + '\\n');
  await new Promise((resolve) => process.stdin.once('data', resolve));
}
await log.close();
process.exit(0);
`;

// Node ignores SIGXFSZ, which would end the process at the limit; else the sender would not survive the first test of it.
describe('a limit of the size of files', () => {
  it('is like a full disk: nothing half-written, nothing lost, and on when it is raised', async ({ skip }) => {
    if (process.env['CI'] !== 'true') skip(!existsSync(PRLIMIT), 'prlimit (util-linux) is not installed');
    const path = join(folder, 'audio.log');
    const evaluate = ['--input-type=module', '--eval', SENDER];
    const sender = spawn(
      PRLIMIT,
      [
        '--fsize=500000:unlimited',
        process.execPath,
        ...evaluate,
        compiled('log/audio-log.ts'),
        path,
        JSON.stringify(header),
      ],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    const exited = once(sender, 'exit');
    const lines = createInterface({ input: sender.stdout })[Symbol.asyncIterator]();
    const told = async (): Promise<unknown> => JSON.parse(String((await lines.next()).value));
    try {
      // 500,000 bytes hold 153 chunks; they come in threes.
      expect(await told()).toEqual(['StorageFullError', 153]);
      expect((await stat(path)).size).toBeLessThan(500_000);
      sender.stdin.write('again\n');
      expect(await told()).toEqual(['StorageFullError', 153]);
      await run(PRLIMIT, ['--pid', String(sender.pid), '--fsize=unlimited']);
      sender.stdin.write('again\n');
      expect(await told()).toEqual(['no error', 300]);
      sender.stdin.write('end\n');
      expect(await exited).toEqual([0, null]);
    } finally {
      sender.kill('SIGKILL');
    }
    await expectWhole(path, 300);
  });
});
