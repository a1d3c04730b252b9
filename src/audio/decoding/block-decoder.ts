import type { Packet } from '../chunk-framing.ts';
import { decodePackets } from '../containers/packet-batch.ts';
import type { ContainerFormat } from '../format.ts';
import type { AudioDecoder, DecodedPiece } from './audio-decoder.ts';
import { openPacketDecoder } from './open-packet-decoder.ts';
import type { PacketDecoder } from './packet-decoder.ts';

const BLOCK_SECONDS = 20;
const NO_BLOCK = -1;
/** Six times what Opus wants (80 ms: RFC 7845, section 4.6), and more than the bit reservoir of MP3 reaches back. */
const PRE_ROLL_SECONDS = 0.5;
/** More than half a second of the shortest packets; those that are trimmed away whole take no time, so time is no limit. */
const MAX_RECENT_PACKETS = 512;
/** The longest packet is a frame of FLAC. */
const MAX_PACKET_FRAMES = 65_536;

interface PlacedPacket {
  readonly startFrame: number;
  readonly packet: Packet;
}

/**
 * Decodes a container's packets so that any stretch can be decoded again without all that was before it, and gives the same
 * samples bit by bit. Decoders remember what they decoded, most of them without an end; so each block of 20 s of the timeline is
 * decoded by one that has heard nothing but the half second before the block, whose samples are dropped.
 */
export class BlockDecoder implements AudioDecoder {
  readonly #format: ContainerFormat;
  readonly #blockFrames: number;
  readonly #preRollFrames: number;
  readonly #openDecoder: typeof openPacketDecoder;
  /** What the next block may begin with. */
  #recent: PlacedPacket[] = [];
  #decoder: PacketDecoder | null = null;
  /** That the decoder is for. */
  #block = NO_BLOCK;

  constructor(format: ContainerFormat, open = openPacketDecoder) {
    this.#format = format;
    this.#openDecoder = open;
    this.#blockFrames = BLOCK_SECONDS * format.sampleRate;
    this.#preRollFrames = PRE_ROLL_SECONDS * format.sampleRate;
  }

  framesIn(bytes: Uint8Array): number {
    return decodePackets(bytes).frames;
  }

  async decode(startFrame: number, bytes: Uint8Array, fromFrame: number): Promise<DecodedPiece[]> {
    const neededFrame = blockStart(this.#format, fromFrame);
    const pieces: DecodedPiece[] = [];
    let frame = startFrame;
    for (const packet of decodePackets(bytes).packets) {
      if (packet.startsAnew) this.lost();
      if (frame >= neededFrame) pieces.push(await this.#decodePacket(frame, packet));
      this.#remember(frame, packet);
      frame += packet.frames;
    }
    return joined(pieces);
  }

  lost(): void {
    this.#recent = [];
    this.close();
  }

  close(): void {
    const decoder = this.#decoder;
    this.#decoder = null;
    this.#block = NO_BLOCK;
    try {
      decoder?.free();
    } catch {
      // Hostile packets can leave a library without a sound memory of its own, which goes with it all the same.
    }
  }

  async #decodePacket(startFrame: number, packet: Packet): Promise<DecodedPiece> {
    const block = Math.floor(startFrame / this.#blockFrames);
    if (block !== this.#block) await this.#beginBlock(block, startFrame);
    const { dropFrames, frames } = packet;
    const decoded = await this.#try(packet);
    const channels = decoded === null ? null : asChannels(decoded, this.#format.channels, dropFrames, frames);
    return { startFrame, frames, channels };
  }

  async #beginBlock(block: number, startFrame: number): Promise<void> {
    this.close();
    this.#block = block;
    for (const recent of this.#recent) {
      if (recent.startFrame >= startFrame - this.#preRollFrames) await this.#try(recent.packet);
    }
  }

  /** @returns `null` when it is none. */
  async #try(packet: Packet): Promise<readonly Float32Array[] | null> {
    this.#decoder ??= await this.#openDecoder(this.#format);
    try {
      return await this.#decoder.decode(packet);
    } catch {
      // A library that throws instead of telling an error is in no state to go on: the next packet has a decoder that heard
      // nothing. That depends on the packets of the block alone, like all else.
      this.#decoder = null;
      return null;
    }
  }

  #remember(startFrame: number, packet: Packet): void {
    // A copy, since the message that it came in is larger.
    this.#recent.push({ startFrame, packet: { ...packet, bytes: packet.bytes.slice() } });
    const tooOld = this.#recent.findIndex((one) => one.startFrame >= startFrame - this.#preRollFrames);
    this.#recent.splice(0, Math.max(tooOld, this.#recent.length - MAX_RECENT_PACKETS));
  }
}

/** The earliest frame of the block that has to be decoded for the audio from `frame` on. */
function blockStart({ sampleRate }: ContainerFormat, frame: number): number {
  const blockFrames = BLOCK_SECONDS * sampleRate;
  // The packet that the frame is in may have begun in the block before.
  return Math.floor(Math.max(0, frame - MAX_PACKET_FRAMES) / blockFrames) * blockFrames;
}

/** Source frame from which packets have to be given to a decoder that is to decode from `frame` on. */
export function firstFrameToDecode(format: ContainerFormat, frame: number): number {
  return Math.max(0, blockStart(format, frame) - PRE_ROLL_SECONDS * format.sampleRate - MAX_PACKET_FRAMES);
}

function asChannels(
  decoded: readonly Float32Array[],
  channels: number,
  dropFrames: number,
  frames: number,
): Float32Array[] | null {
  const parts = decoded.map((samples) => samples.subarray(dropFrames, dropFrames + frames));
  const [first] = parts;
  if (first === undefined || parts.some((part) => part.length !== frames)) return null;
  if (channels > 1) return Array.from({ length: channels }, (_, channel) => parts[channel] ?? first);
  return [parts.length === 1 ? first : mixed(parts, frames)];
}

function mixed(channels: readonly Float32Array[], frames: number): Float32Array {
  const mix = new Float32Array(frames);
  for (const samples of channels)
    for (let frame = 0; frame < frames; frame++) mix[frame] = (mix[frame] ?? 0) + (samples[frame] ?? 0);
  return mix.map((sum) => sum / channels.length);
}

/** One piece of those that follow each other. */
function joined(pieces: readonly DecodedPiece[]): DecodedPiece[] {
  const runs: DecodedPiece[][] = [];
  for (const piece of pieces) {
    const run = runs.at(-1);
    const isLike = run?.[0] !== undefined && (run[0].channels === null) === (piece.channels === null);
    if (run !== undefined && isLike) run.push(piece);
    else runs.push([piece]);
  }
  return runs.flatMap((run) => {
    const [first] = run;
    if (first === undefined) return [];
    const frames = run.reduce((sum, piece) => sum + piece.frames, 0);
    const channels = first.channels?.map((_, channel) => concatenated(run, channel, frames)) ?? null;
    return frames === 0 ? [] : [{ startFrame: first.startFrame, frames, channels }];
  });
}

function concatenated(run: readonly DecodedPiece[], channel: number, frames: number): Float32Array {
  const all = new Float32Array(frames);
  let at = 0;
  for (const piece of run) {
    const samples = piece.channels?.[channel];
    if (samples !== undefined) all.set(samples, at);
    at += piece.frames;
  }
  return all;
}
