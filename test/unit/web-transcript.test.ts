import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findHits, piecesOf, unsureStretches } from '../../web/src/transcript/marks.ts';
import type { ShownSegment } from '../../web/src/transcript/segments.ts';
import { TranscriptStore } from '../../web/src/transcript/transcript-store.ts';
import { until } from '../support/wait.ts';

function segment(change: Partial<ShownSegment>): ShownSegment {
  return {
    id: `segment ${change.sequence ?? 'draft'}`,
    sequence: null,
    revision: 1,
    kind: change.sequence === undefined ? 'INTERIM' : 'FINAL',
    text: 'alpha',
    stableLength: 0,
    startMs: 0,
    endMs: 0,
    channel: 0,
    speaker: null,
    cursor: change.sequence === undefined ? null : `cursor ${change.sequence}`,
    words: [],
    ...change,
  };
}

describe('a search in a transcript', () => {
  it('finds each place in order, whatever its case, its spaces and its signs', () => {
    const finals = ['Green tea. GREEN  TEA?', 'no', 'green tea (hot)'].map((text, index) =>
      segment({ text, sequence: index + 1 }),
    );
    expect(findHits(finals, ' green tea ').map((hit) => [hit.segment, hit.start])).toEqual([
      [0, 0],
      [0, 11],
      [2, 0],
    ]);
    expect(findHits(finals, 'tea (hot)')).toEqual([{ segment: 2, start: 6, end: 15 }]);
    expect(findHits(finals, 'tea.')).toHaveLength(1);
    expect(findHits(finals, ' ')).toEqual([]);
  });

  it('takes every sign for itself', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (wanted) => {
        fc.pre(wanted.trim() !== '');
        expect(findHits([segment({ text: `… ${wanted} …`, sequence: 1 })], wanted).length).toBeGreaterThan(0);
      }),
    );
  });
});

describe('marks in a text', () => {
  it('cut it into pieces that are together the text', () => {
    const stretch = fc.tuple(fc.nat(30), fc.nat(30)).map(([a, b]) => ({ start: Math.min(a, b), end: Math.max(a, b) }));
    const text = 'thirty characters of some text';
    fc.assert(
      fc.property(fc.array(stretch), fc.array(stretch), (hits, unsure) => {
        const pieces = piecesOf(text, { hits, current: hits[0] ?? null, unsure });
        expect(pieces.map((piece) => piece.text).join('')).toBe(text);
        const marked = (stretches: typeof hits) => (position: number) =>
          stretches.some(({ start, end }) => start <= position && position < end);
        let position = 0;
        for (const { text: part, isHit, isUnsure } of pieces) {
          for (let end = position + part.length; position < end; position++) {
            expect([isHit, isUnsure]).toEqual([marked(hits)(position), marked(unsure)(position)]);
          }
        }
      }),
    );
  });

  it('are under the words of low confidence, each where it stands', () => {
    const words = [
      { text: 'red', startMs: null, confidence: 0.9 },
      { text: 'red', startMs: null, confidence: 0.2 },
      { text: 'blue', startMs: null, confidence: null },
    ];
    expect(unsureStretches('red red blue', words)).toEqual([{ start: 4, end: 7 }]);
  });
});

describe('a transcript that comes in', () => {
  it('has each final once and in order, and of a channel the newest interim until its final is there', async () => {
    const store = new TranscriptStore();
    const shown = () => {
      const { finals, interims } = store.get();
      return [...finals.map(({ sequence }) => sequence), ...interims.map(({ text }) => text)];
    };
    const shows = (...wanted: unknown[]) =>
      until(() => JSON.stringify(shown()) === JSON.stringify(wanted), { what: JSON.stringify(wanted) });

    store.receive(segment({ sequence: 1 }));
    store.receive(segment({ id: 'b', text: 'brav' }));
    store.receive(segment({ id: 'other', text: 'echo', channel: 1 }));
    store.receive(segment({ id: 'b', text: 'bravo' }));
    await shows(1, 'echo', 'bravo');
    store.receive(segment({ sequence: 2, id: 'b', text: 'bravo' }));
    store.receive(segment({ sequence: 1 }));
    store.withdraw('other');
    await shows(1, 2);
    expect(store.cursor).toBe('cursor 2');
    store.receive(segment({ id: 'c' }));
    store.receive(segment({ id: 'c', text: '' }));
    store.receive(segment({ sequence: 3 }));
    await shows(1, 2, 3);
  });

  it('shows a final as a person has changed it last, and goes on behind the last one', async () => {
    const store = new TranscriptStore();
    for (const sequence of [1, 2]) store.receive(segment({ sequence }));
    store.receive(segment({ sequence: 1, revision: 3, text: 'corrected twice' }));
    store.receive(segment({ sequence: 1, revision: 2, text: 'corrected once' }));
    await until(() => store.get().finals.length === 2);
    expect(store.get().finals.map(({ text }) => text)).toEqual(['corrected twice', 'alpha']);
    expect(store.cursor).toBe('cursor 2');
  });

  it('shows the names of channels, but where a segment has a name of its own', async () => {
    const store = new TranscriptStore();
    store.receive(segment({ sequence: 1, channel: 1 }));
    store.receive(segment({ sequence: 2, channel: 1, speaker: 'Bob', ownSpeaker: 'Bob' }));
    store.nameChannels([null, 'Ann']);
    await until(() => store.get().finals.length === 2);
    expect(store.get().finals.map(({ speaker }) => speaker)).toEqual(['Ann', 'Bob']);
  });
});
