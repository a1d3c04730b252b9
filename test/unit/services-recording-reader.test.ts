import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { AudioLog } from '../../src/log/audio-log.ts';
import { RecordingReader } from '../../src/services/recordings/recording-reader.ts';
import { descendantsOf } from '../support/process-tree.ts';
import { useTemporaryFolder } from './database-fixtures.ts';

describe('the process that reads recordings', () => {
  const folder = useTemporaryFolder();
  const readers: RecordingReader[] = [];
  const start = (callLimitMs?: number) => {
    const reader = new RecordingReader(callLimitMs);
    readers.push(reader);
    return reader;
  };
  afterEach(async () => {
    for (const reader of readers.splice(0)) await reader.stop();
  });

  async function recording(): Promise<{ file: string; sent: Buffer }> {
    const file = path.join(folder(), 'audio.log');
    const format = { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 1 } as const;
    const log = await AudioLog.create(file, { sessionId: 'x', format, createdAt: new Date() });
    const sent = Buffer.alloc(3_200, 7);
    await log.appendChunk(0, sent);
    await log.close();
    return { file, sent };
  }

  it('that never answers is ended, which fails whoever waits for it, and another one reads on', async () => {
    const { file, sent } = await recording();
    const patient = start();
    expect((await patient.open(file)).frames).toBe(1_600);
    const others = new Set(descendantsOf(process.pid, /recording-process/u));

    const impatient = start(10_000);
    const opened = await impatient.open(file);
    for (const pid of descendantsOf(process.pid, /recording-process/u))
      if (!others.has(pid)) process.kill(pid, 'SIGSTOP');
    await expect(opened.read(0, 10)).rejects.toThrow('SIGKILL');
    opened.close();
    const again = await impatient.open(file);
    expect(await again.read(0, 1_600)).toEqual(sent);
  });

  it('tells of a log that is none, and goes on', async () => {
    const { file, sent } = await recording();
    const reader = start();
    await expect(reader.open(path.join(folder(), 'none.log'))).rejects.toThrow('ENOENT');
    const opened = await reader.open(file);
    expect(await opened.read(0, 1_600)).toEqual(sent);
  });
});
