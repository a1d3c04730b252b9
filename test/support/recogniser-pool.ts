import { afterEach } from 'vitest';
import { createRecogniser, type RecogniserOptions } from '../../src/recognition/create-recogniser.ts';
import type { ProcessPool } from '../../src/recognition/process-pool.ts';
import type { Decision, RecognitionStream, StreamOptions } from '../../src/recognition/recogniser.ts';
import { synthesiseToneSpeech, type ToneSpeechPart } from '../../src/recognition/scripted/tone-speech.ts';
import { COMPILED_RECOGNISER } from './compiled-program.ts';
import { bytesOf, RecordingListener, writeParts } from './recognition.ts';

export const FORMAT = { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 1 } as const;
export const QUICK_TIMING = {
  heartbeatMs: 50,
  missedHeartbeats: 6,
  stalledMs: 300,
  firstRestartMs: 20,
  longestRestartMs: 100,
};
export const silentLogger = { info: () => {}, warn: () => {}, error: () => {} };

/** Makes pools of real recogniser processes, stopped after each test. */
export function usePools() {
  const pools: ProcessPool[] = [];
  afterEach(async () => {
    await Promise.all(pools.splice(0).map((pool) => pool.stop()));
  });
  /** Not started yet. */
  const createPool = (options: Partial<RecogniserOptions> = {}): ProcessPool => {
    const pool = createRecogniser({
      model: 'scripted',
      processes: 1,
      interimIntervalMs: 1_000,
      endSilenceMs: 512,
      logger: silentLogger,
      program: COMPILED_RECOGNISER,
      ...options,
      timing: { ...QUICK_TIMING, ...options.timing },
    });
    pools.push(pool);
    return pool;
  };
  const startPool = async (options: Partial<RecogniserOptions> = {}): Promise<ProcessPool> => {
    const pool = createPool(options);
    await pool.start();
    return pool;
  };
  return { createPool, startPool };
}

export function openPooled(
  pool: ProcessPool,
  listener: RecordingListener,
  options: Partial<StreamOptions> = {},
): RecognitionStream {
  return pool.openStream({ sessionId: 'session', format: FORMAT, language: 'en', resume: null, ...options }, listener);
}

/** Chunks of 100 ms (1,600 frames of 16-bit mono at 16 kHz). */
export function chunksOf(script: readonly ToneSpeechPart[]): Uint8Array[] {
  const bytes = bytesOf(synthesiseToneSpeech(script, FORMAT.sampleRate));
  return Array.from({ length: Math.ceil(bytes.length / 3_200) }, (_, i) => bytes.subarray(i * 3_200, (i + 1) * 3_200));
}

/** Writes all of it and ends the stream. */
export function speakWhole(stream: RecognitionStream, script: readonly ToneSpeechPart[]): void {
  writeParts(stream, chunksOf(script), 2);
  stream.end();
}

export async function decisionsOf(pool: ProcessPool, chunks: readonly Uint8Array[]): Promise<Decision[]> {
  const listener = new RecordingListener();
  const stream = openPooled(pool, listener);
  writeParts(stream, chunks, 2);
  stream.end();
  return (await listener.untilEnded()).decisions;
}

export function onlyPid(pool: ProcessPool): number {
  const [pid] = pool.pids;
  if (pid === undefined) throw new Error('no recogniser process is there');
  return pid;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
