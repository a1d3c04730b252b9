import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linkTo, momentOf } from '../../web/src/session/player/moment.ts';
import { SpokenIndex, type Spoken } from '../../web/src/session/player/spoken-index.ts';
import { spokenTime } from '../../web/src/session/player/time-words.ts';
import type { ShownSegment } from '../../web/src/transcript/segments.ts';

function segment(change: Partial<ShownSegment>): ShownSegment {
  return {
    id: `${change.channel ?? 0}-${change.startMs ?? 0}`,
    sequence: 1,
    revision: 1,
    kind: 'FINAL',
    text: '',
    stableLength: 0,
    startMs: 0,
    endMs: 0,
    channel: 0,
    speaker: null,
    cursor: null,
    words: [],
    ...change,
  };
}

const word = (startMs: number | null) => ({ text: 'word', startMs, confidence: null });

describe('what is spoken at a moment', () => {
  it('is found among any number of segments as by looking at each of them', () => {
    const lengths = fc.array(fc.tuple(fc.nat(50), fc.integer({ min: 1, max: 200 }), fc.array(fc.nat(200))), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(fc.array(lengths, { maxLength: 3 }), fc.nat(3_000), (channels, ms) => {
        const finals = channels.flatMap((parts, channel) => {
          let at = 0;
          return parts.map(([pause, length, words]) => {
            const startMs = at + pause;
            at = startMs + length;
            const starts = words.map((offset) => Math.min(startMs + offset, at)).toSorted((a, b) => a - b);
            return segment({ channel, startMs, endMs: at, words: starts.map(word) });
          });
        });
        const expected: Spoken[] = finals.flatMap(({ startMs, endMs, words }, index) =>
          startMs <= ms && ms < endMs
            ? [{ segment: index, word: words.findLastIndex((one) => (one.startMs ?? 0) <= ms) }]
            : [],
        );
        const found = new SpokenIndex(finals).at(ms).map((spoken) => ({ ...spoken, word: spoken.word ?? -1 }));
        expect(found).toEqual(expected);
      }),
    );
  });

  it('is a segment as a whole where it is not known when its words were spoken', () => {
    const index = new SpokenIndex([segment({ startMs: 100, endMs: 200, words: [word(null), word(null)] })]);
    expect(index.at(150)).toEqual([{ segment: 0, word: null }]);
    expect(index.at(200)).toEqual([]);
  });

  it('is what comes next when nothing is, and the last thing at the end', () => {
    const index = new SpokenIndex([
      segment({ startMs: 100, endMs: 200 }),
      segment({ startMs: 500, endMs: 600 }),
      segment({ channel: 1, startMs: 300, endMs: 400 }),
    ]);
    expect([0, 150, 250, 350, 450, 900].map((ms) => index.near(ms))).toEqual([0, 0, 2, 2, 1, 1]);
    expect(new SpokenIndex([]).near(0)).toBeNull();
  });
});

describe('a link to a moment', () => {
  it('leads to where it was made', () => {
    expect(linkTo('https://host/sessions/abc?x=1#t=2', 83_412)).toBe('https://host/sessions/abc?x=1#t=83.4');
    expect(momentOf('#t=83.4')).toBe(83_400);
    expect(['', '#t=', '#t=-1', '#t=1e9', '#other', '#t=1,5'].map(momentOf)).toEqual(Array(6).fill(null));
  });
});

describe('a time, as it is said', () => {
  it('has no more units than it needs', () => {
    expect([0, 1_000, 83_000, 3_600_000, 3_661_000].map(spokenTime)).toEqual([
      '0 seconds',
      '1 second',
      '1 minute 23 seconds',
      '1 hour',
      '1 hour 1 minute 1 second',
    ]);
  });
});
