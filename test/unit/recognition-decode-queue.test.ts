import { describe, expect, it } from 'vitest';
import { DecodeQueue, type DecodeLine, type DecodeUrgency } from '../../src/recognition/decode-queue.ts';
import type { DecodeOptions, Hypothesis } from '../../src/recognition/engine.ts';
import { until } from '../support/wait.ts';

const NOTHING: Hypothesis = { text: '', words: [], confidence: null };

/** Takes so long for one step of a decode, ms. */
const STEP_MS = 10;

/**
 * An engine whose decodes take steps that are made when told to; the audio's first sample names the request, the second is its
 * number of steps (1 when absent).
 */
class SteppedEngine {
  /** Requests in the order in which they began, and the one of each step. */
  readonly decoded: number[] = [];
  readonly steps: number[] = [];
  readonly purposes: DecodeOptions['purpose'][] = [];
  nowMs = 0;
  #release: (() => void) | null = null;

  async decode(audio: Float32Array, options: DecodeOptions): Promise<Hypothesis> {
    const [name = -1, steps = 1] = audio;
    this.decoded.push(name);
    this.purposes.push(options.purpose);
    for (let step = 0; step < steps; step++) {
      await options.betweenSteps?.();
      if (this.#release) throw new Error('two decodes at once');
      await new Promise<void>((resolve) => {
        this.#release = resolve;
      });
      this.#release = null;
      this.steps.push(name);
    }
    if (name === FAILING) throw new Error('out of memory');
    return NOTHING;
  }

  get isStepping(): boolean {
    return this.#release !== null;
  }

  /** Lets the running decode make one step and waits for the next one to begin, if one does. */
  async step(): Promise<void> {
    await until(() => this.#release, { what: 'a running decode' });
    this.nowMs += STEP_MS;
    this.#release?.();
    await new Promise((resolve) => setImmediate(() => setImmediate(() => setImmediate(resolve))));
  }

  async makeSteps(count: number): Promise<void> {
    for (let i = 0; i < count; i++) await this.step();
  }
}

const FAILING = 99;

function setUp() {
  const engine = new SteppedEngine();
  const queue = new DecodeQueue(engine, () => engine.nowMs);
  const done: number[] = [];
  const failures: string[] = [];
  /** Streams whose decode is under way, as they are told. */
  const underWay: (string | null)[] = [];
  const stream = (name: string, isBehind: () => boolean = () => false) =>
    queue.line({ isBehind, began: () => underWay.push(name), ended: () => underWay.push(null) });
  const add = (line: DecodeLine, name: number, urgency: DecodeUrgency, steps = 1) =>
    line.add({
      urgency,
      language: 'en',
      audio: () => Float32Array.of(name, steps),
      decoded: () => done.push(name),
      failed: (error) => failures.push(error.message),
    });
  return { engine, queue, stream, add, done, failures, underWay };
}

describe('the queue of decodes', () => {
  it('takes finals before speculation before interims, each in order of arrival, one at a time', async () => {
    const { engine, stream, add, done, queue } = setUp();
    const line = stream('live');
    add(line, 1, 'interim');
    add(line, 2, 'interim');
    add(line, 3, 'speculative');
    add(line, 4, 'final');
    add(line, 5, 'final');
    await engine.makeSteps(5);
    expect(done).toEqual([4, 5, 3, 1, 2]);
    expect(engine.purposes).toEqual(['final', 'final', 'final', 'interim', 'interim']);
    expect(queue.isBusy).toBe(false);
  });

  it('takes a speculation that became certain for a final', async () => {
    const { engine, stream, add, done } = setUp();
    const line = stream('live');
    add(line, 1, 'final');
    const speculation = add(line, 2, 'speculative');
    add(line, 3, 'speculative');
    speculation.promote();
    add(line, 4, 'final');
    await engine.makeSteps(4);
    expect(done).toEqual([1, 2, 4, 3]);
  });

  it('forgets what was cancelled, and breaks off what was being decoded', async () => {
    const { engine, stream, add, done } = setUp();
    const line = stream('live');
    const running = add(line, 1, 'final', 3);
    const waiting = add(line, 2, 'interim');
    add(line, 3, 'interim');
    await until(() => engine.decoded.length === 1);
    expect([running.isWaiting, waiting.isWaiting]).toEqual([false, true]);
    running.cancel();
    waiting.cancel();
    await engine.makeSteps(2);
    expect(engine.steps).toEqual([1, 3]);
    expect(done).toEqual([3]);
  });

  it('reports a decode that failed, and goes on', async () => {
    const { engine, stream, add, done, failures } = setUp();
    const line = stream('live');
    add(line, FAILING, 'final');
    add(line, 2, 'final');
    await engine.makeSteps(2);
    expect(failures).toEqual(['out of memory']);
    expect(done).toEqual([2]);
  });
});

describe('a decode that is under way', () => {
  it('gives way to what is more urgent at its next step, and goes on where it was', async () => {
    const { engine, stream, add, done, underWay } = setUp();
    const [talker, other] = [stream('talker'), stream('other')];
    add(talker, 1, 'interim', 3);
    await engine.step();
    add(other, 2, 'speculative', 2);
    await engine.step();
    add(talker, 3, 'final', 1);
    await engine.makeSteps(4);
    expect(engine.steps).toEqual([1, 1, 2, 3, 2, 1]);
    expect(done).toEqual([3, 2, 1]);
    expect(underWay.filter((name) => name !== null)).toEqual(['talker', 'other', 'talker', 'other', 'talker']);
    expect(underWay.at(-1)).toBeNull();
  });

  it('does not give way to its like', async () => {
    const { engine, stream, add } = setUp();
    add(stream('one'), 1, 'final', 2);
    await engine.step();
    add(stream('two'), 2, 'final', 1);
    await engine.makeSteps(2);
    expect(engine.steps).toEqual([1, 1, 2]);
  });

  it('gives way no more once its speculation became certain', async () => {
    const { engine, stream, add, done } = setUp();
    const speculation = add(stream('one'), 1, 'speculative', 3);
    await engine.step();
    speculation.promote();
    add(stream('two'), 2, 'final', 1);
    await engine.makeSteps(3);
    expect(done).toEqual([1, 2]);
  });

  it('goes on as a draft when its speculation came to nothing, behind all that is more urgent', async () => {
    const { engine, stream, add, done } = setUp();
    const speculation = add(stream('one'), 1, 'speculative', 3);
    const neverBegun = add(stream('two'), 2, 'speculative', 1);
    await engine.step();
    speculation.demote();
    neverBegun.demote();
    add(stream('three'), 3, 'speculative', 1);
    await engine.makeSteps(3);
    expect(engine.steps).toEqual([1, 1, 3, 1]);
    expect(done).toEqual([3, 1]);
  });
});

describe('streams that share the engine', () => {
  it('get equal time for their interims, however long one of them talks', async () => {
    const { engine, stream, add } = setUp();
    const [talker, quiet] = [stream('talker'), stream('quiet')];
    // The talker's drafts take four steps each, the other's one; each asks for the next when it has one.
    for (let i = 0; i < 8; i++) add(talker, 1, 'interim', 4);
    for (let i = 0; i < 8; i++) add(quiet, 2, 'interim', 1);
    await engine.makeSteps(16);
    const steps = engine.steps.filter((name) => name === 2).length;
    expect(steps).toBeGreaterThanOrEqual(7);
    expect(engine.steps.filter((name) => name === 1).length).toBeGreaterThanOrEqual(7);
  });

  it('have no claims to time that they did not ask for', async () => {
    const { engine, stream, add } = setUp();
    const [early, late] = [stream('early'), stream('late')];
    for (let i = 0; i < 10; i++) add(early, 1, 'interim', 1);
    await engine.makeSteps(6);
    for (let i = 0; i < 10; i++) add(late, 2, 'interim', 1);
    await engine.makeSteps(8);
    expect(engine.steps.slice(-8).filter((name) => name === 1).length).toBeGreaterThanOrEqual(3);
  });

  it('let a file at full speed wait for live finals and speculation, and share the rest with it', async () => {
    const { engine, stream, add, done } = setUp();
    const file = stream('file', () => true);
    const live = stream('live');
    for (let name = 10; name < 14; name++) add(file, name, 'final', 2);
    add(file, 20, 'interim', 1);
    await engine.step();
    add(live, 1, 'final', 1);
    add(live, 2, 'speculative', 1);
    add(live, 3, 'interim', 2);
    add(live, 4, 'interim', 2);
    await engine.makeSteps(14);
    expect(engine.steps.slice(0, 4)).toEqual([10, 10, 1, 2]);
    // Neither waits for all of the other's.
    expect(done.indexOf(3)).toBeLessThan(done.indexOf(12));
    expect(done.indexOf(11)).toBeLessThan(done.indexOf(4));
    expect(done.at(-1)).toBe(20);
  });

  it('lets live audio be heard before each step, but not for good', async () => {
    const engine = new SteppedEngine();
    let unheard = 0;
    const asked: number[] = [];
    const isHearing = () => {
      asked.push(engine.steps.length);
      return unheard-- > 0;
    };
    const queue = new DecodeQueue(engine, () => engine.nowMs, isHearing);
    const request = { language: 'en', failed: () => undefined, decoded: () => undefined };
    const line = queue.line({ isBehind: () => false });
    unheard = 5;
    line.add({ ...request, urgency: 'interim', audio: () => Float32Array.of(1, 3) });
    await until(() => unheard < 0 && asked.length > 5, { what: 'all to be heard' });
    expect(engine.steps).toEqual([]);
    expect(asked.every((steps) => steps === 0)).toBe(true);
    // While what was heard made something more urgent, that goes first.
    unheard = 2;
    line.add({ ...request, urgency: 'final', audio: () => Float32Array.of(2, 1) });
    unheard = Infinity;
    for (let step = 0; step < 4; step++) {
      await engine.step();
      await until(() => !queue.isBusy || engine.isStepping, { what: 'the next step' });
    }
    expect(engine.steps).toEqual([1, 2, 1, 1]);
  });

  it('are live again when they have caught up', async () => {
    const { engine, stream, add, done } = setUp();
    let isBehind = true;
    const recovering = stream('recovering', () => isBehind);
    add(stream('live'), 1, 'speculative', 1);
    add(recovering, 2, 'final', 1);
    await engine.makeSteps(2);
    isBehind = false;
    add(stream('live'), 3, 'speculative', 1);
    add(recovering, 4, 'final', 1);
    await engine.makeSteps(2);
    expect(done).toEqual([1, 2, 4, 3]);
  });
});
