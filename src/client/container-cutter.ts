import type { DemuxedItem } from '../audio/chunk-framing.ts';
import { createDemuxer } from '../audio/containers/create-demuxer.ts';
import type { DemuxedChunk, Demuxer } from '../audio/containers/demuxer.ts';
import { MalformedAudioError } from '../audio/containers/malformed-audio-error.ts';
import type { ContainerFormat } from '../audio/format.ts';
import type { AudioCutter, GivePiece } from './audio-cutter.ts';
import { VerbatimError } from './errors.ts';
import { joinBytes, type AudioPiece } from './timeline.ts';

interface CutterLimits {
  /** Largest piece, in bytes. */
  readonly maxChunkBytes: number;
  /** Most bytes without any audio that are waited for: headers may have pictures in them. */
  readonly maxBufferedBytes: number;
}

/** Bytes that are looked at in one go: a longer piece of a container would bring more audio at once than a chunk has. */
const STEP_BYTES = 512;

/**
 * Cuts a container behind its packets, with the parsers that the server reads it with: each piece has at least one frame, and
 * lasts as long as the server will find it to. So a piece has its place on the timeline, and what stays in its place when it
 * has to be given up is a gap behind which the stream can be read on.
 */
export class ContainerCutter implements AudioCutter {
  readonly #format: ContainerFormat;
  readonly #chunkFrames: number;
  readonly #limits: CutterLimits;
  /** As the server will be before the bytes that wait. */
  #before: Demuxer;
  /** Behind them. */
  #behind: Demuxer;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #waitingFrames = 0;
  /** Of those, what is before the last place where the container can be cut. */
  #cutBytes = 0;
  #cutFrames = 0;

  constructor(format: ContainerFormat, chunkFrames: number, limits: CutterLimits) {
    this.#format = format;
    this.#chunkFrames = chunkFrames;
    this.#limits = limits;
    this.#before = createDemuxer(format);
    this.#behind = this.#before;
  }

  write(bytes: Uint8Array, give: GivePiece): void {
    for (let start = 0; start < bytes.length; start += STEP_BYTES) {
      this.#add(bytes.slice(start, start + STEP_BYTES), give);
    }
  }

  skip(frames: number, give: GivePiece): void {
    this.#flush(give);
    // Whole packets beside one that will never be.
    if (this.#waitingFrames > 0) this.end(give);
    this.#before = this.#before.afterLoss(frames);
    // Headers are needed behind the gap as well.
    const rest = joinBytes(this.#waiting);
    this.#forgetWaiting();
    this.#keep(rest, this.#before.take(rest));
  }

  end(give: GivePiece): void {
    this.#cutBytes = this.#waitingBytes;
    this.#cutFrames = this.#waitingFrames;
    this.#flush(give);
  }

  /** Gives what is before the last place to cut. */
  #flush(give: GivePiece): void {
    if (this.#cutFrames === 0) return;
    const all = joinBytes(this.#waiting);
    const bytes = all.slice(0, this.#cutBytes);
    const { items, frames, next } = this.#before.take(bytes);
    const parts = Math.ceil(bytes.length / this.#limits.maxChunkBytes);
    // Where the server will find less in it by itself than in what it comes with, more is needed.
    if (frames < parts) return;
    this.#before = next;
    this.#waiting = [all.slice(this.#cutBytes)];
    this.#waitingBytes -= this.#cutBytes;
    this.#waitingFrames -= this.#cutFrames;
    this.#cutBytes = 0;
    this.#cutFrames = 0;
    this.#giveInParts(bytes, frames, parts, items, give);
  }

  #add(bytes: Uint8Array, give: GivePiece): void {
    try {
      const taken = this.#behind.take(bytes);
      if (this.#waitingFrames + taken.frames > 0 && taken.items.some(beginsStream)) this.#keepApart(bytes, give);
      else this.#keep(bytes, taken);
    } catch (error) {
      if (!(error instanceof MalformedAudioError)) throw error;
      this.#flush(give);
      // What follows may be a new stream, and must not be taken for the rest of something.
      this.#forgetWaiting();
      throw new VerbatimError('AUDIO_MALFORMED', error.message, { cause: error });
    }
    if (this.#cutFrames >= this.#chunkFrames) this.#flush(give);
  }

  /** Where a stream begins, so does a piece: what is before it may have to be given up, and not its headers. */
  #keepApart(bytes: Uint8Array, give: GivePiece): void {
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes.subarray(at, at + 1);
      const taken = this.#behind.take(byte);
      if (taken.items.some(beginsStream)) this.#flush(give);
      this.#keep(byte, taken);
    }
  }

  #keep(bytes: Uint8Array, { frames, next, cut }: DemuxedChunk): void {
    this.#behind = next;
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (cut !== null) {
      this.#cutBytes = this.#waitingBytes - cut.bytesBehind;
      this.#cutFrames = this.#waitingFrames + cut.frames;
    }
    this.#waitingFrames += frames;
    if (this.#waitingBytes - this.#cutBytes > this.#limits.maxBufferedBytes) {
      throw new MalformedAudioError('the container has too many bytes without any audio among them');
    }
  }

  #forgetWaiting(): void {
    this.#behind = this.#before;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#waitingFrames = 0;
    this.#cutBytes = 0;
    this.#cutFrames = 0;
  }

  /** Of a piece that is too large for one chunk, each part is said to have a frame; the last one brings them all. */
  #giveInParts(bytes: Uint8Array, frames: number, count: number, items: readonly DemuxedItem[], give: GivePiece): void {
    const frameBytes = this.#isSamplesAlone(bytes, items) ? bytes.length / frames : null;
    const partBytes = Math.ceil(bytes.length / count);
    for (let index = 0; index < count; index++) {
      const piece: AudioPiece = {
        bytes: bytes.slice(index * partBytes, (index + 1) * partBytes),
        frames: index < count - 1 ? 1 : frames - count + 1,
        container: {
          beginsStream: items.some(beginsStream),
          continues: index > 0,
          frameBytes: count === 1 ? frameBytes : null,
        },
      };
      give(piece);
    }
  }

  #isSamplesAlone(bytes: Uint8Array, items: readonly DemuxedItem[]): boolean {
    if (this.#format.encoding !== 'WAV') return false;
    const samples = items.reduce((sum, item) => sum + (item.kind === 'packet' ? item.bytes.length : 0), 0);
    return samples === bytes.length;
  }
}

function beginsStream(item: DemuxedItem): boolean {
  return item.kind === 'packet' && item.startsAnew;
}
