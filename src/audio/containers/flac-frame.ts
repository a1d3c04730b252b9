import { BitReader, OutOfBitsError } from './bit-reader.ts';
import { flacCrc8 } from './crc.ts';

/** What the header of a FLAC stream says of it (RFC 9639, section 8.2). */
export interface StreamInfo {
  readonly minBlock: number;
  readonly maxBlock: number;
  readonly sampleRate: number;
  readonly channels: number;
  readonly bitsPerSample: number;
}

export const STREAM_INFO_BYTES = 34;

export function readStreamInfo(body: Uint8Array): StreamInfo {
  const view = new DataView(body.buffer, body.byteOffset, STREAM_INFO_BYTES);
  const packed = view.getUint32(10);
  return {
    minBlock: view.getUint16(0),
    maxBlock: view.getUint16(2),
    sampleRate: packed >>> 12,
    channels: ((packed >> 9) & 7) + 1,
    bitsPerSample: ((packed >> 4) & 31) + 1,
  };
}

export interface FlacFrame {
  /** First sample of the frame within its stream. */
  readonly firstSample: number;
  readonly samples: number;
  readonly channels: number;
  readonly bitsPerSample: number;
  /** Channel that holds a difference, which has one bit more; `null`: none. */
  readonly sideChannel: number | null;
  readonly headerBytes: number;
}

const RATES = [0, 88_200, 176_400, 192_000, 8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000];
const DEPTHS = [0, 8, 12, 0, 16, 20, 24, 32];
/** Channel assignments 8 to 10: left and side, side and right, middle and side. */
const SIDE_CHANNELS = [1, 0, 1];

/**
 * The header of a frame (RFC 9639, section 9.1).
 * @returns `null` when none of this stream begins here; `'more'` when it is not all there yet
 */
export function readFlacHeader(bytes: Uint8Array, at: number, info: StreamInfo): FlacFrame | null | 'more' {
  const there = bytes.length - at;
  if (there < 2) return bytes[at] === 0xff ? 'more' : null;
  if (bytes[at] !== 0xff || ((bytes[at + 1] ?? 0) & 0xfe) !== 0xf8) return null;
  try {
    return parseHeader(bytes, at, info);
  } catch (error) {
    if (error instanceof OutOfBitsError) return 'more';
    throw error;
  }
}

function parseHeader(bytes: Uint8Array, at: number, info: StreamInfo): FlacFrame | null {
  const reader = new BitReader(bytes, at);
  reader.skip(15);
  const isVariable = reader.read(1) === 1;
  const blockCode = reader.read(4);
  const rateCode = reader.read(4);
  const assignment = reader.read(4);
  const depthCode = reader.read(3);
  reader.skip(1);
  const number = readCodedNumber(reader);
  if (number === null || blockCode === 0 || rateCode === 15 || depthCode === 3 || assignment > 10) return null;
  let samples = 192;
  if (blockCode === 6) samples = reader.read(8) + 1;
  else if (blockCode === 7) samples = reader.read(16) + 1;
  else if (blockCode >= 8) samples = 256 << (blockCode - 8);
  else if (blockCode > 1) samples = 576 << (blockCode - 2);
  let rate = rateCode === 0 ? info.sampleRate : (RATES[rateCode] ?? 0);
  if (rateCode === 12) rate = reader.read(8) * 1_000;
  else if (rateCode >= 13) rate = reader.read(16) * (rateCode === 14 ? 10 : 1);
  const headerEnd = reader.byteEnd;
  if (reader.read(8) !== flacCrc8(bytes, at, headerEnd)) return null;
  const channels = assignment < 8 ? assignment + 1 : 2;
  const bitsPerSample = depthCode === 0 ? info.bitsPerSample : (DEPTHS[depthCode] ?? 0);
  // All frames are alike in what a stream is: what isn't was found by chance.
  if (rate !== info.sampleRate || channels !== info.channels || bitsPerSample !== info.bitsPerSample) return null;
  if (samples > info.maxBlock && info.maxBlock > 0) return null;
  return {
    firstSample: isVariable ? number : number * (info.minBlock === info.maxBlock ? info.minBlock : samples),
    samples,
    channels,
    bitsPerSample,
    sideChannel: SIDE_CHANNELS[assignment - 8] ?? null,
    headerBytes: headerEnd + 1 - at,
  };
}

/** Up to 36 bits in the way of UTF-8 (section 9.1.5). */
function readCodedNumber(reader: BitReader): number | null {
  const first = reader.read(8);
  if (first < 0x80) return first;
  const length = Math.clz32(~(first << 24));
  if (length < 2 || length > 7) return null;
  let value = first & (0x7f >> length);
  for (let index = 1; index < length; index++) {
    const byte = reader.read(8);
    if (byte >> 6 !== 2) return null;
    value = value * 64 + (byte & 0x3f);
  }
  return value;
}

/**
 * Where a frame ends, its checksum included, by walking through its subframes (RFC 9639, sections 9.2 and 9.3).
 * @returns `null` when it is longer than the bytes that are there; `'malformed'` when it can't be
 */
export function flacFrameEnd(bytes: Uint8Array, at: number, frame: FlacFrame): number | null | 'malformed' {
  const reader = new BitReader(bytes, at + frame.headerBytes);
  try {
    for (let channel = 0; channel < frame.channels; channel++) {
      const depth = frame.bitsPerSample + (channel === frame.sideChannel ? 1 : 0);
      if (!passSubframe(reader, frame.samples, depth)) return 'malformed';
    }
  } catch (error) {
    if (error instanceof OutOfBitsError) return null;
    throw error;
  }
  const end = reader.byteEnd + 2;
  return end > bytes.length ? null : end;
}

function passSubframe(reader: BitReader, samples: number, depth: number): boolean {
  if (reader.read(1) !== 0) return false;
  const type = reader.read(6);
  const wasted = reader.read(1) === 0 ? 0 : reader.readUnary() + 1;
  const bits = depth - wasted;
  if (bits <= 0) return false;
  if (type === 0) {
    reader.skip(bits);
    return true;
  }
  if (type === 1) {
    reader.skip(bits * samples);
    return true;
  }
  if (type >= 8 && type <= 12) return passPredicted(reader, samples, type - 8, bits);
  if (type < 32) return false;
  const order = type - 31;
  reader.skip(bits * order);
  const precision = reader.read(4) + 1;
  if (precision === 16) return false;
  reader.skip(5 + precision * order);
  return passResidual(reader, samples, order);
}

function passPredicted(reader: BitReader, samples: number, order: number, bits: number): boolean {
  reader.skip(bits * order);
  return passResidual(reader, samples, order);
}

/** Partitions of Rice codes (section 9.2.7). */
function passResidual(reader: BitReader, samples: number, order: number): boolean {
  const method = reader.read(2);
  if (method > 1) return false;
  const parameterBits = method === 0 ? 4 : 5;
  const escape = 2 ** parameterBits - 1;
  const partitions = 2 ** reader.read(4);
  if (samples % partitions !== 0 || samples / partitions < order) return false;
  for (let partition = 0; partition < partitions; partition++) {
    const count = samples / partitions - (partition === 0 ? order : 0);
    const parameter = reader.read(parameterBits);
    if (parameter === escape) {
      reader.skip(reader.read(5) * count);
      continue;
    }
    for (let index = 0; index < count; index++) {
      reader.readUnary();
      reader.skip(parameter);
    }
  }
  return true;
}
