/** Bytes that are samples. Multi-byte encodings are little-endian. */
export type SampleEncoding = 'PCM_S16LE' | 'PCM_F32LE' | 'MULAW' | 'ALAW';
/** Bytes that are a file, or a stream that looks like one: headers, and packets of encoded audio. */
export type ContainerEncoding = 'WEBM_OPUS' | 'OGG_OPUS' | 'FLAC' | 'MP3' | 'WAV';
/** How the bytes of a session's chunks encode audio. */
export type AudioEncoding = SampleEncoding | ContainerEncoding;

/** All of them, as sessions may be started with. */
export const AUDIO_ENCODINGS = [
  'PCM_S16LE',
  'PCM_F32LE',
  'MULAW',
  'ALAW',
  'WEBM_OPUS',
  'OGG_OPUS',
  'FLAC',
  'MP3',
  'WAV',
] as const satisfies readonly AudioEncoding[];

/** The format a session was started with; it never changes within a session. */
export interface AudioFormat {
  readonly encoding: AudioEncoding;
  /** Frames per second, 8,000 to 48,000; that of a container is what its header says, and always 48,000 for Opus. */
  readonly sampleRate: number;
  /** Interleaved channels. A container with more of them is mixed down to 1. */
  readonly channels: number;
}

/** A format whose chunks are whole frames. */
export interface SampleFormat extends AudioFormat {
  readonly encoding: SampleEncoding;
}

/** A format whose chunks are any pieces of a container. */
export interface ContainerFormat extends AudioFormat {
  readonly encoding: ContainerEncoding;
}

/** Opus counts at 48 kHz, whatever was recorded (RFC 7845, section 4). */
export const OPUS_RATE = 48_000;

const BYTES_PER_SAMPLE: Record<SampleEncoding, number> = {
  PCM_S16LE: 2,
  PCM_F32LE: 4,
  MULAW: 1,
  ALAW: 1,
};

export const MIN_SAMPLE_RATE = 8_000;
export const MAX_SAMPLE_RATE = 48_000;

export function isContainer(format: AudioFormat): format is ContainerFormat {
  return !isSamples(format);
}

export function isSamples(format: AudioFormat): format is SampleFormat {
  return Object.hasOwn(BYTES_PER_SAMPLE, format.encoding);
}

/** The format as a session has it: the rate of Opus is always the same, whatever a client gave. */
export function normaliseFormat(format: AudioFormat): AudioFormat {
  const isOpus = format.encoding === 'WEBM_OPUS' || format.encoding === 'OGG_OPUS';
  return isOpus ? { ...format, sampleRate: OPUS_RATE } : format;
}

/**
 * Bytes of one frame: one sample of every channel.
 * @throws RangeError for a container, whose frames have no fixed size
 */
export function bytesPerFrame(format: AudioFormat): number {
  if (!isSamples(format)) throw new RangeError(`${format.encoding} has no frames of a fixed size`);
  return BYTES_PER_SAMPLE[format.encoding] * format.channels;
}

/** Milliseconds that `frames` last, rounded down, so that positions never run ahead of the audio. */
export function framesToMs(frames: number, sampleRate: number): number {
  return Math.floor((frames * 1000) / sampleRate);
}

/**
 * Frames that cover `ms` milliseconds, rounded up, so that `framesToMs(msToFrames(ms))` is `ms` again at every rate.
 */
export function msToFrames(ms: number, sampleRate: number): number {
  return Math.ceil((ms * sampleRate) / 1000);
}

export function sameFormat(a: AudioFormat, b: AudioFormat): boolean {
  return a.encoding === b.encoding && a.sampleRate === b.sampleRate && a.channels === b.channels;
}
