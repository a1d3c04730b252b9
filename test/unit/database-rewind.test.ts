import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import type { Segment } from '../../src/database/session-records.ts';
import type { SegmentBatch } from '../../src/database/session-store.ts';
import { DatabaseRefusedError } from '../../src/database/store-errors.ts';
import {
  batch,
  finalSegment,
  interimSegment,
  newSession,
  progress,
  useTemporaryDatabase,
} from './database-fixtures.ts';

const POSITIONS_PER_FINAL = 100;

/** The finals of a session whose every third has no confidence. */
function finalsOf(sessionId: string, count: number): Segment[] {
  return Array.from({ length: count }, (_, index) =>
    finalSegment(sessionId, index + 1, { avgConfidence: index % 3 === 2 ? null : (index % 10) / 10 }),
  );
}

/** The batch that brings the database from the first `from` of the finals to the first `to`. */
function batchOf(finals: readonly Segment[], from: number, to: number, isLast = false): SegmentBatch {
  const known = finals.slice(0, to);
  const confidences = known.flatMap(({ avgConfidence }) => (avgConfidence === null ? [] : [avgConfidence]));
  const sum = confidences.reduce((total, confidence) => total + confidence, 0);
  return batch(known[0]?.sessionId ?? '', from * POSITIONS_PER_FINAL, to * POSITIONS_PER_FINAL + (isLast ? 1 : 0), {
    finals: finals.slice(from, to),
    session: progress({
      status: isLast ? 'COMPLETED' : 'ACTIVE',
      nextSequence: to,
      statistics: {
        totalSegments: to,
        averageConfidence: confidences.length === 0 ? null : sum / confidences.length,
        wordCount: 2 * to,
        speakingDuration: 0.9 * to,
      },
      coverage: { receivedMs: 1000 * to },
    }),
  });
}

