// Calendar days as whole numbers: days since 1 January 1970, in whatever time zone they are days of. So no clock is ever
// changed between two of them.

const DAY_MS = 86_400_000;
const WEEK_DAYS = 7;
/** 1 January 1970 was a Thursday: this many days after a Monday. */
const FIRST_WEEKDAY = 3;

export type Grain = 'day' | 'week' | 'month' | 'year';

/** `null` when it is no day of the calendar, written `YYYY-MM-DD`. */
export function parseDay(text: string): number | null {
  if (!/^\d{4}-\d{2}-\d{2}$/u.test(text)) return null;
  const instant = Date.parse(`${text}T00:00:00Z`);
  // 30 February would be 2 March.
  return Number.isNaN(instant) || writeDay(instant / DAY_MS) !== text ? null : instant / DAY_MS;
}

/** `YYYY-MM-DD` */
export function writeDay(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

/** The day that a clock of this machine's time zone shows at an instant. */
export function localDayOf(instant: Date): number {
  return Date.UTC(instant.getFullYear(), instant.getMonth(), instant.getDate()) / DAY_MS;
}

/** When the day begins in this machine's time zone. */
export function beginningOf(day: number): Date {
  const date = new Date(day * DAY_MS);
  return new Date(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate());
}

/** The first day of the week (from Monday on), month or year that the day is in. */
export function startOf(grain: Grain, day: number): number {
  const date = new Date(day * DAY_MS);
  switch (grain) {
    case 'day':
      return day;
    case 'week':
      return day - ((((day + FIRST_WEEKDAY) % WEEK_DAYS) + WEEK_DAYS) % WEEK_DAYS);
    case 'month':
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1) / DAY_MS;
    case 'year':
      return Date.UTC(date.getUTCFullYear(), 0, 1) / DAY_MS;
  }
}

/** The first day of the next one. */
export function nextStart(grain: Grain, day: number): number {
  const date = new Date(startOf(grain, day) * DAY_MS);
  switch (grain) {
    case 'day':
      return day + 1;
    case 'week':
      return startOf('week', day) + WEEK_DAYS;
    case 'month':
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1) / DAY_MS;
    case 'year':
      return Date.UTC(date.getUTCFullYear() + 1, 0, 1) / DAY_MS;
  }
}

/** Written out, for example `12 March 2026`, `9 – 15 March 2026`, `March 2026`, `2026`. */
export function periodName(grain: Grain, first: number, last: number, hasYear = true): string {
  const [from, to] = [new Date(first * DAY_MS), new Date(last * DAY_MS)];
  if (grain === 'month') return (hasYear ? MONTH : MONTH_OF_YEAR).format(from);
  if (grain === 'year') return String(from.getUTCFullYear());
  const format = hasYear ? DAY : DAY_OF_YEAR;
  return first === last ? format.format(from) : format.formatRange(from, to);
}

/** Whether two days are of the same year. */
export function isOneYear(first: number, last: number): boolean {
  return startOf('year', first) === startOf('year', last);
}

/** As short as an axis needs it. */
export function shortName(grain: Grain, first: number): string {
  const date = new Date(first * DAY_MS);
  if (grain === 'year') return String(date.getUTCFullYear());
  return (grain === 'month' ? SHORT_MONTH : SHORT_DAY).format(date);
}

const UTC = { timeZone: 'UTC' } as const;
const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric', ...UTC });
const DAY_OF_YEAR = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', ...UTC });
const MONTH = new Intl.DateTimeFormat('en-GB', { month: 'long', year: 'numeric', ...UTC });
const MONTH_OF_YEAR = new Intl.DateTimeFormat('en-GB', { month: 'long', ...UTC });
const SHORT_DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', ...UTC });
const SHORT_MONTH = new Intl.DateTimeFormat('en-GB', { month: 'short', year: '2-digit', ...UTC });
