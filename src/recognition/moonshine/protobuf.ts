// The wire format of Protocol Buffers (https://protobuf.dev/programming-guides/encoding/), as far as it takes to change some
// fields of a large message: the others are passed on byte by byte, neither understood nor copied.

/** A message in pieces: of tens of megabytes, it is put together once, at the end. */
export type Encoded = readonly Uint8Array[];

export interface ProtobufField {
  readonly number: number;
  /** Text, bytes or a message; `null` when it is a number. */
  readonly content: Uint8Array | null;
  /** The whole field as it stands in its message. */
  readonly encoded: Uint8Array;
}

const VARINT = 0;
const FIXED_64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED_32 = 5;

/** The fields of a message, in order. @throws RangeError when it is none. */
export function* protobufFields(message: Uint8Array): Generator<ProtobufField> {
  let position = 0;
  while (position < message.length) {
    const start = position;
    const key = readVarint(message, start);
    const value = readValue(message, key.end, key.value % 8);
    position = value.end;
    const encoded = message.subarray(start, position);
    yield { number: Math.floor(key.value / 8), content: value.content, encoded };
  }
}

/** The message with some fields replaced: those for which `replacement` gives one (or several, or none, in their place). */
export function replaceFields(
  message: Uint8Array,
  replacement: (field: ProtobufField) => Encoded | null,
): Uint8Array[] {
  return Array.from(protobufFields(message), (field) => replacement(field) ?? [field.encoded]).flat();
}

/** A field of text, bytes or a message. */
export function lengthDelimited(number: number, content: Encoded): Uint8Array[] {
  const length = content.reduce((sum, piece) => sum + piece.length, 0);
  return [Uint8Array.from([...varint(number * 8 + LENGTH_DELIMITED), ...varint(length)]), ...content];
}

export function textField(number: number, text: string): Uint8Array[] {
  return lengthDelimited(number, [new TextEncoder().encode(text)]);
}

/** @param value a whole number, 0 or more. */
export function varintField(number: number, value: number): Uint8Array[] {
  return [Uint8Array.from([...varint(number * 8 + VARINT), ...varint(value)])];
}

/** The first number of a packed field. @throws RangeError when there is none. */
export function firstVarint(packed: Uint8Array): number {
  return readVarint(packed, 0).value;
}

// Numbers above 32 bits exceed JavaScript's bitwise operators, so these divide.
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return [...bytes, rest];
}

function readVarint(message: Uint8Array, start: number): { value: number; end: number } {
  let value = 0;
  let scale = 1;
  for (let position = start; ; position++) {
    const byte = message[position];
    if (byte === undefined) throw new RangeError(`the message ends within a number, at byte ${position}`);
    value += (byte % 128) * scale;
    scale *= 128;
    if (byte < 128) return { value, end: position + 1 };
  }
}

function readValue(message: Uint8Array, start: number, wireType: number): { content: Uint8Array | null; end: number } {
  const value = { content: null, end: endOfNumber(message, start, wireType) };
  if (wireType !== LENGTH_DELIMITED) return whole(message, value);
  const length = readVarint(message, start);
  const end = length.end + length.value;
  return whole(message, { content: message.subarray(length.end, end), end });
}

function endOfNumber(message: Uint8Array, start: number, wireType: number): number {
  switch (wireType) {
    case FIXED_32:
      return start + 4;
    case FIXED_64:
      return start + 8;
    case VARINT:
    case LENGTH_DELIMITED:
      return readVarint(message, start).end;
    default:
      throw new RangeError(`a field of the unknown wire type ${wireType}, at byte ${start}`);
  }
}

function whole<Value extends { readonly end: number }>(message: Uint8Array, value: Value): Value {
  if (value.end > message.length) throw new RangeError('the message ends within a field');
  return value;
}
