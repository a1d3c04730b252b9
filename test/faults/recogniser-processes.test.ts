import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import type { ProcessPool } from '../../src/recognition/process-pool.ts';
import type { ToneSpeechPart } from '../../src/recognition/scripted/tone-speech.ts';
import { TONE_WORDS } from '../../src/recognition/scripted/tone-words.ts';
import { RecordingListener, writeParts } from '../support/recognition.ts';
import {
  chunksOf,
  decisionsOf,
  isAlive,
  onlyPid,
  openPooled,
  silentLogger,
  usePools,
} from '../support/recogniser-pool.ts';
import { until } from '../support/wait.ts';

const { createPool, startPool } = usePools();

const SENTENCES: ToneSpeechPart[] = TONE_WORDS.slice(0, 40).flatMap((word, index): ToneSpeechPart[] =>
  index % 4 === 3 ? [word, { silenceMs: 700 }] : [word],
);

describe('a recogniser process that is killed', () => {
  it('fails its streams once, is replaced, and the streams go on from their last decision with the same finals', async () => {
    const pool = await startPool();
    const chunks = chunksOf(SENTENCES);
    const expected = await decisionsOf(pool, chunks);
    expect(expected.length).toBeGreaterThan(8);

    const first = new RecordingListener();
    const stream = openPooled(pool, first);
    writeParts(stream, chunks.slice(0, chunks.length / 2), 2);
    await until(() => first.decisions.length >= 3);
    const pid = onlyPid(pool);
    process.kill(pid, 'SIGKILL');
    await until(() => first.failures.length > 0, { what: 'the failure of the stream' });
    const kept = first.decisions.slice(0, 3);

    const second = new RecordingListener();
    const resume = kept.at(-1)?.resume ?? null;
    const reopened = openPooled(pool, second, { resume });
    writeParts(reopened, chunks, 2, resume?.readFromFrame);
    reopened.end();
    await second.untilEnded();
    expect([...kept, ...second.decisions]).toEqual(expected);
    expect(first.failures).toHaveLength(1);
    expect(onlyPid(pool)).not.toBe(pid);
  });

  it('leaves the streams of the others alone', async () => {
    const pool = await startPool({ processes: 2 });
    const [one, two] = [new RecordingListener(), new RecordingListener()];
    const streams = [openPooled(pool, one), openPooled(pool, two)];
    const chunks = chunksOf(SENTENCES);
    for (const stream of streams) writeParts(stream, chunks.slice(0, 40), 2);
    await until(() => one.decisions.length > 0 && two.decisions.length > 0);
    process.kill(onlyPid(pool), 'SIGKILL');
    await until(() => one.failures.length + two.failures.length > 0);
    const [lost, kept] = one.failures.length > 0 ? [one, two] : [two, one];
    const keptStream = streams[kept === one ? 0 : 1];
    if (keptStream) {
      writeParts(keptStream, chunks, 2, 40 * 1_600);
      keptStream.end();
    }
    await kept.untilEnded();
    expect(kept.texts.join(' ')).toBe(TONE_WORDS.slice(0, 40).join(' '));
    expect(lost.failures).toHaveLength(1);
  });
});

describe('a recogniser process that ends', () => {
  async function blameFor(end: (pid: number) => void): Promise<string | undefined> {
    const pool = await startPool();
    const listener = new RecordingListener();
    openPooled(pool, listener).writeAudio(0, new Uint8Array(3_200));
    end(onlyPid(pool));
    await until(() => listener.failures.length > 0, { what: 'the failure of the stream' });
    return listener.failures[0]?.blame;
  }

  it.each(['SIGKILL', 'SIGHUP'] as const)('is not to blame when somebody sent it %s', async (signal) => {
    expect(await blameFor((pid) => process.kill(pid, signal))).toBe('outside');
  });

  it.each(['SIGSEGV', 'SIGABRT', 'SIGBUS', 'SIGILL', 'SIGFPE'] as const)('by %s is to blame itself', async (signal) => {
    expect(await blameFor((pid) => process.kill(pid, signal))).toBe('process');
  });

  it('is not to blame when it could not load its model', async () => {
    const pool = createPool({ timing: { loadMs: 1 } });
    const listener = new RecordingListener();
    openPooled(pool, listener).writeAudio(0, new Uint8Array(3_200));
    await expect(pool.start()).rejects.toThrow(/did not start/);
    await until(() => listener.failures.length > 0, { what: 'the failure of the stream' });
    expect(listener.failures[0]?.blame).toBe('outside');
  });
});

