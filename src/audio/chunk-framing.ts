/** A packet of encoded audio, and how much of what it decodes to belongs to the timeline. */
export interface Packet {
  readonly kind: 'packet';
  /** A view; what is kept for long is to be copied. */
  readonly bytes: Uint8Array;
  /** Decoded frames that are dropped at its start, as the container says (an encoder's delay). */
  readonly dropFrames: number;
  /** Frames behind those; what it decodes to beyond them is dropped, too (an encoder's padding). */
  readonly frames: number;
  /** What a decoder must know besides: the same object for all packets of a stream. */
  readonly config: Uint8Array;
  /** First of a stream: the decoder begins anew. */
  readonly startsAnew: boolean;
}

/** A stretch of the timeline for which the container has no audio: its own times go on behind it. */
interface ContainerGap {
  readonly kind: 'gap';
  readonly frames: number;
}

export type DemuxedItem = Packet | ContainerGap;
/** What a chunk is to the timeline, and how the chunk behind it is to be understood. */
export interface FramedChunk {
  /** Source frames that the chunk completes; 0 or more. */
  readonly frames: number;
  /** Of a container: what it completes, in order; those frames are theirs. Of samples: nothing. */
  readonly items: readonly DemuxedItem[];
  readonly next: ChunkFraming;
}

/** Counts the source frames of a session's chunks. Immutable: a chunk that is refused in the end has changed nothing. */
export interface ChunkFraming {
  /** Bytes of earlier chunks that wait for the rest of a packet. */
  readonly heldBytes: number;
  /**
   * @throws MalformedAudioError when a container can't go on like that
   * @throws RangeError when the bytes of samples end within a frame
   */
  take(bytes: Uint8Array): FramedChunk;
  /** Behind a stretch that was lost. @param frames how much of the timeline it was */
  afterLoss(frames: number): ChunkFraming;
}
