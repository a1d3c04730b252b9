import { MalformedAudioError } from './malformed-audio-error.ts';

/** Of a frame by the configuration in a packet's first byte, in samples at 48 kHz (RFC 6716, section 3.1, table 2). */
const SILK_FRAMES = [480, 960, 1_920, 2_880] as const;
const HYBRID_FRAMES = [480, 960] as const;
const CELT_FRAMES = [120, 240, 480, 960] as const;
/** 120 ms: no packet is longer (section 3.2.5). */
const MAX_PACKET_FRAMES = 5_760;
/** 48 frames of 1,275 bytes (sections 3.2.1 and 3.2.5), and some. */
export const MAX_OPUS_PACKET_BYTES = 65_536;

/**
 * How long a packet is, in samples at 48 kHz, from its first bytes (RFC 6716, section 3).
 * @throws MalformedAudioError when it is none
 */
export function opusPacketFrames(packet: Uint8Array): number {
  const [first, second] = packet;
  if (first === undefined) throw new MalformedAudioError('an Opus packet is empty');
  if (packet.length > MAX_OPUS_PACKET_BYTES) {
    throw new MalformedAudioError(`an Opus packet claims ${packet.length} bytes, which no audio needs`);
  }
  const configuration = first >> 3;
  let frame: number | undefined;
  if (configuration < 12) frame = SILK_FRAMES[configuration & 3];
  else if (configuration < 16) frame = HYBRID_FRAMES[configuration & 1];
  else frame = CELT_FRAMES[configuration & 3];
  const code = first & 3;
  let count = code === 0 ? 1 : 2;
  if (code === 3) {
    if (second === undefined)
      throw new MalformedAudioError('an Opus packet ends before it says how many frames it has');
    count = second & 0x3f;
  }
  const frames = (frame ?? 0) * count;
  if (frames === 0 || frames > MAX_PACKET_FRAMES) {
    throw new MalformedAudioError(`an Opus packet claims ${frames / 48} ms; packets have 2.5 to 120 ms`);
  }
  return frames;
}

export interface OpusHead {
  readonly channels: number;
  /** Samples at 48 kHz that a decoder gives before the recording begins. */
  readonly preSkip: number;
}

const MAGIC = 'OpusHead';

export function isOpusHead(packet: Uint8Array): boolean {
  return MAGIC.split('').every((character, index) => packet[index] === character.charCodeAt(0));
}

/**
 * The identification header (RFC 7845, section 5.1), which WebM keeps as the track's private data.
 * @param wantedChannels of the session: 1 takes stereo as well
 * @throws MalformedAudioError when it is none, or of audio that the session can't take
 */
export function readOpusHead(packet: Uint8Array, wantedChannels: number): OpusHead {
  if (!isOpusHead(packet) || packet.length < 19) throw new MalformedAudioError('the Opus header is none');
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const channels = view.getUint8(9);
  if (view.getUint8(8) >> 4 !== 0) throw new MalformedAudioError('the Opus header is of a version that is not known');
  if (view.getUint8(18) !== 0 || channels < 1 || channels > 2) {
    throw new MalformedAudioError('the Opus stream has more than two channels: send mono or stereo');
  }
  requireChannels(channels, wantedChannels);
  return { channels, preSkip: view.getUint16(10, true) };
}

/** @throws MalformedAudioError when the session has channels that the container lacks */
export function requireChannels(channels: number, wantedChannels: number): void {
  if (channels >= wantedChannels) return;
  throw new MalformedAudioError(
    `the audio has ${channels} channel, the session ${wantedChannels}: start a session with channels ${channels}`,
  );
}

/** Opus packets say themselves all that a decoder must know. */
export const NO_CONFIG = new Uint8Array(0);
