import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { createRecogniser, type RecogniserOptions } from '../../src/recognition/create-recogniser.ts';
import type { ProcessPool } from '../../src/recognition/process-pool.ts';
import type { Decision, ResumePoint } from '../../src/recognition/recogniser.ts';
import { synthesiseToneSpeech, type ToneSpeechPart } from '../../src/recognition/scripted/tone-speech.ts';
import { TONE_WORDS } from '../../src/recognition/scripted/tone-words.ts';
import { bytesOf, RecordingListener, writeParts } from '../support/recognition.ts';
import { until } from '../support/wait.ts';

const FORMAT = { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 1 } as const;
const QUICK = { heartbeatMs: 50, missedHeartbeats: 6, stalledMs: 300, firstRestartMs: 20, longestRestartMs: 100 };
const silentLogger = { info: () => {}, warn: () => {}, error: () => {} };

const pools: ProcessPool[] = [];

async function startPool(options: Partial<RecogniserOptions> = {}): Promise<ProcessPool> {
  const pool = createRecogniser({
    model: 'scripted',
    processes: 1,
    interimIntervalMs: 1_000,
    endSilenceMs: 512,
    logger: silentLogger,
    timing: QUICK,
    ...options,
  });
  pools.push(pool);
  await pool.start();
  return pool;
}

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.stop()));
});

function open(pool: ProcessPool, listener: RecordingListener, resume: ResumePoint | null = null) {
  return pool.openStream({ sessionId: 'session', format: FORMAT, language: 'en', resume }, listener);
}

/** Chunks of 100 ms. */
function chunksOf(script: readonly ToneSpeechPart[]): Uint8Array[] {
  const bytes = bytesOf(synthesiseToneSpeech(script, FORMAT.sampleRate));
  return Array.from({ length: Math.ceil(bytes.length / 3_200) }, (_, i) => bytes.subarray(i * 3_200, (i + 1) * 3_200));
}

const SENTENCES: ToneSpeechPart[] = TONE_WORDS.slice(0, 40).flatMap((word, index): ToneSpeechPart[] =>
  index % 4 === 3 ? [word, { silenceMs: 700 }] : [word],
);

async function undisturbed(pool: ProcessPool, chunks: readonly Uint8Array[]): Promise<Decision[]> {
  const listener = new RecordingListener();
  const stream = open(pool, listener);
  writeParts(stream, chunks, 2);
  stream.end();
  return (await listener.untilEnded()).decisions;
}

function onlyPid(pool: ProcessPool): number {
  const [pid] = pool.pids;
  if (pid === undefined) throw new Error('no recogniser process is there');
  return pid;
}

describe('a recogniser process that is killed', () => {
  it('fails its streams once, is replaced, and the streams go on from their last decision with the same finals', async () => {
    const pool = await startPool();
    const chunks = chunksOf(SENTENCES);
    const expected = await undisturbed(pool, chunks);
    expect(expected.length).toBeGreaterThan(8);

    const first = new RecordingListener();
    const stream = open(pool, first);
    writeParts(stream, chunks.slice(0, chunks.length / 2), 2);
    await until(() => first.decisions.length >= 3);
    const pid = onlyPid(pool);
    process.kill(pid, 'SIGKILL');
    await until(() => first.failures.length > 0, { what: 'the failure of the stream' });
    const kept = first.decisions.slice(0, 3);

    const second = new RecordingListener();
    const resume = kept.at(-1)?.resume ?? null;
    const reopened = open(pool, second, resume);
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
    const streams = [open(pool, one), open(pool, two)];
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
    open(pool, listener).writeAudio(0, new Uint8Array(3_200));
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
    const pool = createRecogniser({
      model: 'scripted',
      processes: 1,
      interimIntervalMs: 0,
      endSilenceMs: 512,
      logger: silentLogger,
      timing: { loadMs: 1 },
    });
    pools.push(pool);
    const listener = new RecordingListener();
    open(pool, listener).writeAudio(0, new Uint8Array(3_200));
    await expect(pool.start()).rejects.toThrow(/did not start/);
    await until(() => listener.failures.length > 0, { what: 'the failure of the stream' });
    expect(listener.failures[0]?.blame).toBe('outside');
  });
});

describe('a recogniser process that hangs', () => {
  it('is noticed when it no longer answers, and replaced', async () => {
    const pool = await startPool();
    const listener = new RecordingListener();
    open(pool, listener).writeAudio(0, new Uint8Array(3_200));
    const pid = onlyPid(pool);
    process.kill(pid, 'SIGSTOP');
    await until(() => listener.failures.length > 0, { what: 'the failure of the stream' });
    expect(listener.failures[0]).toMatchObject({ message: expect.stringMatching(/hung/), blame: 'process' });
    await until(() => pool.ready, { what: 'the replacement' });
    expect(onlyPid(pool)).not.toBe(pid);
    expect(await undisturbed(pool, chunksOf(['alpha', { silenceMs: 600 }]))).toHaveLength(2);
  });

  it('is noticed when a decode never comes to an end', async () => {
    const pool = await startPool({ scriptedFaults: true });
    const listener = new RecordingListener();
    writeParts(open(pool, listener), chunksOf(['alpha', 'hang', { silenceMs: 600 }]), 2);
    await until(() => listener.failures.length > 0, { what: 'the failure of the stream' });
    expect(listener.failures[0]).toMatchObject({ message: expect.stringMatching(/hung/), blame: 'process' });
  });
});

describe('an engine that fails', () => {
  it('fails the stream whose utterance it could not decode, and no other', async () => {
    const pool = await startPool({ scriptedFaults: true });
    const [failing, other] = [new RecordingListener(), new RecordingListener()];
    const streams = [open(pool, failing), open(pool, other)];
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
    writeParts(open(pool, listener), chunksOf(['crash', { silenceMs: 600 }]), 2);
    await until(() => listener.failures.length > 0);
    expect(listener.failures[0]).toMatchObject({ message: expect.stringMatching(/exit code 70/), blame: 'process' });
    await until(() => pool.ready, { what: 'the replacement' });
  });
});

describe('the recogniser’s processes', () => {
  it('take streams that are opened before they are ready', async () => {
    const pool = createRecogniser({
      model: 'scripted',
      processes: 1,
      interimIntervalMs: 0,
      endSilenceMs: 512,
      logger: silentLogger,
    });
    pools.push(pool);
    expect(pool.ready).toBe(false);
    const listener = new RecordingListener();
    const stream = open(pool, listener);
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
    expect(await undisturbed(pool, chunksOf(['alpha', { silenceMs: 600 }]))).toHaveLength(2);
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
    const pool = createRecogniser({
      model: 'scripted',
      processes: 1,
      interimIntervalMs: 0,
      endSilenceMs: 512,
      logger: silentLogger,
      timing: { loadMs: 1 },
    });
    pools.push(pool);
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
      const stream = open(pool, listener);
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

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
