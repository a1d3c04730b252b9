import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Backoff } from '../../src/client/backoff.ts';
import { toBase64 } from '../../src/client/base64.ts';
import { Chunker } from '../../src/client/chunker.ts';
import { SegmentOrder } from '../../src/client/segment-order.ts';
import type { Segment } from '../../src/client/segments.ts';

describe('chunks', () => {
  it('are what was written, in pieces of whole frames and of one size but for the last', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 40 }),
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 8 }),
        (pieces, frameBytes, framesPerChunk) => {
          const chunker = new Chunker(frameBytes, framesPerChunk);
          const full = pieces.flatMap((piece) => chunker.write(piece));
          const rest = chunker.flush();
          const written = Buffer.concat(pieces);
          const whole = written.subarray(0, written.length - (written.length % frameBytes));
          expect(Buffer.concat(rest === null ? full : [...full, rest])).toEqual(whole);
          for (const chunk of full) expect(chunk.length).toBe(frameBytes * framesPerChunk);
        },
      ),
    );
  });

  it('do not change when the caller uses its buffer again', () => {
    const chunker = new Chunker(2, 2);
    const buffer = Uint8Array.of(1, 2, 3, 4);
    const [chunk] = chunker.write(buffer);
    buffer.fill(9);
    expect(chunk).toEqual(Uint8Array.of(1, 2, 3, 4));
  });

  it('keep the half of a frame until its other half comes, also over a flush', () => {
    const chunker = new Chunker(2, 2);
    expect(chunker.write(Uint8Array.of(1, 2, 3))).toEqual([]);
    expect(chunker.flush()).toEqual(Uint8Array.of(1, 2));
    expect(chunker.flush()).toBeNull();
    expect(chunker.write(Uint8Array.of(4, 5, 6))).toEqual([Uint8Array.of(3, 4, 5, 6)]);
  });
});

describe('base64', () => {
  it('is what Node makes of it, at every length', () => {
    const bytes = Buffer.from(Array.from({ length: 60_000 }, (_, index) => (index * 7) % 256));
    for (const length of [0, 1, 2, 3, 24_575, 24_576, 24_577, 60_000]) {
      expect(toBase64(bytes.subarray(0, length))).toBe(bytes.subarray(0, length).toString('base64'));
    }
  });
});

describe('pauses between attempts', () => {
  it('grow to the longest, anywhere below it, and begin again after a success', () => {
    const longest = new Backoff({ firstRetryMs: 250, longestRetryMs: 1_500 }, () => 1);
    expect([1, 2, 3, 4, 5].map(() => longest.next())).toEqual([250, 500, 1_000, 1_500, 1_500]);
    longest.reset();
    expect(longest.next()).toBe(250);
    expect(new Backoff({ firstRetryMs: 250, longestRetryMs: 1_500 }, () => 0).next()).toBe(0);
  });

  it('are never shorter than the server asked for', () => {
    const backoff = new Backoff({ firstRetryMs: 250, longestRetryMs: 1_500 }, () => 0.5);
    expect(backoff.next(10_000)).toBe(10_125);
  });
});

