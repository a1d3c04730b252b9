import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SessionStatistics } from '../../src/database/session-records.ts';
import { InvalidTimeZoneError } from '../../src/database/store-errors.ts';
import { batch, finalSegment, newSession, progress, useTemporaryDatabase } from './database-fixtures.ts';

describe('totals', () => {
  const database = useTemporaryDatabase();

  async function createSession(createdAt: string, statistics: Partial<SessionStatistics> = {}, receivedMs = 0) {
    const { store } = database();
    const id = createdAt;
    await store.createSession(newSession(id, { createdAt: new Date(createdAt) }));
    await store.commitBatch(batch(id, 0, 1, { session: progress({ statistics, coverage: { receivedMs } }) }));
  }

  async function days(timeZone: string): Promise<[day: string, sessions: number][]> {
    const { days: found } = await database().store.totals({}, timeZone);
    return found.map(({ day, sessions }) => [day, sessions]);
  }

  it('add up what the sessions have, each confidence counting once per segment', async () => {
    const { store } = database();
    const confidences: Record<string, (number | null)[]> = { a: [0.5, 0.7, null], b: [0.9], c: [] };
    for (const [id, values] of Object.entries(confidences)) {
      await store.createSession(newSession(id));
      const finals = values.map((avgConfidence, index) => finalSegment(id, index + 1, { avgConfidence }));
      const known = values.filter((value): value is number => value !== null);
      const averageConfidence = known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
      const statistics = {
        totalSegments: values.length,
        averageConfidence,
        wordCount: values.length * 4,
        speakingDuration: values.length * 0.5,
      };
      // In two batches, so that the count of confidences is one of both.
      const session = progress({ statistics, coverage: { receivedMs: 1500 } });
      await store.commitBatch(batch(id, 0, 1, { finals: finals.slice(0, 1), session }));
      await store.commitBatch(batch(id, 1, 2, { finals: finals.slice(1), session }));
    }

    const expected = {
      sessions: 3,
      segments: 4,
      words: 16,
      recordedDuration: 4.5,
      speakingDuration: 2,
      averageConfidence: expect.closeTo((0.5 + 0.7 + 0.9) / 3, 12),
      confidenceCount: 3,
      wordsPerMinute: 480,
      averageLatencyMs: null,
      latencyCount: 0,
    };
    expect(await store.totals({}, 'UTC')).toEqual({ totals: expected, days: [{ day: '2026-03-14', ...expected }] });
  });

  it('of nothing are zero, with no average and no day', async () => {
    await createSession('2026-03-14T00:00:00Z');
    const nothing = {
      segments: 0,
      words: 0,
      recordedDuration: 0,
      speakingDuration: 0,
      averageConfidence: null,
      confidenceCount: 0,
      wordsPerMinute: null,
      averageLatencyMs: null,
      latencyCount: 0,
    };
    const { store } = database();
    expect(await store.totals({ language: 'xx' }, 'UTC')).toEqual({ totals: { sessions: 0, ...nothing }, days: [] });
    expect(await store.totals({}, 'UTC')).toMatchObject({ totals: { sessions: 1, ...nothing } });
  });

  it('average latency over the segments of which it is known, and words over the time that was spoken', async () => {
    await createSession('2026-04-01T12:00:00Z', { averageLatencyMs: 600, latencyCount: 3, wordCount: 30 });
    await createSession('2026-04-01T13:00:00Z', { averageLatencyMs: 1_000, latencyCount: 1, speakingDuration: 12 });
    await createSession('2026-04-02T12:00:00Z', { totalSegments: 7, wordCount: 50, speakingDuration: 20 });
    const { totals, days: found } = await database().store.totals({}, 'UTC');
    expect(totals).toMatchObject({ averageLatencyMs: 700, latencyCount: 4, wordsPerMinute: 150 });
    expect(found).toMatchObject([
      { day: '2026-04-01', averageLatencyMs: 700, wordsPerMinute: 150 },
      { day: '2026-04-02', averageLatencyMs: null, wordsPerMinute: 150 },
    ]);
  });

  it('change days at local midnight where the clock is 5:45 ahead', async () => {
    await createSession('2026-03-14T18:14:59.999Z');
    await createSession('2026-03-14T18:15:00.000Z');
    expect(await days('Asia/Kathmandu')).toEqual([
      ['2026-03-14', 1],
      ['2026-03-15', 1],
    ]);
    expect(await days('UTC')).toEqual([['2026-03-14', 2]]);
  });

  it('follow the change to and from daylight saving time', async () => {
    // 8 March 2026 has 23 hours in New York, 1 November 25.
    for (const instant of [
      '2026-03-08T04:59:59.999Z',
      '2026-03-08T05:00:00.000Z',
      '2026-03-09T03:59:59.999Z',
      '2026-03-09T04:00:00.000Z',
      '2026-11-01T03:59:59.999Z',
      '2026-11-01T04:00:00.000Z',
      '2026-11-02T04:59:59.999Z',
      '2026-11-02T05:00:00.000Z',
    ]) {
      await createSession(instant);
    }
    expect(await days('America/New_York')).toEqual([
      ['2026-03-07', 1],
      ['2026-03-08', 2],
      ['2026-03-09', 1],
      ['2026-10-31', 1],
      ['2026-11-01', 2],
      ['2026-11-02', 1],
    ]);
  });

  it('place each session in the day that its own clock shows, in any time zone', async () => {
    const instant = fc.date({ min: new Date('2000-01-01'), max: new Date('2099-12-31'), noInvalidDate: true });
    // Clocks a quarter of an hour apart, changed by half an hour, by two hours, and back for one month of the year.
    const zone = fc.constantFrom(
      'UTC',
      'Asia/Kathmandu',
      'America/St_Johns',
      'Pacific/Chatham',
      'Pacific/Kiritimati',
      'Australia/Lord_Howe',
      'Antarctica/Troll',
      'Africa/Casablanca',
    );
    const { store } = database();
    const instants: Date[] = [];
    await fc.assert(
      fc.asyncProperty(instant, zone, async (createdAt, timeZone) => {
        await store.createSession(newSession(`session ${instants.push(createdAt)}`, { createdAt }));
        const expected = new Map<string, number>();
        for (const day of instants.map((at) => dayOnClock(at, timeZone)).toSorted()) {
          expected.set(day, (expected.get(day) ?? 0) + 1);
        }
        expect(await days(timeZone)).toEqual([...expected]);
        const only = { from: createdAt, to: new Date(createdAt.getTime() + 1) };
        expect((await store.totals(only, timeZone)).days).toMatchObject([{ day: dayOnClock(createdAt, timeZone) }]);
      }),
      { numRuns: 30 },
    );
  });

  it('of a time that no session is of are nothing, however far away it is', async () => {
    await createSession('2026-03-14T12:00:00Z');
    const { store } = database();
    for (const filter of [
      { from: new Date('9999-12-31T23:59:59.999Z') },
      { to: new Date('0001-01-01T00:00:00Z') },
      { from: new Date('2030-01-01'), to: new Date('2020-01-01') },
    ]) {
      expect(await store.totals(filter, 'America/New_York')).toMatchObject({ totals: { sessions: 0 }, days: [] });
    }
    const always = { from: new Date('0001-01-01T00:00:00Z'), to: new Date('9999-12-31T23:59:59.999Z') };
    expect((await store.totals(always, 'America/New_York')).days).toMatchObject([{ day: '2026-03-14', sessions: 1 }]);
  });

  it('are those of the sessions that the filter names, the days adding up to the whole', async () => {
    for (let day = 1; day <= 9; day += 1) {
      await createSession(`2026-05-0${day}T12:00:00Z`, { totalSegments: day, wordCount: 10 * day }, 100 * day);
    }
    const { store } = database();
    const found = await store.totals(
      { from: new Date('2026-05-03T12:00:00Z'), to: new Date('2026-05-06T12:00:00Z') },
      'Europe/Berlin',
    );
    expect(found.totals).toMatchObject({ sessions: 3, segments: 12, words: 120, recordedDuration: 1.2 });
    expect(found.days).toMatchObject([
      { day: '2026-05-03', segments: 3 },
      { day: '2026-05-04', segments: 4 },
      { day: '2026-05-05', segments: 5 },
    ]);
  });

  it('refuse a time zone that does not exist', async () => {
    await expect(database().store.totals({}, 'Mars/Olympus_Mons')).rejects.toThrow(InvalidTimeZoneError);
  });
});

/** `YYYY-MM-DD` */
function dayOnClock(instant: Date, timeZone: string): string {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
  const parts = format.formatToParts(instant);
  const [year, month, day] = ['year', 'month', 'day'].map((part) => parts.find(({ type }) => type === part)?.value);
  return `${year}-${month}-${day}`;
}
