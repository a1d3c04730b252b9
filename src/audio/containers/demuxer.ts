import type { ChunkFraming, DemuxedItem, FramedChunk } from '../chunk-framing.ts';
import { MalformedAudioError } from './malformed-audio-error.ts';

export type Emit = (item: DemuxedItem) => void;

/** Where a container can be cut: behind a packet, with nothing begun that goes on behind it. */
interface Cut {
  /** Frames that the chunk completes before it. */
  readonly frames: number;
  /** Of all bytes so far, those behind it. */
  readonly bytesBehind: number;
}

export interface DemuxedChunk extends FramedChunk {
  readonly next: Demuxer;
  /** The last one in the chunk; `null`: none. */
  readonly cut: Cut | null;
}

/** Takes a container apart from its beginning, in whatever pieces it comes; nothing is decoded. */
export interface Demuxer extends ChunkFraming {
  take(bytes: Uint8Array): DemuxedChunk;
  afterLoss(frames: number): Demuxer;
}

/** What a parser knows between two elements of its container. Its values must not be changed, only replaced. */
export interface ParserState {
  /** Bytes that come next and are of no interest. */
  toSkip: number;
  /** Bytes were lost: where the next element begins has to be found. */
  isLost: boolean;
}

/** Reads one kind of container. */
export interface ContainerParser<State extends ParserState> {
  /** Most bytes that an element may have which has to be there as a whole. */
  readonly maxElementBytes: number;
  initial(): State;
  /** Bytes that a state keeps of what came before; absent where it keeps none. */
  heldBytes?(state: State): number;
  /** Frames of the timeline were lost, and bytes with them. */
  afterLoss(state: State, frames: number): State;
  /** Whether a packet has begun that goes on in the next element; absent: packets are whole here. */
  isWithinPacket?(state: State): boolean;
  /**
   * Reads the element at `at`; changes `state` (which is a copy).
   * @returns the length of what it has read; 0 when it needs more bytes.
   * @throws MalformedAudioError
   */
  step(state: State, bytes: Uint8Array, at: number, emit: Emit): number;
}

/** Bytes in which no element is found after a loss, before that is given up. */
const MAX_SEARCHED_BYTES = 4 * 1024 * 1024;
/** Most audio that one chunk may bring: half an hour at 48 kHz. Without a limit a megabyte could claim a day. */
const MAX_CHUNK_FRAMES = 30 * 60 * 48_000;
/** A day, gaps included: then the timeline is too long to go on, and that is looked at with each chunk. */
const MAX_CHUNK_TIMELINE = 24 * 3_600 * 48_000;
/** Packets and gaps of a chunk: ten times what a megabyte of audio has in it. */
const MAX_CHUNK_ITEMS = 65_536;

export function demuxerOf<State extends ParserState>(parser: ContainerParser<State>): Demuxer {
  return new ParsingDemuxer(parser, parser.initial(), new Uint8Array(0), 0);
}

class ParsingDemuxer<State extends ParserState> implements Demuxer {
  readonly #parser: ContainerParser<State>;
  readonly #state: State;
  /** The beginning of an element whose rest has not come. */
  readonly #held: Uint8Array;
  /** Bytes that were searched in vain since a loss. */
  readonly #searched: number;

  constructor(parser: ContainerParser<State>, state: State, held: Uint8Array, searched: number) {
    this.#parser = parser;
    this.#state = state;
    this.#held = held;
    this.#searched = searched;
  }

  get heldBytes(): number {
    return this.#held.length + (this.#parser.heldBytes?.(this.#state) ?? 0);
  }

  take(chunk: Uint8Array): DemuxedChunk {
    const state = { ...this.#state };
    const bytes = joined(this.#held, chunk);
    const items: DemuxedItem[] = [];
    let frames = 0;
    let total = 0;
    const emit: Emit = (item) => {
      if (items.length >= MAX_CHUNK_ITEMS) {
        throw new MalformedAudioError(`the chunk holds more than ${MAX_CHUNK_ITEMS} packets: send smaller pieces`);
      }
      items.push(item);
      frames += item.kind === 'packet' ? item.frames : 0;
      total += item.frames;
    };
    let at = 0;
    let cutAt = 0;
    let itemsBeforeCut = 0;
    while (at < bytes.length) {
      if (state.toSkip > 0) {
        const skipped = Math.min(state.toSkip, bytes.length - at);
        state.toSkip -= skipped;
        at += skipped;
      } else {
        const read = this.#parser.step(state, bytes, at, emit);
        if (read === 0) break;
        at += read;
      }
      if (items.length > itemsBeforeCut && state.toSkip === 0 && this.#parser.isWithinPacket?.(state) !== true) {
        cutAt = at;
        itemsBeforeCut = items.length;
      }
    }
    if (frames > MAX_CHUNK_FRAMES) {
      throw new MalformedAudioError('the chunk holds more than half an hour of audio: send smaller pieces');
    }
    if (total > MAX_CHUNK_TIMELINE) {
      throw new MalformedAudioError('the container’s times jump by more than a day: start a new session');
    }
    if (bytes.length - at > this.#parser.maxElementBytes) {
      throw new MalformedAudioError(
        `a part of the container has more than ${this.#parser.maxElementBytes} bytes, which no audio of this kind needs`,
      );
    }
    const searched = state.isLost ? this.#searched + chunk.length : 0;
    if (searched > MAX_SEARCHED_BYTES) {
      throw new MalformedAudioError('the container was not found again behind the gap: start a new session');
    }
    const held = bytes.slice(at);
    return {
      items,
      frames: totalFrames(items),
      next: new ParsingDemuxer(this.#parser, state, held, searched),
      cut:
        itemsBeforeCut === 0
          ? null
          : { frames: totalFrames(items.slice(0, itemsBeforeCut)), bytesBehind: bytes.length - cutAt },
    };
  }

  afterLoss(frames: number): Demuxer {
    return new ParsingDemuxer(this.#parser, this.#parser.afterLoss(this.#state, frames), new Uint8Array(0), 0);
  }
}

function totalFrames(items: readonly DemuxedItem[]): number {
  return items.reduce((sum, item) => sum + item.frames, 0);
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (first.length === 0) return second;
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