describe('the order of segments', () => {
  const base = { stableLength: 0, avgConfidence: null, speaker: null, channel: 0, createdAt: '', words: [] };
  const interim = (id: string, text: string, startMs = 0): Segment => {
    const settled = { sequence: null, cursor: null } as const;
    return { ...base, ...settled, kind: 'INTERIM', revision: 1, id, text, startMs, endMs: startMs + 100 };
  };
  const final = (sequence: number, id = `s${sequence}`): Segment => {
    const [startMs, cursor] = [sequence * 1_000, `cursor-${sequence}`];
    return { ...base, kind: 'FINAL', revision: 2, id, text: id, startMs, endMs: startMs + 900, sequence, cursor };
  };

  function watched() {
    const told: string[] = [];
    const order = new SegmentOrder(
      {
        onInterim: ({ id }) => told.push(`interim ${id}`),
        onFinal: ({ id }) => told.push(`final ${id}`),
        onEdited: ({ id }) => told.push(`edited ${id}`),
        onWithdrawn: ({ id }) => told.push(`withdrawn ${id}`),
      },
      null,
    );
    return { told, order };
  }

  it('asks for what comes after the last final', () => {
    const { order } = watched();
    expect(order.position).toEqual({ after: null, fromStart: true });
    order.receive(final(1));
    order.receive(interim('s2', 'draft', 2_000));
    expect(order.position).toEqual({ after: 'cursor-1', fromStart: false });
  });

  it('settles each interim: by its final, a newer one, a withdrawal, a new connection, or the end', () => {
    const { told, order } = watched();
    order.receive(interim('s1', 'one', 1_000));
    order.receive(final(1));
    order.receive(interim('s2', 'two', 2_000));
    order.receive(interim('s2', '', 2_000));
    order.receive(interim('s3', 'three', 3_000));
    order.keepOnly(['s3']);
    order.receive(interim('s4', 'four', 4_000));
    order.keepOnly([]);
    order.receive(interim('s5', 'five', 5_000));
    order.receive(final(6));
    order.receive(interim('s7', 'seven', 7_000));
    order.end();
    expect(told.join(', ')).toBe(
      'interim s1, final s1, interim s2, withdrawn s2, interim s3, withdrawn s3, interim s4, ' +
        'withdrawn s4, interim s5, withdrawn s5, final s6, interim s7, withdrawn s7',
    );
  });

  it('gives each channel’s finals once after the server has forgotten some of them', () => {
    const { told, order } = watched();
    const long = { ...final(1, 'long'), channel: 1, endMs: 9_000, sequence: 4, cursor: 'cursor-long' };
    for (const sequence of [2, 3]) order.receive(final(sequence));
    order.forgetPosition();
    for (const sequence of [2, 3]) order.receive(final(sequence));
    order.receive(long);
    order.forgetPosition();
    for (const again of [final(2), final(3), long, final(5)]) order.receive(again);
    expect(told).toEqual(['final s2', 'final s3', 'final long', 'final s5']);
  });

  it('tells of a final that a person changed as of that, and goes on behind the last one all the same', () => {
    const { told, order } = watched();
    for (const sequence of [1, 2]) order.receive(final(sequence));
    order.receive({ ...final(1), revision: 3, text: 'corrected' });
    expect(order.position).toEqual({ after: 'cursor-2', fromStart: false });
    order.receive(final(3));
    order.receive({ ...final(3), revision: 3, text: 'corrected' });
    expect(told).toEqual(['final s1', 'final s2', 'edited s1', 'final s3', 'edited s3']);
  });

  it('does so, too, when it goes on from what an earlier page was given', () => {
    const told: string[] = [];
    const note = (event: string) => (segment: Segment) => void told.push(`${event} ${segment.id}`);
    const order = new SegmentOrder(
      { onInterim: note('interim'), onFinal: note('final'), onEdited: note('edited'), onWithdrawn: note('withdrawn') },
      { cursor: 'cursor-2', endsMs: [2_900] },
    );
    for (const sequence of [1, 2, 3]) order.receive(final(sequence));
    expect(told).toEqual(['edited s1', 'edited s2', 'final s3']);
    expect(order.position).toEqual({ after: 'cursor-3', fromStart: false });
  });

  it('gives no final twice after the server has forgotten some of them', () => {
    const { told, order } = watched();
    for (const sequence of [1, 2, 3]) order.receive(final(sequence));
    order.forgetPosition();
    expect(order.position).toEqual({ after: null, fromStart: true });
    for (const sequence of [1, 2, 3, 4]) order.receive(final(sequence));
    expect(told).toEqual(['final s1', 'final s2', 'final s3', 'final s4']);
  });
});
