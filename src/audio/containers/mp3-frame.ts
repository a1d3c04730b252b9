/** The header of an MPEG audio frame, layer III (ISO/IEC 11172-3, section 2.4.1.3; ISO/IEC 13818-3, section 2.4.2). */
export interface Mp3Frame {
  readonly sampleRate: number;
  readonly channels: number;
  /** Header included, in bytes. */
  readonly length: number;
  /** That it decodes to. */
  readonly samples: number;
  /** Where the main data would begin were there no reservoir, in bytes. */
  readonly sideEnd: number;
}

export const MP3_HEADER_BYTES = 4;

const RATES: readonly number[] = [44_100, 48_000, 32_000];
/** Of layer III, in kbit/s: MPEG 1, and its extensions to lower rates. */
const BITRATES_1: readonly number[] = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const BITRATES_2: readonly number[] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];

/** @param at where four bytes are there. @returns `null` when no frame of layer III begins here */
export function readMp3Header(bytes: Uint8Array, at: number): Mp3Frame | null {
  const [first, second, third, fourth] = bytes.subarray(at, at + MP3_HEADER_BYTES);
  if (first !== 0xff || second === undefined || third === undefined || fourth === undefined) return null;
  // Eleven bits of sync; version (1 is reserved) and layer (1 is III).
  const version = (second >> 3) & 3;
  if (second < 0xe0 || version === 1 || ((second >> 1) & 3) !== 1) return null;
  const isMpeg1 = version === 3;
  const base = RATES[(third >> 2) & 3];
  const bitrate = (isMpeg1 ? BITRATES_1 : BITRATES_2)[third >> 4];
  // Without a bitrate ("free format") only a search would tell how long it is.
  if (base === undefined || bitrate === undefined || bitrate === 0) return null;
  const sampleRate = base / (isMpeg1 ? 1 : version === 2 ? 2 : 4);
  const padding = (third >> 1) & 1;
  const length = Math.floor(((isMpeg1 ? 144_000 : 72_000) * bitrate) / sampleRate) + padding;
  const channels = fourth >> 6 === 3 ? 1 : 2;
  const sideBytes = isMpeg1 ? (channels === 1 ? 17 : 32) : channels === 1 ? 9 : 17;
  const crcBytes = (second & 1) === 0 ? 2 : 0;
  return {
    sampleRate,
    channels,
    length,
    samples: isMpeg1 ? 1_152 : 576,
    sideEnd: MP3_HEADER_BYTES + crcBytes + sideBytes,
  };
}
