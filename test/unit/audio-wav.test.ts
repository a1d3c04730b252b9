import { describe, expect, it } from 'vitest';
import type { AudioEncoding, SampleFormat } from '../../src/audio/format.ts';
import { parseWavHeader, UnsupportedWavError, wavHeader } from '../../src/audio/wav.ts';

const MONO: SampleFormat = { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 1 };

function ascii(text: string): number[] {
  return [...Buffer.from(text, 'latin1')];
}
function uint16(value: number): number[] {
  return [value & 0xff, value >> 8];
}
function uint32(value: number): number[] {
  return [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24];
}
function chunk(id: string, body: number[], size = body.length): number[] {
  return [...ascii(id), ...uint32(size), ...body, ...(body.length % 2 === 1 ? [0] : [])];
}
function riff(chunks: number[][], size?: number): Uint8Array {
  const body = chunks.flat();
  return Uint8Array.from([...ascii('RIFF'), ...uint32(size ?? body.length + 4), ...ascii('WAVE'), ...body]);
}
function fmt(tag: number, channels: number, rate: number, bits: number, extension: number[] = []): number[] {
  const align = channels * Math.ceil(bits / 8);
  const fields = [tag, channels].flatMap(uint16);
  return chunk('fmt ', [
    ...fields,
    ...uint32(rate),
    ...uint32(rate * align),
    ...uint16(align),
    ...uint16(bits),
    ...extension,
  ]);
}
function extensible(
  subFormatTag: number,
  tail = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71],
): number[] {
  return [...uint16(22), ...uint16(16), ...uint32(0), ...uint16(subFormatTag), ...tail];
}

describe('a WAV header that was written', () => {
  const formats: SampleFormat[] = (['PCM_S16LE', 'PCM_F32LE', 'MULAW', 'ALAW'] satisfies AudioEncoding[]).flatMap(
    (encoding) => [
      { encoding, sampleRate: 8_000, channels: 1 },
      { encoding, sampleRate: 48_000, channels: 2 },
    ],
  );

  it.each(formats)('reads back as the same: $encoding, $sampleRate Hz, $channels channels', (format) => {
    const header = wavHeader(format, 800);
    expect(parseWavHeader(header, header.length + 800)).toEqual({
      format,
      dataOffset: header.length,
      dataLength: 800,
      isCutOff: false,
    });
  });

  it('is the classic 44 bytes for 16-bit PCM', () => {
    expect(wavHeader(MONO, 6)).toEqual(riff([fmt(1, 1, 16_000, 16), chunk('data', [], 6)], 36 + 6));
  });

  it('counts the padding byte that odd data needs', () => {
    const header = wavHeader({ ...MONO, encoding: 'MULAW' }, 3);
    expect(new DataView(header.buffer).getUint32(4, true)).toBe(header.length - 8 + 4);
  });

  it('leaves the sizes open beyond 4 GiB, and the file is read to its end', () => {
    const dataBytes = 5 * 2 ** 30;
    const header = wavHeader(MONO, dataBytes);
    expect(parseWavHeader(header, header.length + dataBytes)?.dataLength).toBe(dataBytes);
    expect(parseWavHeader(header)?.dataLength).toBeNull();
  });
});

