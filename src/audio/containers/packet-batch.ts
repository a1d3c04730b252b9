import type { Packet } from '../chunk-framing.ts';

/**
 * Packets of one stream that follow each other, as bytes: what goes to the recogniser in the place of samples. Numbers are
 * unsigned and little-endian:
 *
 * | size | field                                                        |
 * | ---: | ------------------------------------------------------------ |
 * |    1 | 1 when the first packet begins a stream, else 0              |
 * |    1 | length of the configuration, which follows                   |
 *
 * then for each packet its length (4 bytes), the frames that are dropped at its start (4), the frames behind them (4), and the
 * packet itself.
 */
export interface PacketBatch {
  readonly packets: readonly Packet[];
  /** Of all packets. */
  readonly frames: number;
}

const HEADER_BYTES = 2;
const PACKET_HEADER_BYTES = 12;

export function encodePackets(packets: readonly Packet[]): Uint8Array {
  const [first] = packets;
  const config = first?.config ?? new Uint8Array(0);
  const length = packets.reduce((sum, { bytes }) => sum + PACKET_HEADER_BYTES + bytes.length, 0);
  const encoded = new Uint8Array(HEADER_BYTES + config.length + length);
  const view = new DataView(encoded.buffer);
  view.setUint8(0, first?.startsAnew === true ? 1 : 0);
  view.setUint8(1, config.length);
  encoded.set(config, HEADER_BYTES);
  let at = HEADER_BYTES + config.length;
  for (const { bytes, dropFrames, frames } of packets) {
    view.setUint32(at, bytes.length, true);
    view.setUint32(at + 4, dropFrames, true);
    view.setUint32(at + 8, frames, true);
    encoded.set(bytes, at + PACKET_HEADER_BYTES);
    at += PACKET_HEADER_BYTES + bytes.length;
  }
  return encoded;
}

/** @throws RangeError when they were not made by `encodePackets` */
export function decodePackets(encoded: Uint8Array): PacketBatch {
  const view = new DataView(encoded.buffer, encoded.byteOffset, encoded.byteLength);
  let startsAnew = view.getUint8(0) === 1;
  const start = HEADER_BYTES + view.getUint8(1);
  const config = encoded.subarray(HEADER_BYTES, start);
  const packets: Packet[] = [];
  let total = 0;
  for (let at = start; at < encoded.length;) {
    const length = view.getUint32(at, true);
    const dropFrames = view.getUint32(at + 4, true);
    const frames = view.getUint32(at + 8, true);
    const bytes = encoded.subarray(at + PACKET_HEADER_BYTES, at + PACKET_HEADER_BYTES + length);
    packets.push({ kind: 'packet', bytes, dropFrames, frames, config, startsAnew });
    startsAnew = false;
    total += frames;
    at += PACKET_HEADER_BYTES + length;
  }
  return { packets, frames: total };
}