describe('a recogniser process that is lost before the model is loaded', () => {
  /** Kills each process as soon as it is there, so many of them. */
  async function killFirst(pool: ProcessPool, count: number): Promise<void> {
    const killed = new Set<number>();
    while (killed.size < count) {
      const pid = await until(() => pool.pids.find((one) => !killed.has(one)), { what: 'the next process' });
      process.kill(pid, 'SIGKILL');
      killed.add(pid);
    }
  }

  it('is replaced, and its streams go on: the recogniser starts', async () => {
    const pool = createPool({ processes: 2 });
    const listener = new RecordingListener();
    openPooled(pool, listener);
    const started = pool.start();
    await killFirst(pool, 3);
    await started;
    expect(pool.ready).toBe(true);
    expect(await decisionsOf(pool, chunksOf(['alpha', { silenceMs: 600 }]))).toHaveLength(2);
  });

  it('ends the start when it was so five times in a row', async () => {
    const losses: unknown[] = [];
    const pool = createPool({ logger: { ...silentLogger, error: (details) => losses.push(details) } });
    await Promise.all([expect(pool.start()).rejects.toThrow(/did not start: ended \(SIGKILL\)/), killFirst(pool, 5)]);
    expect(losses).toHaveLength(4);
    expect(pool.pids).toEqual([]);
  });

  it('ends the start at once when it says that the model can’t be loaded', async () => {
    const hideModels = `
      import fs from 'node:fs';
      import { syncBuiltinESMExports } from 'node:module';
      const { existsSync } = fs;
      fs.existsSync = (path) => !String(path).endsWith('.onnx') && existsSync(path);
      syncBuiltinESMExports();`;
    const losses: unknown[] = [];
    vi.stubEnv('NODE_OPTIONS', `--import=data:text/javascript,${encodeURIComponent(hideModels)}`);
    try {
      const pool = createPool({ model: 'tiny', logger: { ...silentLogger, error: (details) => losses.push(details) } });
      await expect(pool.start()).rejects.toThrow(/is missing from its package/);
      expect(losses).toEqual([]);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('is replaced as ever when another one has the model loaded', async () => {
    const pool = createPool({ processes: 2, timing: { firstRestartMs: 1, longestRestartMs: 1 } });
    const started = pool.start();
    const [first, second] = pool.pids;
    if (first === undefined || second === undefined) throw new Error('two processes were to be started');
    process.kill(second, 'SIGSTOP');
    await until(() => pool.ready, { what: 'the first process' });
    process.kill(second, 'SIGKILL');
    for (let killed = 0, last = second; killed < 6; killed++) {
      const pid = await until(() => pool.pids.find((one) => one !== first && one !== last), { what: 'the next one' });
      process.kill(pid, 'SIGKILL');
      last = pid;
    }
    await started;
    expect(pool.pids[0]).toBe(first);
  });
});

describe('a recogniser process that hangs', () => {
  it('is noticed when it no longer answers, and replaced', async () => {
    const pool = await startPool();
    const listener = new RecordingListener();
    openPooled(pool, listener).writeAudio(0, new Uint8Array(3_200));
    const pid = onlyPid(pool);
    process.kill(pid, 'SIGSTOP');
    await until(() => listener.failures.length > 0, { what: 'the failure of the stream' });
    expect(listener.failures[0]).toMatchObject({ message: expect.stringMatching(/hung/), blame: 'process' });
    await until(() => pool.ready, { what: 'the replacement' });
    expect(onlyPid(pool)).not.toBe(pid);
    expect(await decisionsOf(pool, chunksOf(['alpha', { silenceMs: 600 }]))).toHaveLength(2);
  });

  it('is noticed when a decode never comes to an end', async () => {
    const pool = await startPool({ scriptedFaults: true });
    const listener = new RecordingListener();
    writeParts(openPooled(pool, listener), chunksOf(['alpha', 'hang', { silenceMs: 600 }]), 2);
    await until(() => listener.failures.length > 0, { what: 'the failure of the stream' });
    expect(listener.failures[0]).toMatchObject({ message: expect.stringMatching(/hung/), blame: 'process' });
  });
});

describe('a decode that never ends', () => {
  it('is noticed although the process answers, and hears the audio of others', async () => {
    const pool = await startPool({ scriptedFaults: true });
    const [stalled, other] = [new RecordingListener(), new RecordingListener()];
    writeParts(openPooled(pool, stalled), chunksOf(['alpha', 'stall', { silenceMs: 600 }]), 2);
    const otherStream = openPooled(pool, other);
    let frame = 0;
    await until(
      () => {
        otherStream.writeAudio(frame, new Uint8Array(3_200));
        frame += 1_600;
        return stalled.failures.length > 0;
      },
      { what: 'the failure of the stream' },
    );
    expect(stalled.failures[0]).toMatchObject({ message: expect.stringMatching(/did not move/), blame: 'process' });
    expect(other.progress.length).toBeGreaterThan(5);
    await until(() => pool.ready, { what: 'the replacement' });
  });
});

describe('a fault that goes away', () => {
  it.each(['crash', 'hang', 'stall', 'throw', 'exhaust'] as const)(
    'costs no segment, when it was: %s',
    { timeout: 40_000 },
    async (fault) => {
      const chunks = chunksOf(['alpha', 'bravo', { silenceMs: 700 }, 'charlie', fault, { silenceMs: 700 }, 'delta']);
      const expected = await decisionsOf(await startPool(), chunks);
      const folder = await mkdtemp(path.join(tmpdir(), 'verbatim-faults-'));
      try {
        const budgetFile = path.join(folder, 'budget');
        await writeFile(budgetFile, '1');
        const pool = await startPool({ scriptedFaults: { budgetFile } });
        const failed = new RecordingListener();
        writeParts(openPooled(pool, failed), chunks, 2);
        await until(() => failed.failures.length > 0, { what: 'the failure of the stream' });
        expect(failed.failures[0]?.blame).toBe(fault === 'throw' ? 'stream' : 'process');
        expect(failed.texts).toEqual(['alpha bravo']);
        expect(await readFile(budgetFile, 'utf8')).toBe('0');
        const again = new RecordingListener();
        const resume = failed.decisions.at(-1)?.resume ?? null;
        const stream = openPooled(pool, again, { resume });
        writeParts(stream, chunks, 2, resume?.readFromFrame);
        stream.end();
        await again.untilEnded();
        expect([...failed.decisions, ...again.decisions]).toEqual(expected);
      } finally {
        await rm(folder, { recursive: true });
      }
    },
  );
});

describe('the capacity of a recogniser', () => {
  it('is not known until enough audio was heard, and then some number of streams', async () => {
    const pool = await startPool();
    expect(pool.capacity).toBeNull();
    await decisionsOf(pool, chunksOf(['alpha', { silenceMs: 10_000 }]));
    expect(pool.capacity).toBeNull();
    await decisionsOf(pool, chunksOf([...SENTENCES, { silenceMs: 30_000 }]));
    const capacity = await until(() => pool.capacity, { what: 'a measure of the capacity' });
    expect(Number.isInteger(capacity)).toBe(true);
    expect(capacity).toBeGreaterThanOrEqual(1);
  });
});

describe('an engine that fails', () => {
  it('fails the stream whose utterance it could not decode, and no other', async () => {
    const pool = await startPool({ scriptedFaults: true });
    const [failing, other] = [new RecordingListener(), new RecordingListener()];
    const streams = [openPooled(pool, failing), openPooled(pool, other)];
    const [failingStream, otherStream] = streams;
    if (failingStream)
      writeParts(failingStream, chunksOf(['alpha', { silenceMs: 600 }, 'throw', { silenceMs: 600 }]), 2);
    if (otherStream) writeParts(otherStream, chunksOf(['bravo', { silenceMs: 600 }]), 2);
    await until(() => failing.failures.length > 0);
    expect(failing.failures[0]?.blame).toBe('stream');
    otherStream?.end();
    await other.untilEnded();
    expect(failing.texts).toEqual(['alpha']);
    expect(other.texts).toEqual(['bravo']);
  });

  it('that ends its process fails the streams, not the server', async () => {
    const pool = await startPool({ scriptedFaults: true });
    const listener = new RecordingListener();
    writeParts(openPooled(pool, listener), chunksOf(['crash', { silenceMs: 600 }]), 2);
    await until(() => listener.failures.length > 0);
    expect(listener.failures[0]).toMatchObject({ message: expect.stringMatching(/exit code 70/), blame: 'process' });
    await until(() => pool.ready, { what: 'the replacement' });
  });

  it('that ends its process is not blamed on the other streams there', async () => {
    const pool = await startPool({ scriptedFaults: true });
    const [guilty, innocent] = [new RecordingListener(), new RecordingListener()];
    writeParts(openPooled(pool, innocent), chunksOf(['alpha', { silenceMs: 600 }, 'bravo']), 2);
    await until(() => innocent.texts.length > 0);
    writeParts(openPooled(pool, guilty), chunksOf(['crash', { silenceMs: 600 }]), 2);
    await until(() => guilty.failures.length > 0 && innocent.failures.length > 0);
    expect(guilty.failures[0]?.blame).toBe('process');
    expect(innocent.failures[0]?.blame).toBe('outside');
  });
});

describe('the recogniser’s processes', () => {
  it('take streams that are opened before they are ready', async () => {
    const pool = createPool();
    expect(pool.ready).toBe(false);
    const listener = new RecordingListener();
    const stream = openPooled(pool, listener);
    writeParts(stream, chunksOf(['alpha', 'bravo']), 2);
    stream.end();
    await pool.start();
    expect(pool.ready).toBe(true);
    expect((await listener.untilEnded()).texts).toEqual(['alpha bravo']);
  });

  it('do not end with a signal to the whole terminal, but when the server stops them', async () => {
    const pool = await startPool();
    const pid = onlyPid(pool);
    process.kill(pid, 'SIGINT');
    process.kill(pid, 'SIGTERM');
    expect(await decisionsOf(pool, chunksOf(['alpha', { silenceMs: 600 }]))).toHaveLength(2);
    expect(onlyPid(pool)).toBe(pid);
    await pool.stop();
    expect(isAlive(pid)).toBe(false);
    expect(pool.ready).toBe(false);
  });

  it('end when the server is killed', async () => {
    const program = fileURLToPath(new URL('../support/recogniser-parent.ts', import.meta.url));
    const parent = spawn(process.execPath, ['--import', 'tsx', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    parent.stdout.on('data', (text: Buffer) => (output += text.toString()));
    const pid = Number(await until(() => /^(\d+)\n/.exec(output)?.[1], { what: 'the id of the recogniser process' }));
    expect(isAlive(pid)).toBe(true);
    parent.kill('SIGKILL');
    await until(() => !isAlive(pid), { what: 'the end of the recogniser process' });
  });

  it('say why they did not start', async () => {
    const pool = createPool({ timing: { loadMs: 1 } });
    await expect(pool.start()).rejects.toThrow(/took too long to load its model/);
    expect(pool.ready).toBe(false);
  });

  it('are shared fairly: two streams in one process get ahead side by side', async () => {
    const pool = await startPool();
    const order: string[] = [];
    const listeners = ['one', 'two'].map((name) => {
      const listener = new RecordingListener();
      const keep = listener.onDecision.bind(listener);
      listener.onDecision = (decision) => {
        order.push(name);
        keep(decision);
      };
      return listener;
    });
    for (const listener of listeners) {
      const stream = openPooled(pool, listener);
      writeParts(stream, chunksOf(SENTENCES), 2);
      stream.end();
    }
    await Promise.all(listeners.map((listener) => listener.untilEnded()));
    const firstHalf = order.slice(0, order.length / 2);
    const ofOne = firstHalf.filter((name) => name === 'one').length;
    expect(ofOne).toBeGreaterThan(firstHalf.length / 4);
    expect(ofOne).toBeLessThan((firstHalf.length * 3) / 4);
  });
});
