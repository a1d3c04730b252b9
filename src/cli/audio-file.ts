import { open, type FileHandle } from 'node:fs/promises';
import { bytesPerFrame, framesToMs, type AudioFormat } from '../audio/format.ts';
import { decodeSamples } from '../audio/decode.ts';
import { parseWavHeader, UnsupportedWavError, type WavHeader } from '../audio/wav.ts';
import type { AudioSource } from './audio-source.ts';
import { CommandLineError } from './errors.ts';
import { readAt } from './read-at.ts';
import { whyUnreadable } from './unreadable.ts';

/** Length of a chunk, in milliseconds. */
export const CHUNK_MS = 100;

const FIRST_HEADER_BYTES = 64 * 1024;

/** What becomes of several channels: one, or each is transcribed by itself. */
export const CHANNEL_HANDLINGS = ['mix', 'separate'] as const;
export type ChannelHandling = (typeof CHANNEL_HANDLINGS)[number];
/** As many as a session may have. */
export const MAX_SEPARATE_CHANNELS = 2;

/**
 * A WAV file as the chunks of a session: any chunk can be read again at any time, which is what a client needs that must
 * resend. Several channels are mixed down to one, unless they are to be kept apart.
 */
export class AudioFile implements AudioSource {
  /** The format of the chunks. */
  readonly format: AudioFormat;
  /** Channels in the file. */
  readonly channels: number;
  readonly durationMs: number;
  readonly isCutOff: boolean;
  readonly #file: FileHandle;
  readonly #source: AudioFormat;
  readonly #dataOffset: number;
  readonly #frames: number;
  readonly #framesPerChunk: number;

  private constructor(file: FileHandle, header: WavHeader, dataLength: number, handling: ChannelHandling) {
    this.#file = file;
    this.#source = header.format;
    this.#dataOffset = header.dataOffset;
    this.channels = header.format.channels;
    this.format =
      handling === 'separate' || header.format.channels === 1
        ? header.format
        : { encoding: 'PCM_S16LE', sampleRate: header.format.sampleRate, channels: 1 };
    this.#frames = dataLength / bytesPerFrame(header.format);
    this.#framesPerChunk = Math.floor((header.format.sampleRate * CHUNK_MS) / 1000);
    this.isCutOff = header.isCutOff;
    this.durationMs = framesToMs(this.#frames, header.format.sampleRate);
  }

  /**
   * @throws CommandLineError when there is no such file, it is no WAV file with samples that can be sent, or it has more
   *   channels than can be transcribed separately.
   */
  static async open(path: string, handling: ChannelHandling = 'mix'): Promise<AudioFile> {
    const file = await open(path).catch((error: unknown) => {
      throw new CommandLineError(`cannot read ${path}: ${whyUnreadable(error)}`, { cause: error });
    });
    try {
      const stats = await file.stat();
      if (!stats.isFile()) throw new CommandLineError(`cannot read ${path}: it is not a file`);
      const header = await readHeader(file, stats.size);
      const dataLength = header.dataLength ?? 0;
      if (dataLength === 0) throw new CommandLineError(`${path} has no audio in it`);
      const { channels } = header.format;
      if (handling === 'separate' && channels > MAX_SEPARATE_CHANNELS) {
        throw tooManyChannels(path, channels);
      }
      return new AudioFile(file, header, dataLength, handling);
    } catch (error) {
      await file.close();
      if (error instanceof UnsupportedWavError) {
        throw new CommandLineError(`${path}: ${error.message}`, { cause: error });
      }
      throw error;
    }
  }

  get chunkCount(): number {
    return Math.ceil(this.#frames / this.#framesPerChunk);
  }

  /** Where in the file a chunk begins, in milliseconds. */
  startMs(sequence: number): number {
    return framesToMs(Math.min(sequence * this.#framesPerChunk, this.#frames), this.format.sampleRate);
  }

  /** @param sequence from 0, below `chunkCount` */
  async chunk(sequence: number): Promise<Uint8Array> {
    const frameBytes = bytesPerFrame(this.#source);
    const firstFrame = sequence * this.#framesPerChunk;
    const length = Math.min(this.#framesPerChunk, this.#frames - firstFrame) * frameBytes;
    const bytes = await readAt(this.#file, this.#dataOffset + firstFrame * frameBytes, length);
    if (bytes.length < length) throw new CommandLineError('the audio file has become shorter while it was read');
    return this.channels === this.format.channels ? bytes : mixDown(decodeSamples(this.#source, bytes));
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

export function tooManyChannels(path: string, channels: number): CommandLineError {
  return new CommandLineError(
    `${path} has ${channels} channels: ${MAX_SEPARATE_CHANNELS} at most are transcribed separately, mix them (--channels mix)`,
  );
}

async function readHeader(file: FileHandle, fileBytes: number): Promise<WavHeader> {
  // Titles, pictures and the like may stand before the samples, as much as their writer liked.
  for (let length = FIRST_HEADER_BYTES; ; length *= 4) {
    const { buffer, bytesRead } = await file.read(new Uint8Array(Math.min(length, fileBytes)), { position: 0 });
    const header = parseWavHeader(buffer.subarray(0, bytesRead), fileBytes);
    if (header !== null) return header;
  }
}

/** The mean of the channels, as 16-bit PCM. */
function mixDown(channels: readonly Float32Array[]): Uint8Array {
  const frames = channels[0]?.length ?? 0;
  const bytes = new Uint8Array(frames * 2);
  const view = new DataView(bytes.buffer);
  for (let frame = 0; frame < frames; frame++) {
    let sum = 0;
    for (const samples of channels) sum += samples[frame] ?? 0;
    const sample = Math.round((sum / channels.length) * 32_768);
    view.setInt16(frame * 2, Math.min(32_767, Math.max(-32_768, sample)), true);
  }
  return bytes;
}
