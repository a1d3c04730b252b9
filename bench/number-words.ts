// prettier-ignore
const BELOW_TWENTY = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven',
  'twelve', 'thirteen', 'fourteen', 'fifteen', 'sixteen', 'seventeen', 'eighteen', 'nineteen'];
const TENS = ['', '', 'twenty', 'thirty', 'forty', 'fifty', 'sixty', 'seventy', 'eighty', 'ninety'];
const SCALES: readonly (readonly [number, string])[] = [
  [1_000_000_000, 'billion'],
  [1_000_000, 'million'],
  [1_000, 'thousand'],
  [100, 'hundred'],
];
const IRREGULAR_ORDINALS = new Map([
  ['one', 'first'],
  ['two', 'second'],
  ['three', 'third'],
  ['five', 'fifth'],
  ['eight', 'eighth'],
  ['nine', 'ninth'],
  ['twelve', 'twelfth'],
]);

/** A whole number as it is read aloud, without "and": 1,205 is "one thousand two hundred five". Beyond 10^12: digit by digit. */
export function cardinalWords(value: number): string[] {
  if (value >= 1e12) return digitWords(String(value));
  if (value < 20) return [BELOW_TWENTY[value] ?? ''];
  if (value < 100) {
    const ones = value % 10;
    return [TENS[Math.floor(value / 10)] ?? '', ...(ones === 0 ? [] : cardinalWords(ones))];
  }
  for (const [scale, name] of SCALES) {
    if (value < scale) continue;
    const rest = value % scale;
    return [...cardinalWords(Math.floor(value / scale)), name, ...(rest === 0 ? [] : cardinalWords(rest))];
  }
  return [];
}

/** 21 is "twenty first". */
export function ordinalWords(value: number): string[] {
  const words = cardinalWords(value);
  const last = words.pop() ?? '';
  return [...words, IRREGULAR_ORDINALS.get(last) ?? `${last.endsWith('y') ? `${last.slice(0, -1)}ie` : last}th`];
}

/** A year from 1100 to 1999 as it is read aloud: 1855 is "eighteen fifty five", 1906 "nineteen oh six". */
export function yearWords(year: number): string[] {
  const rest = year % 100;
  const century = cardinalWords(Math.floor(year / 100));
  if (rest === 0) return [...century, 'hundred'];
  return [...century, ...(rest < 10 ? ['oh'] : []), ...cardinalWords(rest)];
}

export function digitWords(digits: string): string[] {
  return digits.split('').flatMap((digit) => BELOW_TWENTY[Number(digit)] ?? []);
}
