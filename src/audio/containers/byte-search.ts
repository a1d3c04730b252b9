/** Where a sequence of bytes begins at or behind `from`, or where its beginning may be cut off by the end. */
export function indexOfBytes(bytes: Uint8Array, wanted: readonly number[], from: number): number {
  for (let at = from; at < bytes.length; at++) {
    let matched = 0;
    while (matched < wanted.length && at + matched < bytes.length && bytes[at + matched] === wanted[matched]) matched++;
    if (matched === wanted.length || at + matched === bytes.length) return at;
  }
  return bytes.length;
}

export function startsWith(bytes: Uint8Array, at: number, text: string): boolean {
  for (let index = 0; index < text.length; index++) if (bytes[at + index] !== text.charCodeAt(index)) return false;
  return true;
}
