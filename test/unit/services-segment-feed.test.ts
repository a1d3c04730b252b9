import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Segment } from '../../src/database/session-records.ts';
import { SegmentFeed } from '../../src/services/segment-feed.ts';

function segment(fields: Partial<Segment>): Segment {
  return {
    id: 'session.0.0',
    sessionId: 'session',
    sequence: null,
    revision: 1,
    kind: 'INTERIM',
    text: 'words',
    startMs: 0,
    endMs: 100,
    avgConfidence: null,
    words: [],
    speaker: null,
    channel: 0,
    createdAt: new Date(0),
    ...fields,
  };
}

const final = (sequence: number) => segment({ id: `session.0.${sequence}`, sequence, kind: 'FINAL', revision: 99 });
const interim = (utterance: number, revision: number, text = 'words') =>
  segment({ id: `session.0.${utterance}`, revision, text });

/** A feed whose finals can be read back, as database and journal together allow. */
function feedWith(existing: number) {
  const stored = Array.from({ length: existing }, (_, i) => final(i + 1));
  const reads: number[] = [];
  const feed = new SegmentFeed((after, limit) => {
    reads.push(after);
    return Promise.resolve(stored.slice(after, after + limit));
  }, existing);
  const publish = () => {
    const next = final(stored.length + 1);
    stored.push(next);
    feed.publishFinal(next);
  };
  return { feed, publish, reads };
}

async function collect(segments: AsyncIterable<Segment>): Promise<Segment[]> {
  const all: Segment[] = [];
  for await (const item of segments) all.push(item);
  return all;
}

