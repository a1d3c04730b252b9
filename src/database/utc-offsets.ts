import { InvalidTimeZoneError } from './session-store.ts';

/** How often clocks are looked at: no zone changes them there and back within a week. */
const STEP_MS = 7 * 86_400_000;

/** A stretch of time in which the clocks of a time zone are not changed. */
export interface OffsetSpan {
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
export function offsetSpans(timeZone: string, from: number, until: number): OffsetSpan[] {
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
