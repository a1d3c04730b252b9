import { isOneYear, periodName, type Grain } from './calendar.ts';
import { grainOf, periodsOf, type DayFigures, type Period } from './periods.ts';

const ONE_OF = {
  day: { one: 'day', many: 'days' },
  week: { one: 'week', many: 'weeks' },
  month: { one: 'month', many: 'months' },
  year: { one: 'year', many: 'years' },
} as const;

/** What all charts of the page are over. */
export interface Timeline {
  readonly grain: Grain;
  readonly periods: readonly Period[];
  /** What a period is, and several of them. */
  readonly one: string;
  readonly many: string;
  /** A period's name; it says the year only where there are several. */
  readonly nameOf: (period: Period) => string;
  /** The name of the whole. */
  readonly name: string;
}

export function timelineOf(days: readonly DayFigures[], first: number, last: number): Timeline {
  const grain = grainOf(first, last);
  const hasYear = !isOneYear(first, last);
  return {
    grain,
    periods: periodsOf(days, grain, first, last),
    ...ONE_OF[grain],
    nameOf: (period) => periodName(grain, period.first, period.last, hasYear),
    name: periodName('day', first, last),
  };
}
