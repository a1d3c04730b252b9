import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { AudioLog } from '../../src/log/audio-log.ts';
import { compiled } from '../support/compiled-program.ts';

/** Appends chunks, up to 20 in flight, and says each number once it was acknowledged. */
const SENDER = `
const { AudioLog } = await import(process.argv[1]);
const path = process.argv[2];
const format = { encoding: 'PCM_S16LE', sampleRate: 16000, channels: 1 };
const log = process.argv[3] === 'create'
  ? await AudioLog.create(path, { sessionId: 'killed', format, createdAt: new Date() })
  : await AudioLog.open(path);
let sequence = log.nextSequence;
async function send() {
  for (;;) {
    const mine = sequence++;
    const bytes = Buffer.alloc(3200);
    for (let offset = 0; offset < bytes.length; offset += 4) bytes.writeUInt32LE(mine, offset);
    await log.appendChunk(mine, bytes);
    process.stdout.write(mine + '\\n');
  }
}
await Promise.all(Array.from({ length: 20 }, send));
`;

/** Runs a sender on the log and kills it without warning; gives the highest number that it had reported. */
async function sendAndKill(path: string, mode: 'create' | 'open', acknowledgements: number): Promise<number> {
  const program = compiled('log/audio-log.ts');
  const sender = spawn(process.execPath, ['--input-type=module', '--eval', SENDER, program, path, mode], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(sender, 'exit');
  let highest = -1;
  let count = 0;
  for await (const line of createInterface({ input: sender.stdout })) {
    highest = Math.max(highest, Number(line));
    count += 1;
    if (count === acknowledgements) sender.kill('SIGKILL');
  }
  await exited;
  expect(sender.signalCode).toBe('SIGKILL');
  return highest;
}

describe('an audio log whose process is killed', () => {
  it('has every chunk that was acknowledged, again and again', { timeout: 60_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'verbatim-kill-'));
    const path = join(folder, 'audio.log');
    try {
      for (const round of [0, 1, 2]) {
        const acknowledged = await sendAndKill(path, round === 0 ? 'create' : 'open', 200 + round * 137);
        const log = await AudioLog.open(path);
        expect(log.damagedFrames).toBe(0);
        expect(log.nextSequence).toBeGreaterThan(acknowledged);
        const reader = log.reader(0);
        for (let sequence = 0; sequence < log.nextSequence; sequence += 1) {
          const item = await reader.next();
          expect(item).toMatchObject({ kind: 'chunk', sequence, startFrame: sequence * 1600, frames: 1600 });
          const bytes = item?.kind === 'chunk' ? Buffer.from(item.bytes) : Buffer.alloc(4);
          expect([bytes.readUInt32LE(0), bytes.readUInt32LE(bytes.length - 4)]).toEqual([sequence, sequence]);
        }
        expect(await reader.next()).toBeNull();
        await log.close();
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
