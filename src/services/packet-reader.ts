import type { ChunkFraming, DemuxedItem, FramedChunk, Packet } from '../audio/chunk-framing.ts';
import { MalformedAudioError } from '../audio/containers/malformed-audio-error.ts';
import { encodePackets } from '../audio/containers/packet-batch.ts';
import { firstFrameToDecode } from '../audio/decoding/block-decoder.ts';
import type { ContainerFormat } from '../audio/format.ts';
import type { AudioLog } from '../log/audio-log.ts';
import type { AudioLogItem } from '../log/audio-log-reader.ts';

/** A session's timeline in order, without holes. */
export interface TimelineReader {
  /** `null`: there is no more for now. */
  next(): Promise<AudioLogItem | null>;
}

/** How much audio is handed on at a time, so that no more than a window of it is under way. */
const BATCH_SECONDS = 1;

/**
 * Reads a container's timeline as the recogniser wants it: chunks have packets (see packet-batch.ts) instead of pieces of the
 * container. It begins so far before `fromFrame` that the audio from there on can be decoded.
 */
export function readPackets(audio: AudioLog, format: ContainerFormat, fromFrame: number): TimelineReader {
  const firstFrame = firstFrameToDecode(format, fromFrame);
  const { items, framing } = audio.framedReader(firstFrame);
  return new PacketReader(items, framing, firstFrame, format.sampleRate * BATCH_SECONDS);
}

class PacketReader implements TimelineReader {
  readonly #source: TimelineReader;
  readonly #firstFrame: number;
  readonly #batchFrames: number;
  #framing: ChunkFraming;
  readonly #ready: AudioLogItem[] = [];

  constructor(source: TimelineReader, framing: ChunkFraming, firstFrame: number, batchFrames: number) {
    this.#source = source;
    this.#framing = framing;
    this.#firstFrame = firstFrame;
    this.#batchFrames = batchFrames;
  }

  async next(): Promise<AudioLogItem | null> {
    for (;;) {
      const ready = this.#ready.shift();
      if (ready !== undefined) return ready;
      const item = await this.#source.next();
      if (item === null || item.kind === 'end') return item;
      if (item.kind === 'chunk') this.#takeApart(item);
      else {
        this.#framing = this.#framing.afterLoss(item.frames);
        this.#add(item);
      }
    }
  }

  #add(item: AudioLogItem): void {
    // Packets that are trimmed away whole have no frames, but decoders need them.
    const isBefore = item.kind !== 'end' && item.startFrame + Math.max(1, item.frames) <= this.#firstFrame;
    if (!isBefore) this.#ready.push(item);
  }

  #takeApart(chunk: AudioLogItem & { kind: 'chunk' }): void {
    const { items, next } = this.#demux(chunk);
    this.#framing = next;
    const batch = new Batch(chunk.sequence, this.#batchFrames, (item) => this.#add(item));
    let frame = chunk.startFrame;
    const missing = chunk.frames - items.reduce((sum, { frames }) => sum + frames, 0);
    if (missing > 0) {
      this.#add({ kind: 'damaged', startFrame: frame, frames: missing });
      frame += missing;
    }
    for (const item of items) {
      if (item.kind === 'packet') batch.add(frame, item);
      else {
        batch.flush();
        this.#add({ kind: 'skip', sequence: chunk.sequence, startFrame: frame, frames: item.frames });
      }
      frame += item.frames;
    }
    batch.flush();
  }

  /**
   * What the chunk completes. Where something before it was damaged that may be less than it was when the chunk came: what is
   * left are the last of its packets, since they end where the chunk does.
   */
  #demux({ bytes, frames }: AudioLogItem & { kind: 'chunk' }): { items: readonly DemuxedItem[]; next: ChunkFraming } {
    const taken = this.#take(bytes);
    if (taken === null) return { items: [], next: this.#framing.afterLoss(frames) };
    if (taken.frames === frames) return taken;
    const firstPacket = taken.items.findIndex(({ kind }) => kind === 'packet');
    const items = firstPacket === -1 ? [] : taken.items.slice(firstPacket);
    const found = items.reduce((sum, item) => sum + item.frames, 0);
    if (found > frames) return { items: [], next: taken.next.afterLoss(0) };
    return { items, next: taken.next };
  }

  #take(bytes: Uint8Array): FramedChunk | null {
    try {
      return this.#framing.take(bytes);
    } catch (error) {
      if (error instanceof MalformedAudioError) return null;
      throw error;
    }
  }
}

/** Packets that are handed on together. */
class Batch {
  readonly #sequence: number;
  readonly #maxFrames: number;
  readonly #give: (item: AudioLogItem) => void;
  #packets: Packet[] = [];
  #startFrame = 0;
  #frames = 0;

  constructor(sequence: number, maxFrames: number, give: (item: AudioLogItem) => void) {
    this.#sequence = sequence;
    this.#maxFrames = maxFrames;
    this.#give = give;
  }

  add(startFrame: number, packet: Packet): void {
    const isOther = packet.startsAnew || packet.config !== this.#packets[0]?.config;
    if (this.#packets.length > 0 && (isOther || this.#frames + packet.frames > this.#maxFrames)) this.flush();
    if (this.#packets.length === 0) this.#startFrame = startFrame;
    this.#packets.push(packet);
    this.#frames += packet.frames;
  }

  flush(): void {
    if (this.#packets.length === 0) return;
    const [startFrame, frames, sequence] = [this.#startFrame, this.#frames, this.#sequence];
    this.#give({ kind: 'chunk', sequence, startFrame, frames, bytes: encodePackets(this.#packets) });
    this.#packets = [];
    this.#frames = 0;
  }
}
