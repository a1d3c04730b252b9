import { InvalidTimeZoneError } from './store-errors.ts';

const DAY_MS = 86_400_000;
/** How often clocks are looked at: no zone changes them there and back within a week. */
const STEP_MS = 7 * DAY_MS;

/** A stretch of time in which the clocks of a time zone are not changed. */
interface OffsetSpan {
  /** Its end, in ms since 1970. */
  readonly until: number;
  /** How far the clocks are ahead of UTC. */
  readonly offsetSeconds: number;
}

/**
 * The spans between two instants (ms since 1970), of which there is at least one.
 *
 * @param timeZone IANA name
 * @throws InvalidTimeZoneError
 */
function offsetSpans(timeZone: string, from: number, until: number): OffsetSpan[] {
  const offsetAt = utcOffsets(timeZone);
  const spans: OffsetSpan[] = [];
  let offsetSeconds = offsetAt(from);
  for (let known = from; known < until; known += STEP_MS) {
    const next = offsetAt(known + STEP_MS);
    if (next === offsetSeconds) continue;
    spans.push({ until: changeBetween(offsetAt, known, known + STEP_MS), offsetSeconds });
    offsetSeconds = next;
  }
  return [...spans, { until, offsetSeconds }];
}

/** A stretch of a local day: the day, or what a change of the clocks leaves together of it. In ms since 1970. */
export interface DayStretch {
  /** Calendar day, `YYYY-MM-DD`. */
  readonly day: string;
  readonly from: number;
  readonly until: number;
}

/**
 * The local days that lie in some days of UTC, in order of time.
 *
 * @param timeZone IANA name
 * @param utcDays their beginnings, ascending, in ms since 1970
 * @throws InvalidTimeZoneError
 */
export function localDays(timeZone: string, utcDays: readonly number[]): DayStretch[] {
  const spans = offsetSpans(timeZone, utcDays.at(0) ?? 0, (utcDays.at(-1) ?? 0) + DAY_MS);
  const stretches: DayStretch[] = [];
  let index = 0;
  for (const utcDay of utcDays) {
    for (let from = utcDay; from < utcDay + DAY_MS;) {
      while (index < spans.length - 1 && (spans[index]?.until ?? 0) <= from) index += 1;
      const { until: change = Infinity, offsetSeconds = 0 } = spans[index] ?? {};
      const offsetMs = offsetSeconds * 1000;
      const day = Math.floor((from + offsetMs) / DAY_MS);
      const until = Math.min((day + 1) * DAY_MS - offsetMs, utcDay + DAY_MS, change);
      const last = stretches.at(-1);
      const name = new Date(day * DAY_MS).toISOString().slice(0, 10);
      if (last?.day === name && last.until === from) stretches[stretches.length - 1] = { ...last, until };
      else stretches.push({ day: name, from, until });
      from = until;
    }
  }
  return stretches;
}

/** Gives the offset at an instant, in seconds. */
function utcOffsets(timeZone: string): (instant: number) => number {
  const twoDigits = {
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  } as const;
  const options = { timeZone, calendar: 'iso8601', hourCycle: 'h23', year: 'numeric', ...twoDigits } as const;
  let format: Intl.DateTimeFormat;
  try {
    // Swedish writes dates as ISO 8601 does.
    format = new Intl.DateTimeFormat('sv-SE', options);
  } catch (error) {
    throw new InvalidTimeZoneError(`"${timeZone}" is not a known time zone; use an IANA name like "Europe/Berlin"`, {
      cause: error,
    });
  }
  return (instant) => {
    const local = Date.parse(`${format.format(instant).replace(' ', 'T')}Z`);
    return local / 1000 - Math.floor(instant / 1000);
  };
}

/** The first whole second of the later offset, in ms since 1970. */
function changeBetween(offsetAt: (instant: number) => number, before: number, after: number): number {
  const later = offsetAt(after);
  let low = Math.floor(before / 1000);
  let high = Math.ceil(after / 1000);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(middle * 1000) === later) high = middle;
    else low = middle;
  }
  return high * 1000;
}
