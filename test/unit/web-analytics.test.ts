import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  beginningOf,
  localDayOf,
  nextStart,
  parseDay,
  periodName,
  shortName,
  startOf,
  writeDay,
} from '../../web/src/analytics/calendar.ts';
import { METRICS, readingOf, writeLatency, writeShare, writeTime } from '../../web/src/analytics/metrics.ts';
import { grainOf, periodsOf, together, type DayFigures } from '../../web/src/analytics/periods.ts';
import { plotOf, runsOf } from '../../web/src/analytics/plot.ts';
import { asChosen, daysOf, readChosen, writeChosen } from '../../web/src/analytics/range.ts';
import { periodReading, summaryOf } from '../../web/src/analytics/summary.ts';
import { shareTicks, ticksOf } from '../../web/src/analytics/ticks.ts';
import { timelineOf } from '../../web/src/analytics/timeline.ts';

function day(text: string): number {
  const parsed = parseDay(text);
  if (parsed === null) throw new Error(`${text} is no day`);
  return parsed;
}

function figures(text: string, changes: Partial<DayFigures> = {}): DayFigures {
  return {
    day: text,
    totalSessions: 1,
    wordCount: 100,
    recordedDuration: 120,
    speakingDuration: 60,
    averageConfidence: null,
    confidenceCount: 0,
    averageLatencyMs: null,
    latencyCount: 0,
    ...changes,
  };
}

function metric(id: string) {
  const found = METRICS.find((one) => one.id === id);
  if (found === undefined) throw new Error(`there is no ${id}`);
  return found;
}

describe('days of the calendar', () => {
  it('are read and written, and refused where the calendar does not have them', () => {
    expect(writeDay(day('2026-02-28') + 1)).toBe('2026-03-01');
    expect(writeDay(day('2028-02-28') + 1)).toBe('2028-02-29');
    for (const text of ['2026-02-30', '2026-13-01', '2026-1-1', 'today', '', '2026-01-01T00:00:00Z']) {
      expect(parseDay(text)).toBeNull();
    }
  });

  it('are in weeks from Monday on, in months and in years, also before 1970', () => {
    expect(writeDay(startOf('week', day('2026-03-29')))).toBe('2026-03-23');
    expect(writeDay(startOf('week', day('2026-03-23')))).toBe('2026-03-23');
    expect(writeDay(startOf('week', day('1969-12-31')))).toBe('1969-12-29');
    expect(writeDay(startOf('month', day('2026-03-31')))).toBe('2026-03-01');
    expect(writeDay(nextStart('month', day('2026-12-15')))).toBe('2027-01-01');
    expect(writeDay(nextStart('year', day('2028-02-29')))).toBe('2029-01-01');
  });

  it.each([
    ['Europe/Berlin', 120],
    // Where clocks go from 23:59 to 1:00, days have no midnight.
    ['America/Santiago', -240],
    ['Australia/Lord_Howe', 630],
  ])('begin and end when the clocks in %s say so', (timeZone, julyMinutes) => {
    vi.stubEnv('TZ', timeZone);
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(-new Date('2026-07-01').getTimezoneOffset()).toBe(julyMinutes);
    const dates = fc.date({ min: new Date('2000-01-01'), max: new Date('2050-01-01'), noInvalidDate: true });
    fc.assert(
      fc.property(dates, (instant) => {
        const local = localDayOf(instant);
        expect(beginningOf(local).getTime()).toBeLessThanOrEqual(instant.getTime());
        expect(beginningOf(local + 1).getTime()).toBeGreaterThan(instant.getTime());
        expect(localDayOf(beginningOf(local))).toBe(local);
        expect(localDayOf(new Date(beginningOf(local).getTime() - 1))).toBe(local - 1);
      }),
    );
  });

  it('have names as short as they can be', () => {
    const [first, last] = [day('2026-03-09'), day('2026-03-15')];
    expect(periodName('day', first, first)).toBe('9 March 2026');
    expect(periodName('week', first, last, false)).toMatch(/^9\s?–\s?15 March$/u);
    expect(periodName('month', day('2026-03-01'), day('2026-03-31'))).toBe('March 2026');
    expect(periodName('year', first, last)).toBe('2026');
    expect([shortName('day', first), shortName('month', first), shortName('year', first)]).toEqual([
      '9 Mar',
      'Mar 26',
      '2026',
    ]);
  });
});