describe('reading a WAV file', () => {
  it('skips chunks that are not needed, padding included', () => {
    const file = riff([
      chunk('JUNK', [1, 2, 3]),
      fmt(1, 2, 44_100, 16),
      chunk('LIST', ascii('INFOISFT')),
      chunk('data', [1, 2, 3, 4]),
      chunk('id3 ', [9]),
    ]);
    const header = parseWavHeader(file, file.length);
    expect(header?.format).toEqual({ encoding: 'PCM_S16LE', sampleRate: 44_100, channels: 2 });
    expect(header?.dataLength).toBe(4);
    expect(file.subarray(header?.dataOffset, (header?.dataOffset ?? 0) + 4)).toEqual(Uint8Array.of(1, 2, 3, 4));
  });

  it.each<[AudioEncoding, number, number]>([
    ['PCM_S16LE', 1, 16],
    ['PCM_F32LE', 3, 32],
    ['ALAW', 6, 8],
    ['MULAW', 7, 8],
  ])('knows %s behind WAVE_FORMAT_EXTENSIBLE', (encoding, tag, bits) => {
    const file = riff([fmt(0xfffe, 1, 16_000, bits, extensible(tag)), chunk('data', [])]);
    expect(parseWavHeader(file)?.format.encoding).toBe(encoding);
  });

  it('asks for more while the samples have not begun', () => {
    const file = riff([chunk('LIST', ascii('INFO')), fmt(1, 1, 16_000, 16), chunk('data', [1, 2])]);
    const headerBytes = file.length - 2;
    for (let length = 0; length < headerBytes; length++) expect(parseWavHeader(file.subarray(0, length))).toBeNull();
    expect(parseWavHeader(file.subarray(0, headerBytes))?.dataOffset).toBe(headerBytes);
  });

  it('takes from a truncated file what is there, in whole frames', () => {
    const header = wavHeader({ ...MONO, channels: 2 }, 1000);
    expect(parseWavHeader(header, header.length + 403)?.dataLength).toBe(400);
    expect(parseWavHeader(header, header.length)?.dataLength).toBe(0);
  });

  it.each([
    ['0xFFFFFFFF', 0xffff_ffff, 0xffff_ffff],
    ['0 with an unfinished outer size', 0, 36],
    ['0 with no outer size', 0, 0],
    ['0 while streaming', 0, 0xffff_ffff],
  ])('reads to the end when the size of the samples is %s', (_, size, riffSize) => {
    const header = riff([fmt(1, 1, 16_000, 16), chunk('data', [], size)], riffSize);
    expect(parseWavHeader(header, header.length + 321)?.dataLength).toBe(320);
    expect(parseWavHeader(header)?.dataLength).toBeNull();
  });

  it('believes a size of 0 when other chunks follow', () => {
    const file = riff([fmt(1, 1, 16_000, 16), chunk('data', []), chunk('LIST', ascii('INFO'))]);
    expect(parseWavHeader(file, file.length)?.dataLength).toBe(0);
  });

  it('reads the header at any place in memory', () => {
    const header = wavHeader(MONO, 2);
    const shifted = new Uint8Array(header.length + 1);
    shifted.set(header, 1);
    expect(parseWavHeader(shifted.subarray(1))).toEqual(parseWavHeader(header));
  });
});

describe('a file that cannot be read says why and what to do', () => {
  it.each([
    ['24-bit PCM', riff([fmt(1, 1, 16_000, 24)]), /24-bit PCM is not supported.*ffmpeg .*pcm_s16le/],
    ['8-bit PCM', riff([fmt(1, 1, 16_000, 8)]), /8-bit PCM/],
    ['64-bit float', riff([fmt(3, 1, 16_000, 64)]), /64-bit float/],
    ['ADPCM', riff([fmt(2, 1, 16_000, 4)]), /0x0002/],
    ['an unknown extensible format', riff([fmt(0xfffe, 1, 16_000, 16, extensible(1, Array(14).fill(7)))]), /0xfffe/],
    ['96 kHz', riff([fmt(1, 1, 96_000, 16)]), /96000 Hz.*-ar 16000/],
    ['no channels', riff([fmt(1, 0, 16_000, 16)]), /no channels/],
    ['a short format chunk', riff([chunk('fmt ', [1, 0])]), /too short/],
    ['samples before their format', riff([chunk('data', [0, 0])]), /before/],
    ['RF64', Uint8Array.from([...ascii('RF64'), ...uint32(0), ...ascii('WAVE')]), /RF64/],
    ['MP3', Uint8Array.from(ascii('ID3 and then some')), /not a WAV file/],
  ])('%s', (_, file, message) => {
    expect(() => parseWavHeader(file)).toThrow(UnsupportedWavError);
    expect(() => parseWavHeader(file)).toThrow(message);
  });

  it('a file that ends before its samples begin', () => {
    const file = riff([fmt(1, 1, 16_000, 16)]);
    expect(() => parseWavHeader(file, file.length)).toThrow(/ends before/);
    expect(() => parseWavHeader(new Uint8Array(3), 3)).toThrow(/not a WAV/);
  });
});
