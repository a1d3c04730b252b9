const SECOND_MS = 1_000;
const UNITS = [
  { one: 'hour', seconds: 3_600 },
  { one: 'minute', seconds: 60 },
  { one: 'second', seconds: 1 },
] as const;

/** As a screen reader should say it: `1 minute 23 seconds`. */
export function spokenTime(milliseconds: number): string {
  let rest = Math.floor(milliseconds / SECOND_MS);
  const parts: string[] = [];
  for (const { one, seconds } of UNITS) {
    const count = Math.floor(rest / seconds);
    rest -= count * seconds;
    if (count > 0) parts.push(`${count} ${one}${count === 1 ? '' : 's'}`);
  }
  return parts.join(' ') || '0 seconds';
}
