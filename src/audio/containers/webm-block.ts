import { readVariableInteger } from './ebml.ts';
import { MalformedAudioError } from './malformed-audio-error.ts';

export interface Block {
  readonly track: number;
  /** To that of its cluster, in ticks. */
  readonly relativeTime: number;
  readonly packets: readonly Uint8Array[];
}

const XIPH_LACING = 0x02;
const FIXED_LACING = 0x04;
const EBML_LACING = 0x06;

/** A Block or SimpleBlock of Matroska (RFC 9559, section 10). @throws MalformedAudioError */
export function readBlock(body: Uint8Array): Block {
  const track = readVariableInteger(body, 0);
  if (track === null || body.length < track.length + 4) {
    throw new MalformedAudioError('a block of the WebM stream is too short for one');
  }
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const relativeTime = view.getInt16(track.length);
  const lacing = view.getUint8(track.length + 2) & EBML_LACING;
  const laced = body.subarray(track.length + 3);
  const packets = lacing === 0 ? [laced] : lacedPackets(laced, lacing);
  return { track: track.value, relativeTime, packets };
}

function lacedPackets(body: Uint8Array, lacing: number): Uint8Array[] {
  const count = (body[0] ?? 0) + 1;
  const { sizes, start } = lacedSizes(body, lacing, count);
  const packets: Uint8Array[] = [];
  let at = start;
  for (const size of sizes) {
    packets.push(body.subarray(at, at + size));
    at += size;
  }
  if (at > body.length || sizes.some((size) => size < 0)) {
    throw new MalformedAudioError('a block of the WebM stream ends within its packets');
  }
  packets.push(body.subarray(at));
  return packets;
}

/** Of all packets but the last, which has what is left; and where the first begins. */
function lacedSizes(body: Uint8Array, lacing: number, count: number): { sizes: number[]; start: number } {
  const sizes: number[] = [];
  let at = 1;
  if (lacing === FIXED_LACING) {
    const size = (body.length - at) / count;
    if (!Number.isInteger(size)) throw new MalformedAudioError('a block of the WebM stream ends within its packets');
    return { sizes: Array.from({ length: count - 1 }, () => size), start: at };
  }
  while (sizes.length < count - 1) {
    if (lacing === XIPH_LACING) {
      let size = 0;
      let byte: number | undefined;
      do {
        byte = body[at];
        if (byte === undefined) throw new MalformedAudioError('a block of the WebM stream ends within its sizes');
        size += byte;
        at += 1;
      } while (byte === 255);
      sizes.push(size);
      continue;
    }
    const integer = readVariableInteger(body, at);
    if (integer === null) throw new MalformedAudioError('a block of the WebM stream ends within its sizes');
    // All but the first are differences, with half of the range below zero.
    const previous = sizes.at(-1);
    const middle = 2 ** (7 * integer.length - 1) - 1;
    sizes.push(previous === undefined ? integer.value : previous + integer.value - middle);
    at += integer.length;
  }
  return { sizes, start: at };
}
