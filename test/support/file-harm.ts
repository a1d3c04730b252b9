import * as fc from 'fast-check';

/** What can happen to a file behind everybody's back. Places are parts of its length, from 0, or bytes from its end, below 0. */
export type Harm =
  | { readonly kind: 'cut'; readonly at: number }
  | { readonly kind: 'flip'; readonly at: number; readonly bit: number }
  | { readonly kind: 'zero'; readonly at: number; readonly length: number }
  | { readonly kind: 'append'; readonly garbage: Uint8Array };

/** Anywhere with the same chance, or in the last bytes, where torn tails and marks are. */
const at = fc.oneof(
  fc.noBias(fc.nat({ max: 2 ** 30 })).map((part) => part / (2 ** 30 + 1)),
  fc.integer({ min: -150, max: -1 }),
);

export const harm: fc.Arbitrary<Harm> = fc.oneof(
  fc.record({ kind: fc.constant('cut'), at }),
  fc.record({ kind: fc.constant('flip'), at, bit: fc.nat({ max: 7 }) }),
  fc.record({ kind: fc.constant('zero'), at, length: fc.integer({ min: 1, max: 2000 }) }),
  fc.record({ kind: fc.constant('append'), garbage: fc.uint8Array({ minLength: 1, maxLength: 200 }) }),
);

/** The bytes after the harm, and which of them are as they were. */
export function damageTo(
  original: Buffer,
  harms: readonly Harm[],
): { bytes: Buffer; isIntact: (range: { start: number; end: number }) => boolean } {
  let bytes: Buffer = Buffer.from(original);
  for (const one of harms) bytes = apply(one, bytes);
  return {
    bytes,
    isIntact: ({ start, end }) =>
      end <= bytes.length && bytes.subarray(start, end).equals(original.subarray(start, end)),
  };
}

function placeIn(bytes: Buffer, place: number): number {
  return place < 0 ? Math.max(0, bytes.length + place) : Math.floor(place * bytes.length);
}

function apply(one: Harm, bytes: Buffer): Buffer {
  switch (one.kind) {
    case 'cut':
      return bytes.subarray(0, placeIn(bytes, one.at));
    case 'flip': {
      const position = placeIn(bytes, one.at);
      if (position < bytes.length) bytes.writeUInt8(bytes.readUInt8(position) ^ (1 << one.bit), position);
      return bytes;
    }
    case 'zero': {
      const position = placeIn(bytes, one.at);
      return bytes.fill(0, position, Math.min(bytes.length, position + one.length));
    }
    case 'append':
      return Buffer.concat([bytes, one.garbage]);
    default:
      return one satisfies never;
  }
}
