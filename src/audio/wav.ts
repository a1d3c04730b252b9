import { bytesPerFrame, MAX_SAMPLE_RATE, MIN_SAMPLE_RATE, type SampleEncoding, type SampleFormat } from './format.ts';

// "Multimedia Programming Interface and Data Specifications 1.0" (IBM and Microsoft, 1991) for RIFF and WAVE;
// WAVEFORMATEX and WAVEFORMATEXTENSIBLE as in Microsoft's mmreg.h.
const FORMAT_PCM = 0x0001;
const FORMAT_IEEE_FLOAT = 0x0003;
const FORMAT_ALAW = 0x0006;
const FORMAT_MULAW = 0x0007;
const FORMAT_EXTENSIBLE = 0xfffe;
const FORMAT_TAGS: Record<SampleEncoding, number> = {
  PCM_S16LE: FORMAT_PCM,
  PCM_F32LE: FORMAT_IEEE_FLOAT,
  ALAW: FORMAT_ALAW,
  MULAW: FORMAT_MULAW,
};
/** The tail that a GUID of WAVEFORMATEXTENSIBLE has when its first two bytes are a plain format tag. */
const SUBFORMAT_TAIL = Uint8Array.of(0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71);
/** What a writer puts that cannot seek back to fill in the size. */
const SIZE_UNKNOWN = 0xffff_ffff;

const HOW_TO_CONVERT = 'convert it, for example: ffmpeg -i in.wav -ar 16000 -c:a pcm_s16le out.wav';

export interface WavHeader {
  readonly format: SampleFormat;
  /** Byte of the file at which the samples begin. */
  readonly dataOffset: number;
  /** Bytes of samples, whole frames; `null` when only the end of the stream will tell. */
  readonly dataLength: number | null;
  /** The file has fewer bytes of them than its header says. */
  readonly isCutOff: boolean;
}

/** A file that is not WAV, or whose samples Verbatim does not read; the message says what to do. */
export class UnsupportedWavError extends Error {
  override readonly name = 'UnsupportedWavError';
}

/**
 * Reads the header of a WAV file from its first bytes.
 *
 * @param prefix the file from its beginning, as much as is there.
 * @param fileBytes length of the whole file, when known: a truncated file then has the samples that are there, and a file
 *   whose writer never filled in the size has all that follows.
 * @returns `null` when the prefix ends before the samples begin: call again with more.
 * @throws UnsupportedWavError
 */
export function parseWavHeader(prefix: Uint8Array, fileBytes?: number): WavHeader | null {
  const view = new DataView(prefix.buffer, prefix.byteOffset, prefix.byteLength);
  if (prefix.length < 12) return fileBytes !== undefined && fileBytes < 12 ? notWav() : null;
  const container = fourCharacters(view, 0);
  if (container === 'RF64')
    throw new UnsupportedWavError(`RF64 (WAV beyond 4 GiB) is not supported; ${HOW_TO_CONVERT}`);
  if (container !== 'RIFF' || fourCharacters(view, 8) !== 'WAVE') return notWav();
  const riffBytes = view.getUint32(4, true);

  let format: SampleFormat | null = null;
  for (let offset = 12; offset + 8 <= prefix.length;) {
    const id = fourCharacters(view, offset);
    const size = view.getUint32(offset + 4, true);
    const body = offset + 8;
    if (id === 'data') {
      if (format === null) throw new UnsupportedWavError('the WAV file has samples before it says their format');
      // Zero is also what a writer leaves that died or streams; then the outer size counts nothing beyond it either.
      const sizeUnknown =
        size === SIZE_UNKNOWN || (size === 0 && (riffBytes === SIZE_UNKNOWN || riffBytes + 8 <= body));
      const length = dataLength(format, sizeUnknown ? null : size, body, fileBytes);
      const isCutOff = !sizeUnknown && length !== null && length + bytesPerFrame(format) <= size;
      return { format, dataOffset: body, dataLength: length, isCutOff };
    }
    if (id === 'fmt ') {
      if (body + size > prefix.length) break;
      format = readWavFormat(new DataView(prefix.buffer, prefix.byteOffset + body, size));
    }
    offset = body + size + (size % 2);
  }
  if (fileBytes !== undefined && prefix.length >= fileBytes) {
    throw new UnsupportedWavError('the WAV file ends before its samples begin');
  }
  return null;
}

/**
 * The header of a WAV file, to be followed by `dataBytes` of samples (and one more byte when that is odd, as RIFF wants).
 * Its length depends on the format only. Beyond 4 GiB the sizes say "until the end", as in a stream.
 */
