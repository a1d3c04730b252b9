import { parseDay, startOf, writeDay } from './calendar.ts';

export const RANGES = {
  '7d': { label: '7 days', days: 7 },
  '30d': { label: '30 days', days: 30 },
  '90d': { label: '90 days', days: 90 },
  year: { label: 'This year', days: null },
  all: { label: 'All', days: null },
  chosen: { label: 'Choose …', days: null },
} as const;

export type RangeName = keyof typeof RANGES;
const USUAL: RangeName = '30d';
/** Recordings are not older than that, and dates before it are slips of the keyboard. */
export const FIRST_DAY = Date.UTC(2000, 0, 1) / 86_400_000;

/** What the address of the page asks for. */
export interface Chosen {
  readonly name: RangeName;
  /** As typed; of `chosen` only. */
  readonly from: string;
  readonly to: string;
}

/** Days, both included; `null`: since the first recording. */
export interface DayRange {
  readonly first: number | null;
  readonly last: number;
}

export function isRange(name: string): name is RangeName {
  return Object.hasOwn(RANGES, name);
}

export function readChosen(search: URLSearchParams): Chosen {
  const [from, to] = [search.get('from') ?? '', search.get('to') ?? ''];
  if (from !== '' || to !== '') return { name: 'chosen', from, to };
  const name = search.get('range') ?? '';
  return { name: isRange(name) ? name : USUAL, from, to };
}

/** What is usual is left out. */
export function writeChosen({ name, from, to }: Chosen): URLSearchParams {
  if (name === 'chosen' && (from !== '' || to !== '')) {
    return new URLSearchParams({ ...(from !== '' && { from }), ...(to !== '' && { to }) });
  }
  return new URLSearchParams({ ...(name !== USUAL && { range: name }) });
}

/** The days that are meant, none of them in the future. What is missing of a chosen range is open: to today, or since ever. */
export function daysOf({ name, from, to }: Chosen, today: number): DayRange {
  if (name === 'all') return { first: null, last: today };
  if (name === 'year') return { first: startOf('year', today), last: today };
  const { days } = RANGES[name];
  if (days !== null) return { first: today - days + 1, last: today };
  const within = (day: number) => Math.min(Math.max(day, FIRST_DAY), today);
  const [start, end] = [parseDay(from), parseDay(to)];
  const last = end === null ? today : within(end);
  if (start === null) return { first: null, last };
  const first = within(start);
  return { first: Math.min(first, last), last: Math.max(first, last) };
}

/** The same days as a chosen range, for who goes on from there; `earliest` stands for the first recording. */
export function asChosen({ first, last }: DayRange, earliest: number | null): Chosen {
  return { name: 'chosen', from: writeDay(first ?? earliest ?? last), to: writeDay(last) };
}
