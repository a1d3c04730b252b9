import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJournalEntry } from '../../src/services/journal-entry.ts';
import { applyEntry, emptyJournal } from '../../src/services/journal-state.ts';
import { timelineMs } from '../../src/recognition/recogniser.ts';
import {
  coverageOf,
  decide,
  nothingDecided,
  type CoverageClass,
  type CoverageDecision,
} from '../../src/services/coverage.ts';

const CLASSES = ['transcribed', 'silence', 'gap', 'failed'] as const;

/** What a decision is of, relative to how far its channel is decided. */
const step = fc.record({
  kind: fc.constantFrom(...CLASSES),
  channel: fc.option(fc.nat({ max: 2 })),
  before: fc.nat({ max: 60 }),
  /** It reaches back into what is decided already. */
  back: fc.nat({ max: 90 }),
  length: fc.nat({ max: 200 }),
});

const NAMES = { transcribed: 'transcribedMs', silence: 'silenceMs', gap: 'gapMs', failed: 'failedMs' } as const;

/** The same account, sample by sample and channel by channel. */
class NaiveTimeline {
  readonly #channels: (CoverageClass | undefined)[][];

  constructor(channels: number) {
    this.#channels = Array.from({ length: channels }, () => []);
  }

  decidedSample(channel: number | null): number {
    return channel === null ? Math.min(...this.#lengths) : (this.#lengths[channel] ?? 0);
  }

  get longest(): number {
    return Math.max(...this.#lengths);
  }

  decide({ kind, channel, startSample, endSample }: CoverageDecision): void {
    for (const [index, classes] of this.#channels.entries()) {
      if (channel !== null && channel !== index) continue;
      for (let sample = classes.length; sample < startSample; sample++) classes.push('silence');
      for (let sample = classes.length; sample < endSample; sample++) classes.push(kind);
    }
  }

  coverageOf(samples: number) {
    const sums = { transcribedMs: 0, silenceMs: 0, gapMs: 0, failedMs: 0, pendingMs: 0 };
    for (let sample = 0; sample < samples; sample++) {
      sums[this.#nameOf(sample)] += timelineMs(sample + 1) - timelineMs(sample);
    }
    return { receivedMs: timelineMs(samples), ...sums };
  }

  #nameOf(sample: number) {
    const classes = this.#channels.map((channel) => channel[sample]);
    if (classes.includes('failed')) return 'failedMs';
    if (classes.includes(undefined)) return 'pendingMs';
    const found = CLASSES.find((one) => classes.includes(one));
    return found === undefined ? 'pendingMs' : NAMES[found];
  }

  get #lengths(): number[] {
    return this.#channels.map((classes) => classes.length);
  }
}

function transcribed(channel: number | null, startSample: number, endSample: number): CoverageDecision {
  return { kind: 'transcribed', channel, startSample, endSample };
}

describe('coverage', () => {
  it('puts every sample of every channel into one class, at every moment, as an account of each sample does', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3 }),
        fc.array(step),
        fc.nat({ max: 500 }),
        (channels, steps, undecided) => {
          let decided = nothingDecided(channels);
          const naive = new NaiveTimeline(channels);
          for (const { kind, channel: anyChannel, before, back, length } of steps) {
            const channel = anyChannel === null ? null : anyChannel % channels;
            const startSample = Math.max(0, naive.decidedSample(channel) + before - back);
            const decision = { kind, channel, startSample, endSample: startSample + length };
            decided = decide(decided, decision);
            naive.decide(decision);
            const samples = naive.longest + undecided;
            expect(coverageOf(decided, timelineMs(samples))).toEqual(naive.coverageOf(samples));
          }
        },
      ),
    );
  });

  it('remembers of a channel only what others are still to catch up with', () => {
    let decided = nothingDecided(2);
    for (let second = 0; second < 1_000; second++) {
      for (const channel of [0, 1]) {
        const start = second * 16_000 + channel * 4_000;
        decided = decide(decided, transcribed(channel, start, start + 8_000));
      }
      expect(decided.ahead.flat().length).toBeLessThanOrEqual(2);
    }
    expect(decided.settledSample).toBe(999 * 16_000 + 8_000);
  });

  it('counts what lies between two utterances as silence', () => {
    const first = decide(nothingDecided(1), transcribed(0, 16_000, 32_000));
    const second = decide(first, transcribed(0, 40_000, 48_000));
    expect(coverageOf(second, 4_000)).toEqual({
      receivedMs: 4_000,
      transcribedMs: 1_500,
      silenceMs: 1_500,
      gapMs: 0,
      failedMs: 0,
      pendingMs: 1_000,
    });
  });

  it('keeps the first class of a stretch that is decided twice', () => {
    const once = decide(nothingDecided(1), { kind: 'gap', channel: null, startSample: 0, endSample: 16_000 });
    expect(decide(once, transcribed(0, 0, 16_000))).toEqual(once);
  });

  it('takes an entry without a channel, as earlier versions wrote them, for one of all channels', () => {
    const basis = { decidedSample: 16_000, resume: { readFromFrame: 16_000, state: null } };
    for (const type of ['failed', 'gap']) {
      const entry = parseJournalEntry({ type, startSample: 0, endSample: 16_000, ...basis });
      const { decided } = applyEntry(emptyJournal(2), entry);
      expect(coverageOf(decided, 2_000)).toMatchObject({ [`${type}Ms`]: 1_000, pendingMs: 1_000 });
    }
  });

  it('has pending what one channel lacks, and shows what failed on one at once, whatever the other one says', () => {
    const one = decide(nothingDecided(2), transcribed(0, 0, 32_000));
    expect(coverageOf(one, 3_000)).toMatchObject({ transcribedMs: 0, pendingMs: 3_000 });
    const both = decide(one, { kind: 'silence', channel: 1, startSample: 0, endSample: 16_000 });
    expect(coverageOf(both, 3_000)).toMatchObject({ transcribedMs: 1_000, silenceMs: 0, pendingMs: 2_000 });
    const failed = decide(both, { kind: 'failed', channel: 0, startSample: 32_000, endSample: 40_000 });
    expect(coverageOf(failed, 3_000)).toMatchObject({ transcribedMs: 1_000, failedMs: 500, pendingMs: 1_500 });
    const settled = decide(failed, transcribed(1, 16_000, 48_000));
    expect(coverageOf(settled, 3_000)).toMatchObject({ transcribedMs: 2_000, failedMs: 500, pendingMs: 500 });
  });
});
