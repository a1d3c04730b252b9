import { describe, expect, it } from 'vitest';
import type { LiveSessionStatus } from '../../src/client/index.ts';
import { choiceOf, readChosen, writeChosen } from '../../web/src/dashboard/choice.ts';
import { durabilityOf } from '../../web/src/recording/durability.ts';
import { accountOf, figuresOf } from '../../web/src/session/account.ts';
import { clock, isoDuration, lasting, nameOf } from '../../web/src/ui/words.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

describe('times in words', () => {
  it('are as short as they can be', () => {
    expect([0, 999, 61_000, HOUR_MS + 2 * MINUTE_MS + 3_000].map(clock)).toEqual(['0:00', '0:00', '1:01', '1:02:03']);
    expect([400, 12_000, 3 * MINUTE_MS, 200_000, HOUR_MS, HOUR_MS + 5 * MINUTE_MS].map(lasting)).toEqual([
      '0 s',
      '12 s',
      '3 min',
      '3 min 20 s',
      '1 h',
      '1 h 5 min',
    ]);
    expect(isoDuration(61_500)).toBe('PT61.5S');
  });

  it('name a session that has no title', () => {
    const createdAt = '2026-03-14T09:26:53.589Z';
    expect(nameOf({ title: 'A walk', createdAt })).toBe('A walk');
    expect(nameOf({ title: ' ', createdAt })).toMatch(/^Recording of .*2026/u);
  });
});

describe('what became of the audio while it is recorded', () => {
  const status: LiveSessionStatus = {
    connection: 'connected',
    session: 'ACTIVE',
    writtenMs: 30_000,
    acknowledgedMs: 29_900,
    bufferedMs: 100,
    backlogMs: 0,
    lostMs: 0,
  };

  it.for<[Partial<LiveSessionStatus>, string, string]>([
    [{}, 'safe', 'All saved'],
    [{ bufferedMs: 12_000 }, 'waiting', '12 s waiting to be sent'],
    [{ connection: 'reconnecting' }, 'waiting', 'Reconnecting, what you say is kept here meanwhile'],
    [{ connection: 'reconnecting', bufferedMs: 90_000 }, 'waiting', 'Reconnecting, 1 min 30 s waiting to be sent'],
    [{ backlogMs: 20_000 }, 'safe', 'All saved, words 20 s behind'],
    [{ lostMs: 3_000 }, 'lost', 'All saved, 3 s lost'],
    [{ connection: 'connecting', writtenMs: 0, bufferedMs: 0 }, 'waiting', 'Connecting'],
  ])('is said when it is %j', ([change, state, words]) => {
    expect(durabilityOf({ ...status, ...change }, true)).toEqual({ state, words });
  });

  it('is not said to be kept by a browser that keeps nothing', () => {
    expect(durabilityOf({ ...status, connection: 'reconnecting' }, false).words).toBe(
      'Reconnecting, do not close this page',
    );
    expect(durabilityOf({ ...status, bufferedMs: 12_000 }, false).words).toBe(
      '12 s waiting to be sent, do not close this page',
    );
    expect(durabilityOf(status, false).words).toBe('All saved');
  });
});

describe('the account of a session', () => {
  const coverage = { receivedMs: 3_432_000, transcribedMs: 2_883_000, gapMs: 0, failedMs: 0, pendingMs: 0 };

  it('says that nothing is missing only when that is so', () => {
    expect(accountOf({ coverage, status: 'COMPLETED' })).toBe('57:12 recorded, 48:03 speech, nothing missing');
    expect(accountOf({ coverage, status: 'ACTIVE' })).toBe('57:12 recorded, 48:03 speech');
    expect(accountOf({ coverage: { ...coverage, gapMs: 3_000, failedMs: 1_000 }, status: 'COMPLETED' })).toBe(
      '57:12 recorded, 48:03 speech, 3 s lost before the server had it, 1 s could not be transcribed',
    );
    expect(accountOf({ coverage: { ...coverage, pendingMs: 2_000 }, status: 'ACTIVE' })).toMatch(
      /2 s still to be transcribed$/u,
    );
  });

  it('leaves out what is not known', () => {
    const figures = { totalSegments: 3, wordCount: 1_204, averageConfidence: 0.931, wordsPerMinute: 142.3 };
    expect(figuresOf(figures)).toBe('1,204 words, 142 a minute, 93 % confidence');
    expect(figuresOf({ ...figures, wordCount: 1, averageConfidence: null, wordsPerMinute: null })).toBe('1 word');
  });
});

describe('what is chosen on the dashboard', () => {
  it('stands in the address, without what is usual', () => {
    const chosen = { words: 'garden', onlyTitles: true, status: 'live', order: 'longest' } as const;
    expect(writeChosen(chosen).toString()).toBe('q=garden&in=titles&status=live&sort=longest');
    expect(readChosen(writeChosen(chosen))).toEqual(chosen);
    const usual = { words: '', onlyTitles: false, status: 'all', order: 'newest' } as const;
    expect(writeChosen(usual).size).toBe(0);
    expect(readChosen(new URLSearchParams('status=constructor&sort=nonsense'))).toEqual(usual);
  });

  it('is what the server is asked for', () => {
    expect(choiceOf({ words: ' garden ', status: 'live', order: 'title' })).toEqual({
      filter: { titleContains: 'garden', statuses: ['ACTIVE', 'FINALIZING'] },
      orderBy: { field: 'TITLE', direction: 'ASC' },
    });
    expect(choiceOf({ words: ' ', status: 'all', order: 'newest' }).filter).toEqual({});
  });
});
