import { createAudioDecoder } from '../../audio/decoding/create-audio-decoder.ts';
import type { AudioDecoder, DecodedPiece } from '../../audio/decoding/audio-decoder.ts';
import { isContainer, type AudioFormat } from '../../audio/format.ts';
import type { AudioLog } from '../../log/audio-log.ts';
import { toPeak } from '../waveforms/peak-summary.ts';
import { readPackets, type TimelineReader } from '../packet-reader.ts';

const BYTES_PER_SAMPLE = 2;
const MAX_INT16 = 32_767;
const MIN_INT16 = -32_768;

/** Reads a session's timeline as samples, from any place; cheapest where the read before ended. One call at a time. */
export class RecordingSource {
  readonly #audio: AudioLog;
  readonly #format: AudioFormat;
  #decoder: AudioDecoder | null = null;
  #items: TimelineReader | null = null;
  /** Decoded, and reaching beyond what was read. */
  #pieces: DecodedPiece[] = [];
  /** Where the next item begins. */
  #reached = 0;
  /** Where the read before ended. */
  #position = 0;

  constructor(audio: AudioLog) {
    this.#audio = audio;
    this.#format = audio.header.format;
  }

  /**
   * 16-bit little-endian samples of so many frames from `fromFrame` on, the channels interleaved. Silence stands where there is
   * no audio: gaps, what can't be decoded or is damaged, and what is beyond the end.
   */
  async read(fromFrame: number, frames: number): Promise<Buffer> {
    const toFrame = fromFrame + frames;
    const target = Buffer.alloc(frames * this.#format.channels * BYTES_PER_SAMPLE);
    await this.#visit(fromFrame, toFrame, (piece) => write(piece, target, fromFrame, toFrame));
    return target;
  }

  /**
   * The peaks of each channel of so many frames from `fromFrame` on, in buckets of `bucketFrames`; a bucket without any audio has
   * none.
   * @see PeakSummary
   */
  async measure(fromFrame: number, frames: number, bucketFrames: number): Promise<Uint16Array[]> {
    const toFrame = fromFrame + frames;
    const buckets = Math.ceil(frames / bucketFrames);
    const peaks = Array.from({ length: this.#format.channels }, () => new Uint16Array(buckets));
    await this.#visit(fromFrame, toFrame, (piece) => notePeaks(piece, peaks, fromFrame, toFrame, bucketFrames));
    return peaks;
  }

  /** Decodes what is between two frames, piece by piece. */
  async #visit(fromFrame: number, toFrame: number, visit: (piece: DecodedPiece) => void): Promise<void> {
    if (this.#items === null || fromFrame !== this.#position) this.#seek(fromFrame);
    for (;;) {
      for (const piece of this.#pieces) visit(piece);
      this.#pieces = this.#pieces.filter((piece) => piece.startFrame + piece.frames > toFrame);
      if (this.#reached >= toFrame || !(await this.#readItem(fromFrame))) break;
    }
    this.#position = toFrame;
  }

  /** It is done with; the log stays open. */
  close(): void {
    this.#decoder?.close();
    this.#decoder = null;
    this.#items = null;
  }

  #seek(frame: number): void {
    this.close();
    this.#pieces = [];
    this.#reached = 0;
    this.#decoder = createAudioDecoder(this.#format);
    this.#items = isContainer(this.#format) ? readPackets(this.#audio, this.#format, frame) : this.#audio.reader(frame);
  }

  /** @returns whether there was one. */
  async #readItem(fromFrame: number): Promise<boolean> {
    const item = (await this.#items?.next()) ?? null;
    if (item === null) return false;
    if (item.kind === 'end') return true;
    this.#reached = item.startFrame + item.frames;
    if (item.kind === 'chunk') {
      const pieces = (await this.#decoder?.decode(item.startFrame, item.bytes, fromFrame)) ?? [];
      this.#pieces.push(...pieces);
    } else {
      this.#decoder?.lost();
    }
    return true;
  }
}

function notePeaks(
  { startFrame, frames, channels }: DecodedPiece,
  peaks: readonly Uint16Array[],
  fromFrame: number,
  toFrame: number,
  bucketFrames: number,
): void {
  const first = Math.max(startFrame, fromFrame);
  const end = Math.min(startFrame + frames, toFrame);
  for (const [channel, samples] of (channels ?? []).entries()) {
    const target = peaks[channel];
    if (target === undefined) continue;
    for (let from = first, to = first; from < end; from = to) {
      const bucket = Math.floor((from - fromFrame) / bucketFrames);
      to = Math.min(end, fromFrame + (bucket + 1) * bucketFrames);
      let loudest = 0;
      for (let index = from - startFrame; index < to - startFrame; index++) {
        loudest = Math.max(loudest, Math.abs(samples[index] ?? 0));
      }
      target[bucket] = Math.max(target[bucket] ?? 0, toPeak(loudest));
    }
  }
}

/** Writes what a piece has between two frames, to where the first of these stands at the start of `target`. */
function write(
  { startFrame, frames, channels }: DecodedPiece,
  target: Buffer,
  fromFrame: number,
  toFrame: number,
): void {
  const first = Math.max(startFrame, fromFrame);
  const end = Math.min(startFrame + frames, toFrame);
  const frameBytes = (channels?.length ?? 0) * BYTES_PER_SAMPLE;
  for (const [channel, samples] of (channels ?? []).entries()) {
    let at = (first - fromFrame) * frameBytes + channel * BYTES_PER_SAMPLE;
    for (let frame = first; frame < end; frame++, at += frameBytes) {
      const value = Math.round((samples[frame - startFrame] ?? 0) * -MIN_INT16);
      target.writeInt16LE(Math.max(MIN_INT16, Math.min(MAX_INT16, value)), at);
    }
  }
}
