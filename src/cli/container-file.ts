import { open, type FileHandle } from 'node:fs/promises';
import { createDemuxer } from '../audio/containers/create-demuxer.ts';
import { MalformedAudioError } from '../audio/containers/malformed-audio-error.ts';
import {
  framesToMs,
  MAX_SAMPLE_RATE,
  MIN_SAMPLE_RATE,
  msToFrames,
  type ContainerEncoding,
  type ContainerFormat,
} from '../audio/format.ts';
import { CHUNK_MS, MAX_SEPARATE_CHANNELS, tooManyChannels, type ChannelHandling } from './audio-file.ts';
import type { AudioSource } from './audio-source.ts';
import { probeContainer, type ContainerProperties } from './container-probe.ts';
import { CommandLineError } from './errors.ts';
import { clock } from './live-captions.ts';
import { readAt } from './read-at.ts';

/** A piece of the file that completes a chunk's audio. */
interface Piece {
  /** Behind its last byte. */
  readonly end: number;
  /** Behind the audio that is complete by then, in frames. */
  readonly endFrame: number;
}

interface Scanned {
  readonly pieces: readonly Piece[];
  readonly isCutOff: boolean;
}

const READ_BYTES = 64 * 1024;
/** Few enough that a piece has not much more audio than a chunk should have. */
const STEP_BYTES = 512;
const HOW_TO_CONVERT = 'convert it, for example: ffmpeg -i in -ar 16000 -c:a pcm_s16le out.wav';

/** A file of WebM, Ogg, FLAC or MP3 as the chunks of a session: it is sent as it is, and decoded by the server. */
export class ContainerFile implements AudioSource {
  readonly format: ContainerFormat;
  readonly channels: number;
  readonly isCutOff: boolean;
  readonly #file: FileHandle;
  readonly #pieces: readonly Piece[];

  private constructor(file: FileHandle, format: ContainerFormat, channels: number, { pieces, isCutOff }: Scanned) {
    this.#file = file;
    this.format = format;
    this.channels = channels;
    this.isCutOff = isCutOff;
    this.#pieces = pieces;
  }

  /**
   * Reads all of it once, so that what is wrong with it is known before anything is sent.
   * @throws CommandLineError when it is no such container, is damaged, or has no audio in it
   */
  static async open(path: string, encoding: ContainerEncoding, handling: ChannelHandling): Promise<ContainerFile> {
    const file = await open(path);
    try {
      const found = await probeContainer(file, encoding);
      // Without a header that can be read, the parser says what is wrong.
      const { sampleRate, channels } = found ?? { sampleRate: 16_000, channels: 1 };
      checkProperties(path, { sampleRate, channels }, handling);
      const format = { encoding, sampleRate, channels: handling === 'separate' ? channels : 1 };
      const scanned = await scan(path, file, format);
      if (scanned.pieces.length === 0) throw new CommandLineError(`${path} has no audio in it`);
      return new ContainerFile(file, format, channels, scanned);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  get durationMs(): number {
    return this.startMs(this.chunkCount);
  }

  get chunkCount(): number {
    return this.#pieces.length;
  }

  startMs(sequence: number): number {
    return framesToMs(this.#pieces[sequence - 1]?.endFrame ?? 0, this.format.sampleRate);
  }

  async chunk(sequence: number): Promise<Uint8Array> {
    const start = this.#pieces[sequence - 1]?.end ?? 0;
    const length = (this.#pieces[sequence]?.end ?? start) - start;
    const bytes = await readAt(this.#file, start, length);
    if (bytes.length < length) throw new CommandLineError('the audio file has become shorter while it was read');
    return bytes;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

function checkProperties(path: string, found: ContainerProperties, handling: ChannelHandling): void {
  const { sampleRate, channels } = found;
  if (sampleRate < MIN_SAMPLE_RATE || sampleRate > MAX_SAMPLE_RATE) {
    throw new CommandLineError(
      `${path}: ${sampleRate} Hz is outside ${MIN_SAMPLE_RATE} to ${MAX_SAMPLE_RATE} Hz; ${HOW_TO_CONVERT}`,
    );
  }
  if (handling === 'separate' && channels > MAX_SEPARATE_CHANNELS) throw tooManyChannels(path, channels);
}

/** Finds out how long it is, and where its chunks end. @throws CommandLineError when it is damaged */
async function scan(path: string, file: FileHandle, format: ContainerFormat): Promise<Scanned> {
  const chunkFrames = msToFrames(CHUNK_MS, format.sampleRate);
  const pieces: Piece[] = [];
  let demuxer = createDemuxer(format);
  let end = 0;
  let endFrame = 0;
  try {
    for (;;) {
      const bytes = await readAt(file, end, READ_BYTES);
      if (bytes.length === 0) break;
      for (let at = 0; at < bytes.length; at += STEP_BYTES) {
        const step = bytes.subarray(at, at + STEP_BYTES);
        const { frames, next } = demuxer.take(step);
        demuxer = next;
        end += step.length;
        endFrame += frames;
        if (endFrame - (pieces.at(-1)?.endFrame ?? 0) >= chunkFrames) pieces.push({ end, endFrame });
      }
    }
    const { heldBytes } = demuxer;
    // A frame of FLAC tells its end by nothing but its checksum: a damaged one seems to go on and on.
    const rest = await readAt(file, end - heldBytes, heldBytes);
    if (demuxer.afterLoss(0).take(rest).frames > 0) throw new MalformedAudioError('a part of it is damaged');
  } catch (error) {
    if (!(error instanceof MalformedAudioError)) throw error;
    const where = endFrame === 0 ? '' : `, behind ${clock(framesToMs(endFrame, format.sampleRate))}`;
    throw new CommandLineError(`${path}: ${error.message}${where}; ${HOW_TO_CONVERT}`, { cause: error });
  }
  if (endFrame > (pieces.at(-1)?.endFrame ?? 0)) pieces.push({ end, endFrame });
  return { pieces, isCutOff: demuxer.heldBytes > 0 };
}
