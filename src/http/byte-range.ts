/** Bytes of an answer's whole body, from `start` to before `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * What a request's `Range` asks for: https://www.rfc-editor.org/rfc/rfc9110#section-14.2. `'all'` without one, and for those that
 * may be passed over: several ranges at once, other units, and what is malformed. `'none'`: nothing of it is there.
 *
 * @param length of the whole body, in bytes
 */
export function byteRangeOf(header: string | undefined, length: number): ByteRange | 'all' | 'none' {
  const [, first, last] = /^bytes=(\d{0,15})-(\d{0,15})$/u.exec(header?.trim() ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return 'all';
  if (first === '') {
    const start = Math.max(0, length - Number(last));
    return start < length ? { start, end: length } : 'none';
  }
  const start = Number(first);
  if (last !== '' && Number(last) < start) return 'all';
  const end = last === '' ? length : Math.min(length, Number(last) + 1);
  return start < length ? { start, end } : 'none';
}
