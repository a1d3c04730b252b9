import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { SessionStatus } from '../../src/database/session-records.ts';
import { DatabaseUnavailableError } from '../../src/database/store-errors.ts';
import { Retention, type RetentionParts } from '../../src/services/retention.ts';
import { SessionLogDirectory } from '../../src/services/session-logs.ts';
import { until } from '../support/wait.ts';
import { batch, finalSegment, newSession, progress, useTemporaryDatabase } from './database-fixtures.ts';
import { recordingLogger } from './segment-writer-fixtures.ts';

const DAY_MS = 86_400_000;
const today = new Date('2026-06-30T12:00:00.000Z');
const daysAgo = (days: number) => new Date(today.getTime() - days * DAY_MS);

describe('retention', () => {
  const database = useTemporaryDatabase();
  afterEach(() => void vi.useRealTimers());
  const data = () => path.dirname(database().file);
  const folder = (id: string) => path.join(data(), 'sessions', id);

  async function session(id: string, status: SessionStatus, endedAt: Date | null): Promise<void> {
    const { store } = database();
    await store.createSession(newSession(id));
    const statistics = { totalSegments: 1, averageConfidence: 0.9 };
    const ended = progress({ status, endReason: endedAt === null ? null : 'CLIENT', endedAt, statistics });
    await store.commitBatch(batch(id, 0, 100, { finals: [finalSegment(id, 1)], session: ended }));
    await mkdir(folder(id), { recursive: true });
    await writeFile(path.join(folder(id), 'audio.log'), 'audio');
    await writeFile(path.join(folder(id), 'journal.log'), 'journal');
  }

  function retention(changes: Partial<RetentionParts> = {}) {
    const log = recordingLogger();
    const parts: RetentionParts = {
      store: database().store,
      logs: new SessionLogDirectory(data(), log.logger),
      isOpen: () => false,
      logger: log.logger,
      now: () => today,
      settings: { retentionDays: 30 },
      ...changes,
    };
    return { retention: new Retention(parts), log };
  }

  it('removes the recordings of sessions that ended longer ago, and nothing else', async () => {
    await session('old', 'COMPLETED', daysAgo(30.01));
    await session('failed', 'FAILED', daysAgo(31));
    await session('recent', 'COMPLETED', daysAgo(29.99));
    await session('open', 'ACTIVE', null);
    await session('finalising', 'FINALIZING', daysAgo(40));
    const before = database().other.prepare('SELECT * FROM segments ORDER BY id').all();

    await retention().retention.run();
    expect(['old', 'failed', 'recent', 'open', 'finalising'].map((id) => existsSync(folder(id)))).toEqual([
      false,
      // The only copy of what the database did not take.
      true,
      true,
      true,
      true,
    ]);
    const { store } = database();
    expect(await store.findSession('old')).toMatchObject({
      recordingRemovedAt: today,
      status: 'COMPLETED',
      statistics: { totalSegments: 1, averageConfidence: 0.9 },
    });
    for (const id of ['failed', 'recent', 'open', 'finalising']) {
      expect(await store.findSession(id)).toMatchObject({ recordingRemovedAt: null });
    }
    expect(database().other.prepare('SELECT * FROM segments ORDER BY id').all()).toEqual(before);
  });

  it('puts right what a crash between the folder and its row left', async () => {
    await session('old', 'COMPLETED', daysAgo(31));
    const { store } = database();
    const crashing = retention({
      store: {
        findExpiredRecordings: (...question) => store.findExpiredRecordings(...question),
        markRecordingRemoved: () => Promise.reject(new DatabaseUnavailableError('away')),
      },
    });
    await crashing.retention.run();
    expect(existsSync(folder('old'))).toBe(false);
    expect(await store.findSession('old')).toMatchObject({ recordingRemovedAt: null });
    expect(crashing.log.named('recording not removed')).toMatchObject([{ sessionId: 'old' }]);

    await retention().retention.run();
    expect(await store.findSession('old')).toMatchObject({ recordingRemovedAt: today });
  });

  it('gets through any number of sessions, though some can’t be removed', async () => {
    const ids = Array.from({ length: 45 }, (_, index) => `session ${index}`);
    for (const id of ids) await session(id, 'COMPLETED', daysAgo(40));
    const logs = new SessionLogDirectory(data(), recordingLogger().logger);
    const stuck = new Set(ids.slice(0, 25));
    await retention({
      logs: {
        remove: (id) => (stuck.has(id) ? Promise.reject(new Error('EBUSY: the folder is in use')) : logs.remove(id)),
      },
    }).retention.run();
    expect(ids.filter((id) => existsSync(folder(id)))).toEqual([...stuck]);

    await retention().retention.run();
    expect(ids.filter((id) => existsSync(folder(id)))).toEqual([]);
    expect(await database().store.findExpiredRecordings(today, 100)).toEqual([]);
  });

  it('leaves a session alone that is being opened again, and says which one must not be opened now', async () => {
    await session('opened', 'COMPLETED', daysAgo(32));
    await session('old', 'COMPLETED', daysAgo(31));
    const logs = new SessionLogDirectory(data(), recordingLogger().logger);
    const removing: [string, boolean, boolean][] = [];
    const { retention: running } = retention({
      isOpen: (id) => id === 'opened',
      logs: {
        remove: (id) => {
          removing.push([id, running.isRemoving(id), running.isRemoving('opened')]);
          return logs.remove(id);
        },
      },
    });
    await running.run();
    expect(removing).toEqual([['old', true, false]]);
    expect(running.isRemoving('old')).toBe(false);
    expect([existsSync(folder('opened')), existsSync(folder('old'))]).toEqual([true, false]);
  });

  it('works when the server starts and every hour, until it stops', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    await session('first', 'COMPLETED', daysAgo(31));
    const { retention: started } = retention();
    started.start();
    await until(() => !existsSync(folder('first')));
    await started.run();

    await session('second', 'COMPLETED', daysAgo(31));
    vi.advanceTimersByTime(3_600_000);
    await until(() => !existsSync(folder('second')));
    await started.stop();

    await session('third', 'COMPLETED', daysAgo(31));
    vi.advanceTimersByTime(36_000_000);
    expect(vi.getTimerCount()).toBe(0);
    expect(existsSync(folder('third'))).toBe(true);
    expect(await database().store.findSession('second')).toMatchObject({ recordingRemovedAt: today });
  });

  it('removes nothing but the folder of a session', async () => {
    await session('kept', 'COMPLETED', daysAgo(31));
    const logs = new SessionLogDirectory(data(), recordingLogger().logger);
    for (const id of ['', '.', '..', '../sessions', 'kept/..'])
      await expect(logs.remove(id)).rejects.toThrow(RangeError);
    await logs.remove('absent');
    expect(existsSync(folder('kept'))).toBe(true);
  });

  it('keeps everything unless it is told how long to', async () => {
    await session('old', 'COMPLETED', daysAgo(10_000));
    const { retention: idle } = retention({ settings: { retentionDays: null } });
    idle.start();
    await idle.run();
    await idle.stop();
    expect(existsSync(folder('old'))).toBe(true);
  });
});