describe('a session whose checkpoint was put back', () => {
  const database = useTemporaryDatabase();

  /** A session's row and its segments, without the name of the session. */
  function contentsOf(id: string): unknown {
    const { other } = database();
    const session = other.prepare<[string], object>('SELECT * FROM sessions WHERE id = ?').get(id);
    const segments = other
      .prepare(
        `SELECT replace(id, session_id, '') AS id, sequence, revision, kind, text, start_ms, end_ms, avg_confidence, words,
           channel, created_at FROM segments WHERE session_id = ? ORDER BY sequence`,
      )
      .all(id);
    return { session: { ...session, id: '' }, segments };
  }

  async function undisturbed(id: string, count: number): Promise<unknown> {
    const { store } = database();
    await store.createSession(newSession(id));
    const finals = finalsOf(id, count);
    for (let from = 0; from < count; from += 5) {
      const to = Math.min(from + 5, count);
      await store.commitBatch(batchOf(finals, from, to, to === count));
    }
    return contentsOf(id);
  }

  it('ends as if nothing had been, wherever it was put back to and however its finals come in batches again', async () => {
    const { store } = database();
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 24 }),
        fc.array(fc.record({ reach: fc.nat(24), size: fc.integer({ min: 1, max: 7 }), back: fc.nat(24) }), {
          maxLength: 3,
        }),
        async (count, disturbances) => {
          run += 1;
          const id = `disturbed ${run}`;
          await store.createSession(newSession(id));
          const finals = finalsOf(id, count);
          let position = 0;
          const reach = async (target: number, size: number, isEnd: boolean) => {
            while (position < target) {
              const to = Math.min(position + size, target);
              expect(await store.commitBatch(batchOf(finals, position, to, isEnd && to === count))).toBe('applied');
              position = to;
            }
          };
          for (const { reach: target, size, back } of disturbances) {
            await reach(Math.min(target, count), size, false);
            await store.rewindCheckpoint(id, back * POSITIONS_PER_FINAL);
            position = Math.min(position, back);
          }
          if (position === count) {
            await store.rewindCheckpoint(id, 0);
            position = 0;
          }
          await reach(count, 5, true);
          expect(contentsOf(id)).toEqual(await undisturbed(`undisturbed ${run}`, count));
        },
      ),
      { numRuns: 40 },
    );
  });

  it('keeps its rows until they are written again, and its checkpoint when that is not beyond', async () => {
    const { store } = database();
    await store.createSession(newSession('a'));
    const finals = finalsOf('a', 12);
    await store.commitBatch(batchOf(finals, 0, 12));
    const sequences = () =>
      database().other.prepare("SELECT sequence FROM segments WHERE session_id = 'a' ORDER BY sequence").pluck().all();

    await store.rewindCheckpoint('a', 2000);
    expect(await store.findSession('a')).toMatchObject({ journalPosition: 1200 });
    await store.rewindCheckpoint('a', 500);
    expect(await store.findSession('a')).toMatchObject({ journalPosition: 500, statistics: { totalSegments: 12 } });
    expect(sequences()).toHaveLength(12);

    await store.commitBatch(batchOf(finals, 5, 7));
    expect(sequences()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });

  it('has each final once, though another recogniser cut the audio into others this time', async () => {
    const { store, other } = database();
    await store.createSession(newSession('a'));
    await store.createSession(newSession('b'));
    await store.commitBatch(batchOf(finalsOf('a', 12), 0, 12));
    await store.commitBatch(batchOf(finalsOf('b', 12), 0, 12));
    await store.rewindCheckpoint('a', 300);

    // Now there are 9 of them, and from the fourth on they begin where others did.
    const again = finalsOf('a', 9).map((final, index) =>
      index < 3 ? final : { ...final, id: `a:0:${index + 2}`, text: 'again' },
    );
    await store.commitBatch(batchOf(again, 3, 6));
    await store.commitBatch(batchOf(again, 6, 9, true));

    const stored = other.prepare('SELECT id, text FROM segments WHERE session_id = ? ORDER BY sequence');
    expect(stored.all('a')).toEqual(again.map(({ id, text }) => ({ id, text })));
    expect(stored.all('b')).toHaveLength(12);
    expect(other.prepare("SELECT confidence_count FROM sessions WHERE id = 'a'").pluck().get()).toBe(
      again.filter(({ avgConfidence }) => avgConfidence !== null).length,
    );
  });

  it('takes batches while the draft of an utterance is shown again whose final it still has', async () => {
    const { store } = database();
    await store.createSession(newSession('a'));
    const finals = finalsOf('a', 4);
    await store.commitBatch(batchOf(finals, 0, 4));
    await store.rewindCheckpoint('a', 200);
    const draft = interimSegment('a', finals[3]?.id ?? '');
    expect(await store.commitBatch({ ...batchOf(finals, 2, 3), interims: [draft] })).toBe('applied');
    expect(await store.findSegment(draft.id)).toEqual(finals[3]);

    await store.commitBatch(batchOf(finals, 3, 4));
    const everything = { sessionId: 'a', afterSequence: 0, beforeSequence: Infinity, limit: 9, fromEnd: false };
    expect(await store.finalsBySequence([everything])).toEqual([finals]);
    const next = interimSegment('a', 'a:0:9000');
    await store.commitBatch({ ...batchOf(finals, 4, 4), interims: [next] });
    expect(await store.interimsOf('a')).toEqual([next]);
  });

  it('is not a way to take the segments of another session', async () => {
    const { store } = database();
    await store.createSession(newSession('a'));
    await store.createSession(newSession('b'));
    await store.commitBatch(batchOf(finalsOf('a', 2), 0, 2));
    await store.commitBatch(batchOf(finalsOf('b', 2), 0, 2));
    await store.rewindCheckpoint('a', 0);
    const stolen = finalsOf('a', 2).map((final) => ({ ...final, id: final.id.replace('a', 'b') }));
    await expect(store.commitBatch(batchOf(stolen, 0, 2))).rejects.toThrow(DatabaseRefusedError);
    expect(await store.findSegment('b:0:1')).toMatchObject({ sessionId: 'b' });
    expect(await store.findSession('a')).toMatchObject({ journalPosition: 0 });
  });

  it('does not lose a final that was written again to another one of the same id', async () => {
    const { store } = database();
    await store.createSession(newSession('a'));
    const finals = finalsOf('a', 4);
    await store.commitBatch(batchOf(finals, 0, 4));
    await store.rewindCheckpoint('a', 0);
    await store.commitBatch(batchOf(finals, 0, 2));
    const repeated = batch('a', 200, 300, {
      finals: [finalSegment('a', 3, { id: 'a:0:1' })],
      session: progress({ statistics: { totalSegments: 3 } }),
    });
    await expect(store.commitBatch(repeated)).rejects.toThrow(DatabaseRefusedError);
    expect(await store.findSegment('a:0:1')).toEqual(finals[0]);
  });
});

