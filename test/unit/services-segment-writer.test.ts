import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SessionStore } from '../../src/database/session-store.ts';
import { DatabaseUnavailableError } from '../../src/database/store-errors.ts';
import type { OpenSession } from '../../src/services/open-session.ts';
import { SegmentWriter } from '../../src/services/segment-writer.ts';
import { newSession, useTemporaryDatabase } from './database-fixtures.ts';
import { finalEntry, openSession, recordingLogger, SECOND, storeWith } from './segment-writer-fixtures.ts';
import { until } from '../support/wait.ts';

const A_MINUTE = 60_000;
describe('the segment writer', () => {
  const database = useTemporaryDatabase();
  let session: OpenSession;
  let writer: SegmentWriter;
  let log: ReturnType<typeof recordingLogger>;

  const open = () => openSession(database().store, path.dirname(database().file), 's');

  const startWriter = async (
    settings = { batchSize: 5, batchIntervalMs: A_MINUTE },
    store: SessionStore = database().store,
  ) => {
    log = recordingLogger();
    writer = new SegmentWriter(store, settings, log.logger);
    await writer.follow(session);
  };

  /** The store, whose commits go wrong as `misbehave` says. */
  const faulty = (misbehave: Parameters<typeof storeWith>[1]) => storeWith(database().store, misbehave);

  const journal = async (from: number, to: number) => {
    for (let sequence = from; sequence <= to; sequence++) {
      await session.append(finalEntry(sequence));
      writer.noteFinal(session);
    }
  };

  const storedSequences = () =>
    database().other.prepare("SELECT sequence FROM segments WHERE kind = 'final' ORDER BY sequence").pluck().all();

  beforeEach(async () => {
    await database().store.createSession(newSession('s'));
    session = await open();
  });

  afterEach(async () => {
    await writer.stop();
    await session.close();
  });

  it('commits every 5 finals, and not before', async () => {
    await startWriter();
    await journal(1, 4);
    expect(storedSequences()).toEqual([]);
    await journal(5, 7);
    await until(() => log.named('batch saved').length > 0);
    expect(storedSequences()).toEqual([1, 2, 3, 4, 5]);
    expect(log.named('batch saved')).toMatchObject([{ sessionId: 's', segments: 5, reason: 'size' }]);
  });

  it('commits fewer when the oldest has waited for the batch interval', async () => {
    await startWriter({ batchSize: 5, batchIntervalMs: 50 });
    await journal(1, 2);
    await until(() => storedSequences().length === 2);
    await until(() => log.named('batch saved').length > 0);
    expect(log.named('batch saved')[0]).toMatchObject({ reason: 'age' });
  });

  it('commits at once when the session ends, with its statistics and coverage in the same transaction', async () => {
    await startWriter();
    await journal(1, 2);
    await session.append({
      type: 'ended',
      reason: 'CLIENT',
      at: new Date(5_000).toISOString(),
      decidedSample: 2 * SECOND + SECOND / 2,
      resume: { readFromFrame: 0, state: null },
    });
    await writer.flush(session);
    expect(storedSequences()).toEqual([1, 2]);
    expect(await database().store.findSession('s')).toMatchObject({
      status: 'COMPLETED',
      endReason: 'CLIENT',
      endedAt: new Date(5_000),
      statistics: { totalSegments: 2, averageConfidence: 0.5, totalDuration: 1.5, wordCount: 4, speakingDuration: 1 },
      coverage: { transcribedMs: 1_000, silenceMs: 1_500 },
    });
    expect(log.named('batch saved')).toMatchObject([{ segments: 2, reason: 'end' }]);
  });

  it('keeps a failed batch and tries again with growing pauses until the database takes it', async () => {
    let failures = 3;
    await startWriter(
      undefined,
      faulty((batch, commit) =>
        failures-- > 0 ? Promise.reject(new DatabaseUnavailableError('out of reach')) : commit(batch),
      ),
    );
    await journal(1, 5);
    await until(() => storedSequences().length === 5);
    const retries = log.named('commit retried');
    expect(retries).toMatchObject([{ attempt: 1 }, { attempt: 2 }, { attempt: 3 }]);
    expect(retries.map((event) => event['retryInMs'])).toEqual([100, 200, 400]);
  });

  it('stores each final once when a commit went through but its answer was lost', async () => {
    let lost = false;
    await startWriter(
      { batchSize: 5, batchIntervalMs: 20 },
      faulty(async (batch, commit) => {
        const outcome = await commit(batch);
        if (lost) return outcome;
        lost = true;
        // What comes meanwhile makes the next attempt's batch larger than the one whose answer was lost.
        await journal(3, 7);
        throw new DatabaseUnavailableError('the connection broke');
      }),
    );
    await journal(1, 2);
    const savedSegments = () => log.named('batch saved').reduce((sum, event) => sum + Number(event['segments']), 0);
    await until(() => savedSegments() === 5);
    expect(storedSequences()).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(log.named('commit retried')).toHaveLength(1);
  });

  it('works off what an outage left, whatever it grew to', async () => {
    let down = true;
    const sizes: number[] = [];
    await startWriter(
      { batchSize: 5, batchIntervalMs: 20 },
      faulty((batch, commit) => {
        if (down) return Promise.reject(new DatabaseUnavailableError('down'));
        sizes.push(batch.finals.length);
        return commit(batch);
      }),
    );
    await journal(1, 600);
    expect(writer.lagMs).toBeGreaterThan(0);
    down = false;
    await until(() => storedSequences().length === 600);
    await until(() => writer.lagMs === 0);
    expect(sizes.length).toBeLessThan(10);
  });

  it('goes on from the checkpoint after a restart, without a final twice or left out', async () => {
    await startWriter();
    await journal(1, 8);
    await until(() => storedSequences().length === 5);
    await writer.stop();
    await session.close();

    session = await open();
    await startWriter();
    await journal(9, 10);
    await until(() => storedSequences().length === 10);
    expect(storedSequences()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it('stores the open utterance beside a batch, and only until its final', async () => {
    const kinds = () =>
      database().other.prepare('SELECT kind, COUNT(*) AS rows FROM segments GROUP BY kind ORDER BY kind').all();
    await startWriter();
    const { text, words, confidence, ...place } = finalEntry(6);
    session.showInterim({ ...place, text, words, confidence, revision: 3 }, new Date(0));
    await journal(1, 5);
    await until(() => storedSequences().length === 5);
    expect(kinds()).toEqual([
      { kind: 'final', rows: 5 },
      { kind: 'interim', rows: 1 },
    ]);
    await journal(6, 10);
    await until(() => storedSequences().length === 10);
    expect(kinds()).toEqual([{ kind: 'final', rows: 10 }]);
  });
});
