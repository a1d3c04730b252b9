// Times and figures as people read them.

const SECOND_MS = 1_000;
const MINUTE_S = 60;
const HOUR_S = 3_600;

const NUMBER = new Intl.NumberFormat('en');
const DATE_TIME = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' });

/** `m:ss`, or `h:mm:ss` from an hour on. */
export function clock(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / SECOND_MS);
  const [hours, minutes, rest] = [Math.floor(seconds / HOUR_S), Math.floor(seconds / MINUTE_S), seconds % MINUTE_S];
  return hours === 0 ? `${minutes}:${twoDigits(rest)}` : `${hours}:${twoDigits(minutes % MINUTE_S)}:${twoDigits(rest)}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}

/** For `<time datetime>`: https://html.spec.whatwg.org/#valid-duration-string */
export function isoDuration(milliseconds: number): string {
  return `PT${(milliseconds / SECOND_MS).toFixed(1)}S`;
}

/** `12 s`, `3 min 20 s`, `1 h 5 min`. */
export function lasting(milliseconds: number): string {
  const seconds = Math.round(milliseconds / SECOND_MS);
  if (seconds < MINUTE_S) return `${seconds} s`;
  const [hours, minutes] = [Math.floor(seconds / HOUR_S), Math.floor(seconds / MINUTE_S) % MINUTE_S];
  const [first, second] = hours > 0 ? [`${hours} h`, `${minutes} min`] : [`${minutes} min`, `${seconds % MINUTE_S} s`];
  return second.startsWith('0 ') ? first : `${first} ${second}`;
}

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${NUMBER.format(count)} ${count === 1 ? one : many}`;
}

/** `null`: it is not known. */
export function percent(share: number | null): string | null {
  return share === null ? null : `${Math.round(share * 100)} %`;
}

/** @param instant ISO 8601 */
export function dateTime(instant: string): string {
  return DATE_TIME.format(new Date(instant));
}

/** Of a session's title, in characters: the highest that the server takes. */
export const LONGEST_TITLE = 500;

/** What a session is called: by its title, or else by when it was. */
export function nameOf(session: { readonly title: string | null; readonly createdAt: string }): string {
  return session.title === null || session.title.trim() === ''
    ? `Recording of ${dateTime(session.createdAt)}`
    : session.title;
}
