import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withAttentionOutputs } from '../../src/recognition/moonshine/attention-outputs.ts';
import { withByteOutputMatrix } from '../../src/recognition/moonshine/output-matrix.ts';
import {
  lengthDelimited,
  protobufFields,
  replaceFields,
  textField,
  varintField,
} from '../../src/recognition/moonshine/protobuf.ts';

const numbers = fc.integer({ min: 1, max: 100_000 });
const fields = fc.array(
  fc.oneof(
    fc.tuple(numbers, fc.maxSafeNat()).map(([number, value]) => ({ number, pieces: varintField(number, value) })),
    fc.tuple(numbers, fc.string()).map(([number, text]) => ({ number, pieces: textField(number, text) })),
    fc
      .tuple(numbers, fc.uint8Array({ maxLength: 300 }))
      .map(([number, bytes]) => ({ number, pieces: lengthDelimited(number, [bytes]) })),
  ),
);

describe('a Protocol Buffers message', () => {
  it('is passed on byte by byte where nothing is replaced', () => {
    fc.assert(
      fc.property(fields, (some) => {
        const message = Buffer.concat(some.flatMap(({ pieces }) => pieces));
        expect(Array.from(protobufFields(message), ({ number }) => number)).toEqual(some.map(({ number }) => number));
        expect(Buffer.concat(replaceFields(message, () => null))).toEqual(message);
      }),
    );
  });

  it('has what was put in the place of a field, and all others as they were', () => {
    fc.assert(
      fc.property(fields, fc.string(), fields, (before, text, after) => {
        const pieces = (some: typeof before) => some.flatMap((field) => field.pieces);
        const message = Buffer.concat([...pieces(before), ...textField(100_001, 'old'), ...pieces(after)]);
        const changed = replaceFields(message, ({ number }) => (number === 100_001 ? textField(7, text) : null));
        expect(Buffer.concat(changed)).toEqual(
          Buffer.concat([...pieces(before), ...textField(7, text), ...pieces(after)]),
        );
      }),
    );
  });

  it('is read as others write it', () => {
    // The examples of the format's documentation: field 1 is 150, field 2 "testing", field 3 a message in which 1 is 150;
    // then numbers of fixed width.
    const message = Buffer.from('089601120774657374696e671a030896012d0000803f31000000000000f03f', 'hex');
    expect(Array.from(protobufFields(message), ({ number }) => number)).toEqual([1, 2, 3, 5, 6]);
    const [, text, inner] = protobufFields(message);
    expect(Buffer.from(text?.content ?? []).toString()).toBe('testing');
    expect(Buffer.from(inner?.content ?? [])).toEqual(Buffer.concat(varintField(1, 150)));
  });

  it.each([
    ['within a number', '0896'],
    ['within a text', '12077465'],
    ['within a number of fixed width', '2d0000'],
    ['without its length', '12'],
  ])('is refused when it ends %s', (_, hex) => {
    expect(() => [...protobufFields(Buffer.from(hex, 'hex'))]).toThrow(RangeError);
  });

  it('is refused when a field is of an unknown type', () => {
    expect(() => [...protobufFields(Buffer.from('0f', 'hex'))]).toThrow(/wire type 7/);
  });
});

describe('a decoder that is built otherwise than expected', () => {
  it('is refused rather than run without what was asked of it', () => {
    const graphWithoutBranches = Buffer.concat(lengthDelimited(7, textField(2, 'graph')));
    expect(() => withAttentionOutputs(graphWithoutBranches, [1])).toThrow(/0 branches instead of two/);
    const branch = lengthDelimited(5, lengthDelimited(6, textField(2, 'branch')));
    const node = lengthDelimited(1, [...textField(4, 'If'), ...branch, ...branch]);
    const withBranches = Buffer.concat(lengthDelimited(7, node));
    expect(() => withAttentionOutputs(withBranches, [1])).toThrow(/no tensor named .*layers\.1/);
    expect(() => withByteOutputMatrix(withBranches, 416)).toThrow(/no tensor named .*embed_tokens/);
    expect(() => withByteOutputMatrix(Buffer.alloc(0), 416)).toThrow(/lacks/);
  });
});