describe('a range of days', () => {
  const today = day('2026-11-25');

  it('is in the address, the usual one left out', () => {
    for (const query of [
      '',
      'range=7d',
      'range=all',
      'range=year',
      'from=2026-01-01&to=2026-02-01',
      'from=2026-01-01',
    ]) {
      expect(writeChosen(readChosen(new URLSearchParams(query))).toString()).toBe(query);
    }
    expect(readChosen(new URLSearchParams('range=nonsense')).name).toBe('30d');
  });

  it('ends today, or where it was chosen to end', () => {
    const range = (query: string) => {
      const { first, last } = daysOf(readChosen(new URLSearchParams(query)), today);
      return [first === null ? null : writeDay(first), writeDay(last)];
    };
    expect(range('range=7d')).toEqual(['2026-11-19', '2026-11-25']);
    expect(range('range=year')).toEqual(['2026-01-01', '2026-11-25']);
    expect(range('range=all')).toEqual([null, '2026-11-25']);
    expect(range('from=2026-03-01&to=2026-03-31')).toEqual(['2026-03-01', '2026-03-31']);
    expect(range('from=2026-03-31&to=2026-03-01')).toEqual(['2026-03-01', '2026-03-31']);
    expect(range('from=0001-01-01&to=9999-12-31')).toEqual(['2000-01-01', '2026-11-25']);
    expect(range('from=rubbish')).toEqual([null, '2026-11-25']);
  });

  it('goes on as a chosen one', () => {
    expect(asChosen({ first: today - 1, last: today }, null)).toEqual({
      name: 'chosen',
      from: '2026-11-24',
      to: '2026-11-25',
    });
    expect(asChosen({ first: null, last: today }, day('2026-05-05')).from).toBe('2026-05-05');
  });
});

describe('periods', () => {
  it('are days, weeks, months or years, never too many to be told apart', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: day('2000-01-01'), max: day('2099-12-31') }),
        fc.integer({ min: 0, max: 9_000 }),
        (first, more) => {
          const last = first + more;
          const periods = periodsOf([], grainOf(first, last), first, last);
          expect(periods.length).toBeLessThanOrEqual(38);
          // They are the range, without a day between them or in two of them.
          expect([periods[0]?.first, periods.at(-1)?.last]).toEqual([first, last]);
          for (const [index, period] of periods.slice(1).entries())
            expect(period.first).toBe((periods[index]?.last ?? 0) + 1);
        },
      ),
    );
    expect([31, 32, 189, 190, 1_098, 1_100].map((days) => grainOf(1, days))).toEqual([
      'day',
      'week',
      'week',
      'month',
      'month',
      'year',
    ]);
  });

  it('keep the days of a week together when the clocks are changed in it', () => {
    // In Berlin 29 March has 23 hours, and 25 October 25.
    const days = ['2026-03-28', '2026-03-29', '2026-03-30', '2026-10-25', '2026-10-26'].map((text) => figures(text));
    const periods = periodsOf(days, 'week', day('2026-03-23'), day('2026-11-01'));
    const found = periods.filter(({ figures: { sessions } }) => sessions > 0);
    expect(found.map(({ first, figures: { sessions } }) => [writeDay(first), sessions])).toEqual([
      ['2026-03-23', 2],
      ['2026-03-30', 1],
      ['2026-10-19', 1],
      ['2026-10-26', 1],
    ]);
    expect(periods).toHaveLength(32);
  });

  it('have zero of what was not recorded, and no mean of nothing', () => {
    expect(together([])).toEqual({
      sessions: 0,
      words: 0,
      recordedSeconds: 0,
      speakingSeconds: 0,
      confidence: null,
      wordsPerMinute: null,
      latencyMs: null,
    });
  });

  it('weigh each mean by the segments that it is of', () => {
    const days = [
      figures('2026-01-01', { averageConfidence: 0.9, confidenceCount: 3, averageLatencyMs: 500, latencyCount: 1 }),
      figures('2026-01-02', { averageConfidence: 0.5, confidenceCount: 1, wordCount: 20, speakingDuration: 540 }),
      figures('2026-01-03', { wordCount: 0, speakingDuration: 0 }),
    ];
    expect(together(days)).toMatchObject({ latencyMs: 500, wordsPerMinute: 12 });
    expect(together(days).confidence).toBeCloseTo(0.8, 9);
  });
});

