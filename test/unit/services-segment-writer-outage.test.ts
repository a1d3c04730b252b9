import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it } from 'vitest';
import type { SessionStore } from '../../src/database/session-store.ts';
import { DatabaseRefusedError, DatabaseUnavailableError } from '../../src/database/store-errors.ts';
import type { FinalEntry } from '../../src/services/journal-entry.ts';
import type { OpenSession } from '../../src/services/open-session.ts';
import { SegmentsRefusedError, SegmentWriter } from '../../src/services/segment-writer.ts';
import { until } from '../support/wait.ts';
import { newSession, useTemporaryDatabase } from './database-fixtures.ts';
import { finalEntry, openSession, recordingLogger, storeWith } from './segment-writer-fixtures.ts';

const A_MINUTE = 60_000;
const SETTINGS = { batchSize: 5, batchIntervalMs: A_MINUTE, retryPauses: { firstMs: 1, longestMs: 4 } };

setFlagsFromString('--expose-gc');
const collectGarbage: unknown = runInNewContext('gc');

/** Bytes of the heap that are in use after a collection. */
function heapUsed(): number {
  if (typeof collectGarbage !== 'function') throw new TypeError('This engine lets nobody collect its garbage');
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

/** A writer over a store, and sessions that it follows. */
function useWriter(store: () => SessionStore, folder: () => string) {
  const log = { current: recordingLogger() };
  const open: OpenSession[] = [];
  let writer: SegmentWriter | undefined;
  afterEach(async () => {
    await writer?.stop();
    for (const session of open.splice(0)) await session.close();
  });
  return {
    get log() {
      return log.current;
    },
    get writer(): SegmentWriter {
      if (writer === undefined) throw new Error('The writer is not started');
      return writer;
    },
    start(through: SessionStore = store(), settings = SETTINGS): void {
      log.current = recordingLogger();
      writer = new SegmentWriter(through, settings, log.current.logger);
    },
    async follow(id: string): Promise<OpenSession> {
      if ((await store().findSession(id)) === null) await store().createSession(newSession(id));
      const session = await openSession(store(), folder(), id);
      open.push(session);
      await this.writer.follow(session);
      return session;
    },
    async journal(session: OpenSession, from: number, to: number, changes: Partial<FinalEntry> = {}): Promise<void> {
      for (let sequence = from; sequence <= to; sequence++) {
        await session.append(finalEntry(sequence, changes));
        this.writer.noteFinal(session);
      }
    },
  };
}

describe('the segment writer', () => {
  const database = useTemporaryDatabase();
  const folder = () => path.dirname(database().file);
  const parts = useWriter(() => database().store, folder);

  const stored = (id: string) =>
    database().other.prepare('SELECT sequence FROM segments WHERE session_id = ? ORDER BY sequence').pluck().all(id);

  it('gives up a session that the database refuses, says so once, and goes on with the others', async () => {
    parts.start();
    const [lost, well] = [await parts.follow('lost'), await parts.follow('well')];
    database().other.exec("DELETE FROM sessions WHERE id = 'lost'");

    await parts.journal(lost, 1, 5);
    const failure = await until(() => parts.writer.failureOf(lost));
    expect(failure.message).toMatch(/safe in its journal/u);
    expect(failure.message).not.toMatch(/checkpoint|constraint|SQL/iu);
    await expect(parts.writer.flush(lost)).rejects.toThrow(SegmentsRefusedError);
    await parts.journal(lost, 6, 12);
    await parts.journal(well, 1, 5);
    await parts.writer.flush(well);
    expect(stored('well')).toHaveLength(5);

    expect(parts.log.named('segments refused')).toMatchObject([
      { sessionId: 'lost', checkpoint: 0, journalEnd: expect.any(Number), lastSequence: 0, waiting: 5 },
    ]);
    expect(JSON.stringify(parts.log.events)).not.toContain('sentence');
    expect(parts.log.named('commit retried')).toHaveLength(2);
    expect(parts.writer.failedSessions).toBe(1);
    expect(parts.writer.failureOf(well)).toBeNull();
    expect(parts.writer.lagMs).toBe(0);
    expect(parts.writer.waitingSinceMs(lost)).toBeGreaterThan(0);
    expect(parts.writer.waitingSinceMs(well)).toBe(0);
  });

  it('tells whoever waits for a session’s end that it was given up', async () => {
    parts.start();
    const session = await parts.follow('lost');
    await parts.journal(session, 1, 2);
    database().other.exec("DELETE FROM sessions WHERE id = 'lost'");
    await expect(parts.writer.flush(session)).rejects.toThrow(SegmentsRefusedError);
  });

  it('does not give up for a refusal that does not come again', async () => {
    let refusals = 2;
    parts.start(
      storeWith(database().store, (batch, commit) =>
        refusals-- > 0 ? Promise.reject(new DatabaseRefusedError('not now')) : commit(batch),
      ),
    );
    const session = await parts.follow('s');
    await parts.journal(session, 1, 5);
    await until(() => stored('s').length === 5);
    expect(parts.writer.failureOf(session)).toBeNull();
  });

  it('gives up a session whose journal went bad, rather than leave a final out', async () => {
    parts.start();
    const session = await parts.follow('s');
    await parts.journal(session, 1, 3);
    const bytes = await readFile(session.journal.path);
    const place = bytes.indexOf('sentence 2');
    bytes.writeUInt8(bytes.readUInt8(place) ^ 0xff, place);
    await writeFile(session.journal.path, bytes);

    await expect(parts.writer.flush(session)).rejects.toThrow(SegmentsRefusedError);
    expect(stored('s')).toEqual([]);
    expect(await database().store.findSession('s')).toMatchObject({ journalPosition: 0 });
  });

  it('brings a database up to date that was replaced by an older one', async () => {
    parts.start();
    const session = await parts.follow('s');
    await parts.journal(session, 1, 10);
    await until(() => stored('s').length === 10);
    // As if the backup of an hour ago were put in place.
    database().other.exec('DELETE FROM segments; UPDATE sessions SET journal_position = 0, confidence_count = 0');

    await parts.journal(session, 11, 15);
    await until(() => stored('s').length === 15);
    expect(parts.writer.failureOf(session)).toBeNull();
    expect(database().other.prepare('SELECT confidence_count FROM sessions').pluck().get()).toBe(15);
  });

  it('asks for all sessions at once while the database is away, and holds nothing; then all are committed in a row', async () => {
    const sessions = 100;
    const outage = { away: true, attempts: 0, underWay: 0, mostUnderWay: 0 };
    const settings = { ...SETTINGS, retryPauses: { firstMs: 1, longestMs: 1_000 } };
    parts.start(
      storeWith(database().store, async (batch, commit) => {
        outage.attempts += 1;
        outage.underWay += 1;
        outage.mostUnderWay = Math.max(outage.mostUnderWay, outage.underWay);
        try {
          if (outage.away) throw new DatabaseUnavailableError('away');
          return await commit(batch);
        } finally {
          outage.underWay -= 1;
        }
      }),
      settings,
    );
    const followed = await Promise.all(
      Array.from({ length: sessions }, (_, index) => parts.follow(`session ${index}`)),
    );
    await Promise.all(followed.map((session) => parts.journal(session, 1, 12)));

    // The eleventh pause is the first of the longest: had each session one of its own, they would take 100 s.
    await until(() => outage.attempts >= 10);
    expect(outage.attempts).toBeLessThan(sessions);
    outage.away = false;
    const before = outage.attempts;
    const rows = database().other.prepare('SELECT COUNT(*) FROM segments').pluck();
    await until(() => rows.get() === 12 * sessions);
    expect(outage.mostUnderWay).toBe(1);
    // Each took its whole backlog at once.
    expect(outage.attempts - before).toBe(sessions);
    await until(() => parts.writer.lagMs === 0);
  });

  it('takes no more memory the longer the database is away', async () => {
    let attempts = 0;
    let away = true;
    parts.start(
      storeWith(database().store, (batch, commit) => {
        attempts += 1;
        return away ? Promise.reject(new DatabaseUnavailableError('away')) : commit(batch);
      }),
    );
    const followed = await Promise.all(Array.from({ length: 20 }, (_, index) => parts.follow(`session ${index}`)));
    const text = 'a long sentence '.repeat(1_000);
    await Promise.all(followed.map((session) => parts.journal(session, 1, 20, { text })));
    await until(() => attempts >= 20);
    const before = heapUsed();
    // So many attempts are made in ten minutes with the pauses of a server; each reads 320 kB from a journal.
    await until(() => attempts >= 300);
    expect(heapUsed() - before).toBeLessThan(20_000_000);
    away = false;
    await until(() => followed.every((session) => stored(session.id).length === 20));
  });

  it('does not let one session’s trouble hold up the others', async () => {
    parts.start(
      storeWith(database().store, (batch, commit) =>
        batch.sessionId === 'troubled' ? Promise.reject(new DatabaseUnavailableError('a bad page')) : commit(batch),
      ),
    );
    const [troubled, well] = [await parts.follow('troubled'), await parts.follow('well')];
    await parts.journal(troubled, 1, 5);
    await until(() => parts.log.named('commit retried').length > 3);
    await parts.journal(well, 1, 25);
    await parts.writer.flush(well);
    expect(stored('well')).toHaveLength(25);
    expect(stored('troubled')).toEqual([]);
    expect(parts.writer.failureOf(troubled)).toBeNull();
    expect(parts.writer.lagMs).toBeGreaterThan(0);
  });

  it('stops at once, also while the database is away and many wait for it', async () => {
    parts.start(
      storeWith(database().store, () => Promise.reject(new DatabaseUnavailableError('away'))),
      { ...SETTINGS, retryPauses: { firstMs: A_MINUTE, longestMs: A_MINUTE } },
    );
    const followed = await Promise.all([1, 2, 3].map((index) => parts.follow(`session ${index}`)));
    await Promise.all(followed.map((session) => parts.journal(session, 1, 5)));
    await until(() => parts.log.named('commit retried').length === 1);
    const flushes = Promise.allSettled(followed.map((session) => parts.writer.flush(session, 'stop')));
    await parts.writer.stop();
    expect((await flushes).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  });
});