describe('a session that failed', () => {
  const nothing = { nextSequence: 0, receivedMs: 0 };
  const database = useTemporaryDatabase();

  it('is over, with its finals and without its interims', async () => {
    const { store } = database();
    await store.createSession(newSession('a'));
    const interims = [interimSegment('a', 'a:0:9000')];
    await store.commitBatch({ ...batchOf(finalsOf('a', 2), 0, 2), interims });
    const at = new Date('2026-03-14T11:00:00.250Z');
    await store.markFailed('a', at, { nextSequence: 5, receivedMs: 5000 });
    expect(await store.findSession('a')).toMatchObject({
      status: 'FAILED',
      endReason: 'FAILURE',
      endedAt: at,
      nextSequence: 5,
      coverage: { receivedMs: 5000 },
      statistics: { totalSegments: 2 },
    });
    expect(await store.interimsOf('a')).toEqual([]);
    expect(await store.findSegment('a:0:2')).not.toBeNull();
    expect(await store.findOpenSessions()).toEqual([]);
  });

  it('keeps the time of its end when it had ended before', async () => {
    const { store } = database();
    await store.createSession(newSession('a'));
    const endedAt = new Date('2026-03-14T10:00:00Z');
    await store.commitBatch(
      batch('a', 0, 1, { session: progress({ status: 'FINALIZING', endReason: 'CLIENT', endedAt }) }),
    );
    await store.markFailed('a', new Date('2026-03-14T11:00:00Z'), nothing);
    expect(await store.findSession('a')).toMatchObject({ status: 'FAILED', endReason: 'FAILURE', endedAt });
  });

  it('must be there', async () => {
    await expect(database().store.markFailed('nobody', new Date(), nothing)).rejects.toThrow(DatabaseRefusedError);
  });
});

describe('recordings to remove', () => {
  const database = useTemporaryDatabase();
  const day = (number: number) => new Date(Date.UTC(2026, 2, number));

  it('are those of completed sessions, longest ago first, until they are removed', async () => {
    const { store } = database();
    const statuses = ['COMPLETED', 'FAILED', 'FINALIZING', 'COMPLETED', 'ACTIVE', 'COMPLETED', 'COMPLETED'] as const;
    for (const [index, status] of statuses.entries()) {
      const id = `ended on ${7 - index}`;
      await store.createSession(newSession(id));
      const endedAt = status === 'ACTIVE' ? null : day(7 - index);
      await store.commitBatch(batch(id, 0, 1, { session: progress({ status, endedAt }) }));
    }
    expect(await store.findExpiredRecordings(day(7), 10)).toEqual(['ended on 1', 'ended on 2', 'ended on 4']);
    expect(await store.findExpiredRecordings(day(7), 2)).toEqual(['ended on 1', 'ended on 2']);

    await store.markRecordingRemoved('ended on 1', day(9));
    expect(await store.findExpiredRecordings(day(7), 2)).toEqual(['ended on 2', 'ended on 4']);
    expect(await store.findSession('ended on 1')).toMatchObject({ recordingRemovedAt: day(9), status: 'COMPLETED' });
    expect(await store.findSession('ended on 2')).toMatchObject({ recordingRemovedAt: null });
  });

  it('are found through an index, however many sessions there are', async () => {
    const { store, other } = database();
    const [query] = await queriesOf(() => store.findExpiredRecordings(day(7), 10));
    const plan = other.prepare(`EXPLAIN QUERY PLAN ${query?.replaceAll('?', '1')}`).all();
    expect(JSON.stringify(plan)).toMatch(/recording_removed_at_ended_at_id_idx/);
    expect(JSON.stringify(plan)).not.toMatch(/TEMP B-TREE/);
  });
});

const querySent = z.object({ call: z.object({ type: z.literal('query'), query: z.object({ sql: z.string() }) }) });

/** The queries that go to the database's thread while `work` is done. */
async function queriesOf(work: () => Promise<unknown>): Promise<string[]> {
  const send = vi.spyOn(Worker.prototype, 'postMessage');
  try {
    await work();
    return send.mock.calls.flatMap(([message]) => querySent.safeParse(message).data?.call.query.sql ?? []);
  } finally {
    send.mockRestore();
  }
}
