import { MalformedAudioError } from './malformed-audio-error.ts';

/** The head of an EBML element (RFC 8794, sections 4 to 6). */
export interface ElementHead {
  /** With its length marker, as specifications write it. */
  readonly id: number;
  /** Of its body, in bytes; `null` when only what follows will tell. */
  readonly size: number | null;
  /** Of id and size, in bytes. */
  readonly headBytes: number;
}

export interface Element {
  readonly id: number;
  readonly body: Uint8Array;
}

const MAX_ID_BYTES = 4;
const MAX_SIZE_BYTES = 8;

/**
 * @returns `null` when it is not all there yet.
 * @throws MalformedAudioError when no element can begin like that
 */
export function readElementHead(bytes: Uint8Array, at: number): ElementHead | null {
  const first = bytes[at];
  if (first === undefined) return null;
  const idBytes = Math.clz32(first) - 23;
  if (idBytes > MAX_ID_BYTES) throw new MalformedAudioError('no element of WebM begins with these bytes');
  let id = 0;
  for (let index = 0; index < idBytes; index++) {
    const byte = bytes[at + index];
    if (byte === undefined) return null;
    id = id * 256 + byte;
  }
  const size = readVariableInteger(bytes, at + idBytes);
  if (size === null) return null;
  return { id, size: size.isUnknown ? null : size.value, headBytes: idBytes + size.length };
}

/** @returns `null` when it is not all there. @throws MalformedAudioError when it is longer than one may be */
export function readVariableInteger(
  bytes: Uint8Array,
  at: number,
): { readonly value: number; readonly length: number; readonly isUnknown: boolean } | null {
  const first = bytes[at];
  if (first === undefined) return null;
  const length = Math.clz32(first) - 23;
  if (length > MAX_SIZE_BYTES) throw new MalformedAudioError('no element of WebM has such a size');
  if (at + length > bytes.length) return null;
  let value = first & (0xff >> length);
  let ones = value === 0xff >> length;
  for (let index = 1; index < length; index++) {
    const byte = bytes[at + index] ?? 0;
    value = value * 256 + byte;
    ones &&= byte === 0xff;
  }
  return { value, length, isUnknown: ones };
}

/** The elements in the body of another. @throws MalformedAudioError when they do not fit into it */
export function readChildren(body: Uint8Array): Element[] {
  const children: Element[] = [];
  for (let at = 0; at < body.length;) {
    const head = readElementHead(body, at);
    const end = head === null || head.size === null ? Infinity : at + head.headBytes + head.size;
    if (head === null || end > body.length) {
      throw new MalformedAudioError('an element of the WebM stream is longer than the one that it is in');
    }
    children.push({ id: head.id, body: body.subarray(at + head.headBytes, end) });
    at = end;
  }
  return children;
}

/** Unsigned, big-endian; at most 8 bytes count. */
export function readUnsigned(body: Uint8Array): number {
  return body.subarray(0, 8).reduce((value, byte) => value * 256 + byte, 0);
}