export function wavHeader(format: SampleFormat, dataBytes: number): Uint8Array {
  const isPcm = format.encoding === 'PCM_S16LE';
  // All but plain PCM carry an extension size and a `fact` chunk with the number of frames.
  const formatBytes = isPcm ? 16 : 18;
  const headerBytes = 12 + 8 + formatBytes + (isPcm ? 0 : 12) + 8;
  const riffBytes = headerBytes - 8 + dataBytes + (dataBytes % 2);
  const frameBytes = bytesPerFrame(format);
  const tooLong = riffBytes >= SIZE_UNKNOWN;

  const header = new Uint8Array(headerBytes);
  const view = new DataView(header.buffer);
  writeCharacters(header, 0, 'RIFF');
  view.setUint32(4, tooLong ? SIZE_UNKNOWN : riffBytes, true);
  writeCharacters(header, 8, 'WAVEfmt ');
  view.setUint32(16, formatBytes, true);
  view.setUint16(20, FORMAT_TAGS[format.encoding], true);
  view.setUint16(22, format.channels, true);
  view.setUint32(24, format.sampleRate, true);
  view.setUint32(28, format.sampleRate * frameBytes, true);
  view.setUint16(32, frameBytes, true);
  view.setUint16(34, (frameBytes / format.channels) * 8, true);
  if (!isPcm) {
    writeCharacters(header, 38, 'fact');
    view.setUint32(42, 4, true);
    view.setUint32(46, tooLong ? SIZE_UNKNOWN : dataBytes / frameBytes, true);
  }
  writeCharacters(header, headerBytes - 8, 'data');
  view.setUint32(headerBytes - 4, tooLong ? SIZE_UNKNOWN : dataBytes, true);
  return header;
}

function notWav(): never {
  throw new UnsupportedWavError(`this is not a WAV file; ${HOW_TO_CONVERT}`);
}

function dataLength(
  format: SampleFormat,
  declared: number | null,
  dataOffset: number,
  fileBytes: number | undefined,
): number | null {
  const there = fileBytes === undefined ? null : Math.max(0, fileBytes - dataOffset);
  const known = declared === null ? there : Math.min(declared, there ?? declared);
  return known === null ? null : known - (known % bytesPerFrame(format));
}

/**
 * The body of a chunk `fmt `.
 * @throws UnsupportedWavError
 */
export function readWavFormat(view: DataView): SampleFormat {
  if (view.byteLength < 16) throw new UnsupportedWavError('the WAV file has a format chunk that is too short');
  const channels = view.getUint16(2, true);
  const sampleRate = view.getUint32(4, true);
  const bitsPerSample = view.getUint16(14, true);
  const encoding = encodingOf(effectiveTag(view), bitsPerSample);
  if (channels === 0) throw new UnsupportedWavError('the WAV file says that it has no channels');
  if (sampleRate < MIN_SAMPLE_RATE || sampleRate > MAX_SAMPLE_RATE) {
    throw new UnsupportedWavError(
      `${sampleRate} Hz is outside ${MIN_SAMPLE_RATE} to ${MAX_SAMPLE_RATE} Hz; ${HOW_TO_CONVERT}`,
    );
  }
  const format: SampleFormat = { encoding, sampleRate, channels };
  if (view.getUint16(12, true) !== bytesPerFrame(format)) {
    throw new UnsupportedWavError(`the WAV file's samples are padded in an unusual way; ${HOW_TO_CONVERT}`);
  }
  return format;
}

function effectiveTag(view: DataView): number {
  const tag = view.getUint16(0, true);
  if (tag !== FORMAT_EXTENSIBLE || view.byteLength < 40) return tag;
  const isPlainTag = SUBFORMAT_TAIL.every((byte, index) => view.getUint8(26 + index) === byte);
  return isPlainTag ? view.getUint16(24, true) : tag;
}

function encodingOf(tag: number, bitsPerSample: number): SampleEncoding {
  if (tag === FORMAT_PCM && bitsPerSample === 16) return 'PCM_S16LE';
  if (tag === FORMAT_IEEE_FLOAT && bitsPerSample === 32) return 'PCM_F32LE';
  if (tag === FORMAT_MULAW && bitsPerSample === 8) return 'MULAW';
  if (tag === FORMAT_ALAW && bitsPerSample === 8) return 'ALAW';
  const what =
    tag === FORMAT_PCM
      ? `${bitsPerSample}-bit PCM`
      : tag === FORMAT_IEEE_FLOAT
        ? `${bitsPerSample}-bit float`
        : `WAV format 0x${tag.toString(16).padStart(4, '0')}`;
  throw new UnsupportedWavError(
    `${what} is not supported (16-bit PCM, 32-bit float, mu-law and A-law are); ${HOW_TO_CONVERT}`,
  );
}

function fourCharacters(view: DataView, offset: number): string {
  return String.fromCharCode(...[0, 1, 2, 3].map((index) => view.getUint8(offset + index)));
}

function writeCharacters(target: Uint8Array, offset: number, characters: string): void {
  target.set(new TextEncoder().encode(characters), offset);
}
