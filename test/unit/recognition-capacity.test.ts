import { describe, expect, it } from 'vitest';
import { CapacityEstimate, remember, streamsFollowed } from '../../src/recognition/capacity-estimate.ts';
import { FRAME_SAMPLES, type Engine, type Hypothesis } from '../../src/recognition/engine.ts';
import { createScriptedEngine } from '../../src/recognition/scripted/scripted-engine.ts';
import { WorkMeter } from '../../src/recognition/work-meter.ts';

const MINUTE_MS = 60_000;

describe('the number of live streams that processes can follow', () => {
  it('is what they do at most, less a fifth, rounded down', () => {
    expect(streamsFollowed(1, { heardMs: 60_000, busyMs: 6_000 })).toBe(8);
    expect(streamsFollowed(4, { heardMs: 60_000, busyMs: 6_000 })).toBe(32);
    expect(streamsFollowed(3, { heardMs: 10_000, busyMs: 7_000 })).toBe(3);
  });

  it('is one at least, however slow they are', () => {
    expect(streamsFollowed(1, { heardMs: 10_000, busyMs: 40_000 })).toBe(1);
  });

  it('is not known when nothing was done', () => {
    expect(streamsFollowed(2, { heardMs: 0, busyMs: 0 })).toBeNull();
    expect(streamsFollowed(2, { heardMs: 60_000, busyMs: 0 })).toBeNull();
  });

  it('is not known before half a minute was heard, by all processes together', () => {
    const estimate = new CapacityEstimate();
    expect(estimate.streams(2)).toBeNull();
    for (let second = 0; second < 29; second++) estimate.add({ heardMs: 1_000, busyMs: 90 });
    expect(estimate.streams(2)).toBeNull();
    estimate.add({ heardMs: 1_000, busyMs: 90 });
    expect(estimate.streams(2)).toBe(17);
  });

  it('follows a change: after ten minutes of audio two thirds, after an hour all of it', () => {
    const estimate = new CapacityEstimate();
    const hear = (minutes: number, busyShare: number) => {
      for (let second = 0; second < minutes * 60; second++) {
        estimate.add({ heardMs: 1_000, busyMs: 1_000 * busyShare });
      }
    };
    hear(600, 0.11);
    expect(estimate.streams(10)).toBe(72);
    hear(10, 0.3);
    // The busy share is now 0.11 / e + 0.3 (1 - 1 / e) = 0.230.
    expect(estimate.streams(10)).toBe(34);
    hear(60, 0.3);
    expect(estimate.streams(10)).toBe(26);
  });

  it('is not moved by time in which nothing is heard', () => {
    const recent = { heardMs: 5 * MINUTE_MS, busyMs: MINUTE_MS };
    expect(remember(recent, { heardMs: 0, busyMs: 0 })).toEqual(recent);
  });
});

describe('the measure of work', () => {
  const NOTHING: Hypothesis = { text: '', words: [], confidence: null };
  const FRAME = new Float32Array(FRAME_SAMPLES);

  /** An engine whose work ends when told to, on a clock that is set by hand. */
  function setUp() {
    const clock = { ms: 1_000 };
    const ends: (() => void)[] = [];
    const wait = () => new Promise<void>((resolve) => ends.push(resolve));
    const engine: Engine = {
      ...createScriptedEngine({ faults: false }),
      openDetector: () => ({ probability: () => wait().then(() => 0), save: () => null }),
      decode: () => wait().then(() => NOTHING),
    };
    const meter = new WorkMeter(() => clock.ms);
    const measured = meter.measure(engine);
    const detector = measured.openDetector(null);
    /** Begins some work; what is returned lets it take so long and ends it. */
    const begin = (work: 'detection' | 'final' | 'interim') => {
      const done =
        work === 'detection' ? detector.probability(FRAME) : measured.decode(FRAME, { language: 'en', purpose: work });
      const end = ends.pop();
      return async (ms: number) => {
        clock.ms += ms;
        end?.();
        await done;
      };
    };
    return { meter, clock, begin };
  }

  it('counts detection and finals', async () => {
    const { meter, begin, clock } = setUp();
    await begin('detection')(2);
    clock.ms += 500;
    await begin('final')(100);
    expect(meter.busyMs).toBe(102);
  });

  it('leaves out interims, and what waits for them', async () => {
    const { meter, begin } = setUp();
    const endInterim = begin('interim');
    const endDetection = begin('detection');
    await endInterim(300);
    await endDetection(2);
    expect(meter.busyMs).toBe(2);
  });

  it('counts time once in which several streams take turns', async () => {
    const { meter, begin } = setUp();
    const ends = [begin('final'), begin('detection'), begin('detection')];
    for (const end of ends) await end(10);
    expect(meter.busyMs).toBe(30);
  });

  it('does not take a night in which its container was suspended for work', async () => {
    const { meter, begin } = setUp();
    await begin('final')(100);
    await begin('final')(8 * 60 * MINUTE_MS);
    expect(meter.busyMs).toBeLessThanOrEqual(MINUTE_MS);
  });

  it('counts work that fails', async () => {
    const clock = { ms: 0 };
    const engine: Engine = {
      ...createScriptedEngine({ faults: false }),
      decode: async () => {
        clock.ms += 50;
        throw new Error('out of memory');
      },
    };
    const meter = new WorkMeter(() => clock.ms);
    const decode = meter.measure(engine).decode(FRAME, { language: 'en', purpose: 'final' });
    await expect(decode).rejects.toThrow('out of memory');
    expect(meter.busyMs).toBe(50);
  });
});
