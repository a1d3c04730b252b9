/** Where a sequence of bytes begins at or behind `from`, or where its beginning may be cut off by the end. */
export function indexOfBytes(bytes: Uint8Array, wanted: readonly number[], from: number): number {
  for (let at = from; at < bytes.length; at++) if (beginsWith(bytes, at, wanted)) return at;
  return bytes.length;
}

/** Whether the bytes from `at` on are these, as far as they are there. */
export function beginsWith(bytes: Uint8Array, at: number, wanted: readonly number[]): boolean {
  for (let index = 0; index < wanted.length && at + index < bytes.length; index++) {
    if (bytes[at + index] !== wanted[index]) return false;
  }
  return true;
}

export function startsWith(bytes: Uint8Array, at: number, text: string): boolean {
  for (let index = 0; index < text.length; index++) if (bytes[at + index] !== text.charCodeAt(index)) return false;
  return true;
}
