import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeSamples, findMalformation } from '../../src/audio/decode.ts';
import type { AudioEncoding, AudioFormat } from '../../src/audio/format.ts';
import { ALAW_AMPLITUDES, MULAW_AMPLITUDES } from '../../src/audio/g711.ts';

function format(encoding: AudioEncoding, channels = 1): AudioFormat {
  return { encoding, sampleRate: 16_000, channels };
}

function littleEndian16(values: number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 2);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of values.entries()) view.setInt16(i * 2, value, true);
  return bytes;
}

function littleEndianFloats(values: number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of values.entries()) view.setFloat32(i * 4, value, true);
  return bytes;
}

/** The same bytes at an odd address. */
function misaligned(bytes: Uint8Array): Uint8Array {
  const buffer = new Uint8Array(bytes.length + 3);
  buffer.set(bytes, 3);
  return buffer.subarray(3);
}

describe('samples of 16-bit PCM', () => {
  it('span -1 to just below 1', () => {
    const [samples] = decodeSamples(format('PCM_S16LE'), littleEndian16([0, 1, -1, 16_384, -32_768, 32_767]));
    expect(samples).toEqual(Float32Array.of(0, 1 / 32_768, -1 / 32_768, 0.5, -1, 32_767 / 32_768));
  });

  it('are told apart by channel', () => {
    const channels = decodeSamples(format('PCM_S16LE', 3), littleEndian16([0, 8_192, 16_384, -8_192, 0, 8_192]));
    expect(channels).toEqual([Float32Array.of(0, -0.25), Float32Array.of(0.25, 0), Float32Array.of(0.5, 0.25)]);
  });
});

describe('samples of 32-bit float PCM', () => {
  it('are taken as they are', () => {
    const values = [0, 0.25, -1, 1, 1e-20];
    expect(decodeSamples(format('PCM_F32LE'), littleEndianFloats(values))).toEqual([Float32Array.from(values)]);
  });

  it('are clipped to -1..1, and never anything that would spread', () => {
    const bytes = littleEndianFloats([1.5, -7e30, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
    expect(decodeSamples(format('PCM_F32LE'), bytes)).toEqual([Float32Array.of(1, -1, 0, 1, -1)]);
  });
});

describe('samples of G.711', () => {
  it('have the decoder output values of the Recommendation (mu-law, table 2)', () => {
    // Decision value outputs y for characters 1000 0000, 1000 1111, 1001 1111 … of table 2a, scaled by 4.
    const table: [byte: number, amplitude: number][] = [
      [0x80, 8031 * 4],
      [0x8f, 4191 * 4],
      [0x9f, 2079 * 4],
      [0xaf, 1023 * 4],
      [0xbf, 495 * 4],
      [0xcf, 231 * 4],
      [0xdf, 99 * 4],
      [0xef, 33 * 4],
      [0xfe, 2 * 4],
      [0xff, 0],
    ];
    for (const [byte, amplitude] of table) {
      expect(MULAW_AMPLITUDES[byte]).toBe(amplitude);
      expect(Math.abs((MULAW_AMPLITUDES[byte & 0x7f] ?? Number.NaN) + amplitude)).toBe(0);
    }
  });

  it('have the decoder output values of the Recommendation (A-law, table 1)', () => {
    // Outputs for characters 1111 1111, 1111 0000, 1110 0000 … of table 1a, scaled by 8; transmitted with even bits inverted.
    const table: [character: number, amplitude: number][] = [
      [0xff, 4032 * 8],
      [0xf0, 2112 * 8],
      [0xe0, 1056 * 8],
      [0xd0, 528 * 8],
      [0xc0, 264 * 8],
      [0xb0, 132 * 8],
      [0xa0, 66 * 8],
      [0x81, 3 * 8],
      [0x80, 1 * 8],
    ];
    for (const [character, amplitude] of table) {
      expect(ALAW_AMPLITUDES[character ^ 0x55]).toBe(amplitude);
      expect(ALAW_AMPLITUDES[(character & 0x7f) ^ 0x55]).toBe(-amplitude);
    }
  });

  it.each<[AudioEncoding, Int16Array]>([
    ['MULAW', MULAW_AMPLITUDES],
    ['ALAW', ALAW_AMPLITUDES],
  ])('decode each %s byte', (encoding, amplitudes) => {
    const every = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    expect(decodeSamples(format(encoding), every)).toEqual([Float32Array.from(amplitudes, (value) => value / 32_768)]);
    expect(new Set(amplitudes).size).toBeGreaterThanOrEqual(255);
  });
});

describe('decoding', () => {
  it('does not depend on where in memory the bytes lie', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<AudioEncoding>('PCM_S16LE', 'PCM_F32LE', 'MULAW', 'ALAW'),
        fc.constantFrom(1, 2),
        fc.uint8Array({ maxLength: 64 }),
        (encoding, channels, raw) => {
          const bytes = raw.subarray(0, raw.length - (raw.length % 8));
          expect(decodeSamples(format(encoding, channels), misaligned(bytes))).toEqual(
            decodeSamples(format(encoding, channels), bytes),
          );
        },
      ),
    );
  });

  it('refuses bytes that end within a frame', () => {
    expect(() => decodeSamples(format('PCM_S16LE', 2), new Uint8Array(6))).toThrow(RangeError);
  });
});

describe('a malformation is found', () => {
  it('when the bytes are not whole frames', () => {
    expect(findMalformation(format('PCM_S16LE'), new Uint8Array(3))).toContain('3 bytes');
    expect(findMalformation(format('PCM_S16LE', 2), new Uint8Array(6))).toContain('4 bytes each');
    expect(findMalformation(format('MULAW', 2), new Uint8Array(1))).not.toBeNull();
  });

  it('when a float is not finite', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const bytes = misaligned(littleEndianFloats([0, 0.5, value]));
      expect(findMalformation(format('PCM_F32LE'), bytes)).toContain('byte 8');
    }
  });

  it('never in well-formed audio', () => {
    expect(findMalformation(format('PCM_S16LE', 2), littleEndian16([1, 2]))).toBeNull();
    expect(findMalformation(format('PCM_F32LE'), littleEndianFloats([1, -3]))).toBeNull();
    expect(findMalformation(format('ALAW'), Uint8Array.of(1, 2, 3))).toBeNull();
    expect(findMalformation(format('PCM_S16LE'), new Uint8Array(0))).toBeNull();
  });
});