describe('the live segments of a session', () => {
  it('come from now on, in order, and complete after the last final', async () => {
    const { feed, publish } = feedWith(3);
    const received = collect(feed.subscribe());
    publish();
    publish();
    feed.end();
    expect((await received).map(({ sequence }) => sequence)).toEqual([4, 5]);
  });

  it('reach every subscriber exactly once, from any cursor, however history, live finals, slow reading and lost connections interleave', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: 130 }),
        fc.nat({ max: 130 }),
        fc.array(fc.constantFrom('publish', 'draft', 'read', 'cut'), { maxLength: 150 }),
        async (existing, cursor, steps) => {
          const after = Math.min(cursor, existing);
          const { feed, publish } = feedWith(existing);
          const finals: (number | null)[] = [];
          const drafts: Segment[] = [];
          const take = (item: Segment) => (item.kind === 'FINAL' ? finals.push(item.sequence) : drafts.push(item));
          const subscribe = () => feed.subscribe(after + finals.length);
          let subscription = subscribe();
          let revision = 0;
          for (const step of steps) {
            if (step === 'publish') publish();
            else if (step === 'draft') feed.publishInterim(interim(feed.lastSequence + 1, ++revision));
            else if (step === 'cut') {
              await subscription.return?.();
              subscription = subscribe();
            } else if (after + finals.length < feed.lastSequence) {
              const { value } = await subscription.next();
              if (value !== undefined) take(value);
            }
          }
          feed.end();
          for await (const item of subscription) take(item);
          expect(finals).toEqual(Array.from({ length: feed.lastSequence - after }, (_, i) => after + i + 1));
          expect(drafts.map((draft) => draft.revision)).toEqual(
            drafts.map((draft) => draft.revision).toSorted((a, b) => a - b),
          );
        },
      ),
      { numRuns: 100 },
    );
  });

  it('spare a slow reader outdated revisions of an interim', async () => {
    const { feed } = feedWith(0);
    const subscription = feed.subscribe();
    for (let revision = 1; revision <= 10; revision++) feed.publishInterim(interim(1, revision));
    feed.end();
    expect((await collect(subscription)).map(({ revision }) => revision)).toEqual([10]);
  });

  it('never show an interim after its final', async () => {
    const { feed, publish } = feedWith(0);
    const subscription = feed.subscribe();
    feed.publishInterim(interim(1, 5));
    publish();
    feed.end();
    expect((await collect(subscription)).map(({ kind }) => kind)).toEqual(['FINAL']);
    expect(feed.interims).toEqual([]);
  });

  it('withdraw an interim from those who saw it, and spare those who did not', async () => {
    const { feed } = feedWith(0);
    const [saw, late] = [feed.subscribe(), feed.subscribe()];
    feed.publishInterim(interim(1, 5));
    expect((await saw.next()).value).toMatchObject({ revision: 5, text: 'words' });
    feed.publishInterim(interim(1, 9, ''));
    feed.publishInterim(interim(2, 1));
    feed.end();
    expect((await collect(saw)).map(({ id, text }) => [id, text])).toEqual([
      ['session.0.1', ''],
      ['session.0.2', 'words'],
    ]);
    expect((await collect(late)).map(({ id }) => id)).toEqual(['session.0.2']);
  });

  it('begin with the open utterance for who comes in its middle', async () => {
    const { feed } = feedWith(2);
    feed.publishInterim(interim(7, 3));
    const subscription = feed.subscribe(1);
    expect((await subscription.next()).value).toMatchObject({ sequence: 2 });
    expect((await subscription.next()).value).toMatchObject({ kind: 'INTERIM', revision: 3 });
  });

  it('let a waiting subscriber go at once', async () => {
    const { feed } = feedWith(0);
    const subscription = feed.subscribe();
    const waiting = subscription.next();
    await subscription.return?.();
    expect(await waiting).toEqual({ done: true, value: undefined });
  });

  it('are read from storage only by who is far behind', async () => {
    const { feed, publish, reads } = feedWith(0);
    const subscription = feed.subscribe();
    for (let i = 0; i < 60; i++) publish();
    feed.end();
    expect(await collect(subscription)).toHaveLength(60);
    expect(reads).toEqual([]);
  });

  it('refuse a final that does not follow the last one', () => {
    const { feed } = feedWith(4);
    expect(() => feed.publishFinal(final(6))).toThrow(/does not follow 4/u);
  });

  describe('that a person changes', () => {
    const edited = (sequence: number, revision = 100) => ({ ...final(sequence), revision, text: `edit ${revision}` });
    const shape = (segments: readonly Segment[]) => segments.map(({ sequence, revision }) => [sequence, revision]);

    it('come once more to those who were given them, and to others as they are now', async () => {
      const { feed, publish } = feedWith(0);
      const early = feed.subscribe(0);
      publish();
      await early.next();
      publish();
      feed.publishEdited(edited(1));
      feed.publishEdited(edited(2, 101));
      feed.end();
      expect(shape(await collect(early))).toEqual([
        [1, 100],
        [2, 101],
      ]);
      expect(shape(await collect(feed.subscribe(0)))).toEqual([
        [1, 100],
        [2, 101],
      ]);
    });

    it('come to a slow subscriber in their newest version only', async () => {
      const { feed } = feedWith(3);
      const slow = feed.subscribe();
      for (const revision of [100, 102, 101]) feed.publishEdited(edited(2, revision));
      feed.end();
      expect(shape(await collect(slow))).toEqual([[2, 102]]);
    });

    it('come once in each version, never an older one behind a newer, whoever says so last', async () => {
      const { feed, publish } = feedWith(0);
      const subscription = feed.subscribe();
      publish();
      await subscription.next();
      feed.publishEdited(edited(1, 101));
      expect(shape([(await subscription.next()).value])).toEqual([[1, 101]]);
      feed.publishEdited(edited(1, 101));
      publish();
      expect(shape([(await subscription.next()).value])).toEqual([[2, 99]]);
      feed.publishEdited(edited(1, 100));
      publish();
      feed.end();
      expect(shape(await collect(subscription))).toEqual([[3, 99]]);
    });

    it('are not given again to one who had read them before the others were told', async () => {
      const known: [string, number][] = [[final(1).id, 100]];
      const stored = [edited(1, 101), edited(2, 100), final(3)];
      const feed = new SegmentFeed((after) => Promise.resolve(stored.slice(after)), 3, { edited: known });
      const history = feed.subscribe(0);
      const resumed = feed.subscribe(3, (after) => Promise.resolve(stored.slice(after, 2)));
      for (const subscription of [history, resumed]) {
        expect(shape([(await subscription.next()).value])).toEqual([[1, 101]]);
        expect(shape([(await subscription.next()).value])).toEqual([[2, 100]]);
      }
      feed.publishEdited(edited(1, 101));
      feed.publishEdited(edited(2, 100));
      feed.publishEdited(edited(2, 101));
      feed.end();
      expect(shape(await collect(history))).toEqual([
        [2, 101],
        [3, 99],
      ]);
      expect(shape(await collect(resumed))).toEqual([[2, 101]]);
    });

    it('are given as they are now, also when they were read before the change', async () => {
      const latest = new Map<string, Segment>();
      let answer = (_finals: Segment[]): void => undefined;
      const reading = new Promise<Segment[]>((resolve) => (answer = resolve));
      const feed = new SegmentFeed(() => reading, 2, { refresh: (read) => latest.get(read.id) ?? read });
      const received = collect(feed.subscribe(0));
      latest.set(final(2).id, edited(2));
      feed.publishEdited(edited(2));
      answer([final(1), final(2)]);
      feed.end();
      expect(shape(await received)).toEqual([
        [1, 99],
        [2, 100],
      ]);
    });

    it('come to one who was away before all that he has missed, however many they are', async () => {
      const { feed, publish } = feedWith(200);
      const changed = Array.from({ length: 120 }, (_, index) => edited(index + 1));
      const readEdited = (after: number, limit: number) => Promise.resolve(changed.slice(after, after + limit));
      const resumed = feed.subscribe(200, readEdited);
      publish();
      feed.publishEdited(edited(120, 101));
      feed.end();
      const received = await collect(resumed);
      expect(received).toHaveLength(121);
      expect(received.filter(({ sequence }) => sequence === 120)).toEqual([edited(120, 101)]);
      expect(received.some(({ sequence }) => sequence === 201)).toBe(true);
    });
  });
});
