import path from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endSession, sendChunks, speechChunks, startSession } from '../support/operations.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const SILENCE = { silenceMs: 1_000 };
const FIGURES =
  'totalSessions totalSegments wordCount recordedDuration speakingDuration averageConfidence wordsPerMinute averageLatencyMs';

interface Figures {
  readonly totalSessions: number;
  readonly totalSegments: number;
  readonly wordCount: number;
  readonly recordedDuration: number;
  readonly speakingDuration: number;
  readonly averageConfidence: number | null;
  readonly wordsPerMinute: number | null;
  readonly averageLatencyMs: number | null;
}
type Statistics = Figures & { readonly days: readonly (Figures & { readonly day: string })[] };

/** 29 March 2026 has 23 hours in Berlin: from 23:00 UTC of the day before to 22:00 UTC. */
const SESSIONS = [
  { createdAt: '2026-03-28T22:59:59.999+00:00', script: ['alpha', SILENCE] },
  { createdAt: '2026-03-28T23:00:00.000+00:00', script: ['alpha', 'bravo', SILENCE, 'charlie', SILENCE] },
  { createdAt: '2026-03-29T21:59:59.999+00:00', script: ['delta', 'echo', SILENCE] },
  { createdAt: '2026-03-29T22:00:00.000+00:00', script: [SILENCE] },
] as const;

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  const database = new BetterSqlite3(path.join(server.dataDirectory, 'verbatim.db'), { timeout: 5_000 });
  const setCreatedAt = database.prepare('UPDATE sessions SET created_at = ? WHERE title = ?');
  for (const { createdAt, script } of SESSIONS) {
    const chunks = speechChunks(script);
    const id = await startSession(server.client, { title: createdAt });
    await sendChunks(server.client, id, chunks);
    await endSession(server.client, id, chunks.length);
    setCreatedAt.run(createdAt, createdAt);
  }
  database.close();
});
afterAll(() => server.stop());

async function statistics(timeZone: string, filter: object = {}): Promise<Statistics> {
  const { statistics: found } = await server.client.data<{ statistics: Statistics }>(
    `query ($filter: SessionFilter, $timeZone: String) {
      statistics(filter: $filter, timeZone: $timeZone) { ${FIGURES} days { day ${FIGURES} } } }`,
    { timeZone, filter },
  );
  return found;
}

describe('statistics across sessions', () => {
  it('add up what is known of them, day by day, also of a day that lacks an hour', async () => {
    const { days, ...totals } = await statistics('Europe/Berlin');
    const speech = (script: (typeof SESSIONS)[number]['script']) => speechChunks(script).length / 10;
    expect(days).toMatchObject([
      { day: '2026-03-28', totalSessions: 1, totalSegments: 1, wordCount: 1 },
      { day: '2026-03-29', totalSessions: 2, totalSegments: 3, wordCount: 5 },
      { day: '2026-03-30', totalSessions: 1, totalSegments: 0, wordCount: 0, speakingDuration: 0 },
    ]);
    expect(totals).toMatchObject({ totalSessions: 4, totalSegments: 4, wordCount: 6 });
    const recorded = SESSIONS.reduce((sum, { script }) => sum + speech(script), 0);
    expect(Math.abs(totals.recordedDuration - recorded)).toBeLessThan(0.4);
    expect(totals.speakingDuration).toBeLessThan(totals.recordedDuration);
    for (const figures of [totals, ...days.slice(0, 2)]) {
      expect(figures.wordsPerMinute).toBeCloseTo(figures.wordCount / (figures.speakingDuration / 60), 6);
      expect(figures.averageConfidence).toBeGreaterThan(0);
    }
    const sum = (name: 'recordedDuration' | 'speakingDuration') => days.reduce((all, day) => all + day[name], 0);
    expect(sum('recordedDuration')).toBeCloseTo(totals.recordedDuration, 9);
    expect(sum('speakingDuration')).toBeCloseTo(totals.speakingDuration, 9);
  });

  it('have no figure where nothing is known: of silence, and of how fast what was uploaded became final', async () => {
    const { days, averageLatencyMs } = await statistics('Europe/Berlin');
    expect(averageLatencyMs).toBeNull();
    expect(days.at(-1)).toMatchObject({ averageConfidence: null, wordsPerMinute: null, averageLatencyMs: null });
  });

  it('call the days as the time zone does that was asked for', async () => {
    const dayNames = async (timeZone: string) =>
      (await statistics(timeZone)).days.map(({ day, totalSessions }) => `${day} ${totalSessions}`);
    expect(await dayNames('UTC')).toEqual(['2026-03-28 2', '2026-03-29 2']);
    expect(await dayNames('Pacific/Auckland')).toEqual(['2026-03-29 2', '2026-03-30 2']);
  });

  it('are those of a range, its beginning included and its end not', async () => {
    const range = { from: '2026-03-28T23:00:00Z', to: '2026-03-29T22:00:00Z' };
    const { days, ...totals } = await statistics('Europe/Berlin', range);
    expect(days).toHaveLength(1);
    expect(days[0]).toEqual({ day: '2026-03-29', ...totals });
    expect(totals).toMatchObject({ totalSessions: 2, wordCount: 5 });
    const before = await statistics('Europe/Berlin', { to: '2026-03-01T00:00:00Z' });
    expect(before).toMatchObject({ totalSessions: 0, recordedDuration: 0, wordsPerMinute: null, days: [] });
  });
});
