import type { Packet } from '../chunk-framing.ts';

/** Decodes the packets of one stream, in order. The same packets from the first on give the same samples. */
export interface PacketDecoder {
  /** Samples of each channel of the stream, -1..1; `null` when the packet is none. */
  decode(packet: Packet): Promise<readonly Float32Array[] | null>;
  /** Must be called once, when it is done with. */
  free(): void;
}
