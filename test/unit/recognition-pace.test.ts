import { describe, expect, it } from 'vitest';
import { Pace } from '../../src/recognition/pace.ts';

const RATE = 16_000;

/** Audio comes in chunks of a second, and is worked through by a recogniser that takes so long for each. */
function setUp() {
  let nowMs = 0;
  let written = 0;
  let done = 0;
  const pace = new Pace(RATE, 0, () => nowMs);
  /** @param speed at which it comes, times real time; what it takes to work it through is counted in the same way. */
  const hear = (seconds: number, { speed, speedOfWork }: { speed: number; speedOfWork: number }) => {
    for (let second = 0; second < seconds; second++) {
      nowMs += 1_000 / speed;
      written += 1;
      pace.written(written * RATE);
      done = Math.min(written, done + speedOfWork / speed);
      pace.done(done * RATE);
    }
  };
  return { pace, hear };
}

describe('a stream', () => {
  it('is live while it is worked through as it comes', () => {
    const { pace, hear } = setUp();
    hear(60, { speed: 1, speedOfWork: 3 });
    expect(pace.isBehind).toBe(false);
  });

  it('lets live ones go first when it is a file that is sent as fast as it goes, until it has been worked through', () => {
    const { pace, hear } = setUp();
    hear(60, { speed: 100, speedOfWork: 3 });
    expect(pace.isBehind).toBe(true);
    pace.done(54 * RATE);
    expect(pace.isBehind).toBe(true);
    pace.done(56 * RATE);
    expect(pace.isBehind).toBe(false);
  });

  it('goes on doing so when the recogniser is slower than real time', () => {
    const { pace, hear } = setUp();
    hear(10, { speed: 100, speedOfWork: 0.5 });
    hear(120, { speed: 0.5, speedOfWork: 0.5 });
    expect(pace.isBehind).toBe(true);
  });

  it('does not lose its place when the recogniser is too slow for it: then it must not wait even longer', () => {
    const { pace, hear } = setUp();
    hear(120, { speed: 1, speedOfWork: 0.8 });
    expect(pace.isBehind).toBe(false);
  });

  it('is live again once it has caught up after an outage', () => {
    const { pace, hear } = setUp();
    hear(30, { speed: 50, speedOfWork: 3 });
    expect(pace.isBehind).toBe(true);
    hear(60, { speed: 1, speedOfWork: 3 });
    expect(pace.isBehind).toBe(false);
    hear(120, { speed: 1, speedOfWork: 0.8 });
    expect(pace.isBehind).toBe(false);
  });
});
