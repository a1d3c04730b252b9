/** How the bytes of a chunk encode samples. Multi-byte encodings are little-endian. */
export type AudioEncoding = 'PCM_S16LE' | 'PCM_F32LE' | 'MULAW' | 'ALAW';

/** The format a session was started with; it never changes within a session. */
export interface AudioFormat {
  readonly encoding: AudioEncoding;
  /** Frames per second, 8,000 to 48,000. */
  readonly sampleRate: number;
  /** Interleaved channels. */
  readonly channels: number;
}

const BYTES_PER_SAMPLE: Record<AudioEncoding, number> = {
  PCM_S16LE: 2,
  PCM_F32LE: 4,
  MULAW: 1,
  ALAW: 1,
};

export const MIN_SAMPLE_RATE = 8_000;
export const MAX_SAMPLE_RATE = 48_000;

/** Bytes of one frame: one sample of every channel. */
export function bytesPerFrame(format: AudioFormat): number {
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
