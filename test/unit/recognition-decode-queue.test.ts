import { describe, expect, it } from 'vitest';
import { DecodeQueue, type DecodeUrgency } from '../../src/recognition/decode-queue.ts';
import type { DecodeOptions, Hypothesis } from '../../src/recognition/engine.ts';
import { until } from '../support/wait.ts';

const NOTHING: Hypothesis = { text: '', words: [], confidence: null };

/** An engine whose decodes end when told to; the audio's first sample names the request. */
class HeldEngine {
  readonly decoded: number[] = [];
  readonly purposes: DecodeOptions['purpose'][] = [];
  #release: (() => void) | null = null;

  async decode(audio: Float32Array, options: DecodeOptions): Promise<Hypothesis> {
    if (this.#release) throw new Error('two decodes at once');
    this.decoded.push(audio[0] ?? -1);
    this.purposes.push(options.purpose);
    await new Promise<void>((resolve) => {
      this.#release = resolve;
    });
    this.#release = null;
    if (audio[0] === FAILING) throw new Error('out of memory');
    return NOTHING;
  }

  /** Ends the running decode and waits for the next one to begin, if one does. */
  async release(): Promise<void> {
    await until(() => this.#release, { what: 'a running decode' });
    this.#release?.();
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  }
}

const FAILING = 99;

function setUp() {
  const engine = new HeldEngine();
  const queue = new DecodeQueue(engine);
  const done: number[] = [];
  const failures: string[] = [];
  const add = (name: number, urgency: DecodeUrgency) =>
    queue.add({
      urgency,
      language: 'en',
      audio: () => Float32Array.of(name),
      decoded: () => done.push(name),
      failed: (error) => failures.push(error.message),
    });
  return { engine, queue, add, done, failures };
}

describe('the queue of decodes', () => {
  it('takes finals before speculation before interims, each in order of arrival, one at a time', async () => {
    const { engine, add, done, queue } = setUp();
    add(1, 'interim');
    add(2, 'interim');
    add(3, 'speculative');
    add(4, 'final');
    add(5, 'final');
    for (let i = 0; i < 5; i++) await engine.release();
    expect(done).toEqual([4, 5, 3, 1, 2]);
    expect(engine.purposes).toEqual(['final', 'final', 'final', 'interim', 'interim']);
    expect(queue.isBusy).toBe(false);
  });

  it('takes a speculation that became certain for a final', async () => {
    const { engine, add, done } = setUp();
    add(1, 'final');
    const speculation = add(2, 'speculative');
    add(3, 'speculative');
    speculation.promote();
    add(4, 'final');
    for (let i = 0; i < 4; i++) await engine.release();
    expect(done).toEqual([1, 2, 4, 3]);
  });

  it('forgets what was cancelled, and throws away what was being decoded', async () => {
    const { engine, add, done } = setUp();
    const running = add(1, 'final');
    const waiting = add(2, 'interim');
    add(3, 'interim');
    await until(() => engine.decoded.length === 1);
    expect([running.isWaiting, waiting.isWaiting]).toEqual([false, true]);
    running.cancel();
    waiting.cancel();
    await engine.release();
    await engine.release();
    expect(engine.decoded).toEqual([1, 3]);
    expect(done).toEqual([3]);
  });

  it('reports a decode that failed, and goes on', async () => {
    const { engine, add, done, failures } = setUp();
    add(FAILING, 'final');
    add(2, 'final');
    await engine.release();
    await engine.release();
    expect(failures).toEqual(['out of memory']);
    expect(done).toEqual([2]);
  });
});