describe('an axis', () => {
  it('begins at zero and ends at or above the most, with few marks at round figures', () => {
    expect(ticksOf(0, 'count')).toEqual([0, 1]);
    expect(ticksOf(3, 'count')).toEqual([0, 1, 2, 3]);
    expect(ticksOf(12_787, 'count')).toEqual([0, 5_000, 10_000, 15_000]);
    expect(ticksOf(0.9, 'number')).toEqual([0, 0.5, 1]);
    expect(ticksOf(50 * 60, 'time')).toEqual([0, 15, 30, 45, 60].map((minutes) => minutes * 60));
    expect(ticksOf(36.1 * 3_600, 'time')).toEqual([0, 12, 24, 36, 48].map((hours) => hours * 3_600));
    const kinds = fc.constantFrom('count' as const, 'number' as const, 'time' as const);
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e8, noNaN: true }), kinds, (most, kind) => {
        const ticks = ticksOf(most, kind);
        expect(ticks[0]).toBe(0);
        expect(ticks.at(-1)).toBeGreaterThanOrEqual(most * (1 - 1e-6));
        expect(ticks.length).toBeGreaterThanOrEqual(2);
        expect(ticks.length).toBeLessThanOrEqual(5);
      }),
    );
  });

  it('of shares ends at one, and begins below the least', () => {
    expect(shareTicks(0.91)).toEqual([0.9, 0.95, 1]);
    expect(shareTicks(0.7)).toEqual([0.7, 0.8, 0.9, 1]);
    expect(shareTicks(0)).toEqual([0, 0.25, 0.5, 0.75, 1]);
    expect(shareTicks(1)).toEqual([0.9, 0.95, 1]);
  });
});

describe('a chart', () => {
  it('has a gap where nothing is known, and no line across it', () => {
    expect(runsOf([null, 1, 2, null, null, 3]).map((run) => run.map(({ index }) => index))).toEqual([[1, 2], [5]]);
    expect(runsOf([null])).toEqual([]);
  });

  it('tells which period is at a place, and names no more of them than there is room for', () => {
    const plot = plotOf(390, 30, [0, 10]);
    expect(plot.indexAt(plot.middleOf(0))).toBe(0);
    expect(plot.indexAt(plot.middleOf(29))).toBe(29);
    expect([plot.indexAt(0), plot.indexAt(390)]).toEqual([null, null]);
    expect(plot.nameEvery * plot.bandWidth).toBeGreaterThanOrEqual(60);
    expect(plot.yOf(0)).toBe(plot.bottom);
    expect(plot.yOf(10)).toBeLessThan(plot.yOf(5));
  });

  it('is told in words, with what is not known', () => {
    const days = [
      figures('2026-03-02', { recordedDuration: 7_500, averageConfidence: 0.9, confidenceCount: 1 }),
      figures('2026-03-04', { averageConfidence: 0.8, confidenceCount: 1 }),
    ];
    const timeline = timelineOf(days, day('2026-03-01'), day('2026-03-04'));
    expect(summaryOf(metric('recorded'), timeline)).toBe('Most: 2 h 5 min, 2 March. None on 2 of 4 days.');
    expect(summaryOf(metric('confidence'), timeline)).toBe(
      'From 80 %, 4 March, to 90 %, 2 March. Not known of 2 of 4 days.',
    );
    expect(summaryOf(metric('latency'), timeline)).toBe('Not known of any day.');
    expect(summaryOf(metric('words'), timelineOf([], 0, 3))).toBe('None on any day.');
    const [first, second] = timeline.periods;
    if (first === undefined || second === undefined) throw new Error('there are four days');
    expect(periodReading(metric('recorded'), second, timeline)).toBe('2 March: 2 h 5 min recorded, 1 min talk time');
    expect(readingOf(metric('confidence'), first)).toBe('not known');
    expect(readingOf(metric('sessions'), first)).toBe('0 recordings');
  });

  it('writes its figures as people read them', () => {
    expect([12, 200, 3_011, 73_560, 1_272_540].map(writeTime)).toEqual([
      '12 s',
      '3 min 20 s',
      '50 min',
      '20 h 26 min',
      '353 h',
    ]);
    expect([writeShare(0.925), writeLatency(640)]).toEqual(['93 %', '0.6 s']);
  });
});
