import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBase64 } from '../../src/schema/scalars.ts';
import { ServiceError } from '../../src/services/errors.ts';

/** RFC 4648, section 4, as a pattern: slow, but plainly right. */
const BASE64 = /^(?:[A-Za-z\d+/]{4})*(?:[A-Za-z\d+/]{2}==|[A-Za-z\d+/]{3}=)?$/u;

function isTaken(text: string): boolean {
  try {
    decodeBase64(text);
    return true;
  } catch (error) {
    if (error instanceof ServiceError) return false;
    throw error;
  }
}

describe('Base64', () => {
  it('gives the bytes that were encoded', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(Buffer.from(decodeBase64(Buffer.from(bytes).toString('base64')))).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it('takes exactly what is base64', () => {
    const nearly = fc.string({
      unit: fc.constantFrom('A', 'z', '9', '+', '/', '=', '-', '_', '\n', ' ', 'é', '€'),
      maxLength: 12,
    });
    fc.assert(
      fc.property(nearly, (text) => {
        expect(isTaken(text)).toBe(BASE64.test(text));
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([17, null, undefined, {}, ['AAAA']])('refuses %s, which is no text', (value) => {
    expect(() => decodeBase64(value)).toThrow(ServiceError);
  });
});
