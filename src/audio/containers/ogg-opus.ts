import type { ContainerFormat } from '../format.ts';
import { indexOfBytes, startsWith } from './byte-search.ts';
import { followClock } from './container-clock.ts';
import { oggPageCrc } from './crc.ts';
import type { ContainerParser, Emit, ParserState } from './demuxer.ts';
import { MalformedAudioError } from './malformed-audio-error.ts';
import { isOpusHead, MAX_OPUS_PACKET_BYTES, NO_CONFIG, opusPacketFrames, readOpusHead } from './opus-packet.ts';

interface OggState extends ParserState {
  /** Of the Opus stream that is followed; `null` before there was one. */
  serial: number | null;
  /** Packets of the stream that are headers and still to come. */
  headersLeft: number;
  /** A packet that goes on in the next page; empty where it is a header, which nobody needs. */
  unfinished: Uint8Array | null;
  preSkipLeft: number;
  startsAnew: boolean;
  /** Granule position behind the audio that came; `null` at the beginning. */
  position: number | null;
  /** Damaged pages that were looked at since a loss. */
  attempts: number;
}

interface Page {
  readonly continues: boolean;
  readonly isFirst: boolean;
  readonly isLast: boolean;
  /** Granule position behind its last packet; `null` when none ends in it. */
  readonly granule: number | null;
  readonly serial: number;
  /** Whole packets, and the beginning of one that goes on in the next page. */
  readonly packets: readonly Uint8Array[];
  readonly endsInPacket: boolean;
}

const CAPTURE_PATTERN = 'OggS';
const CAPTURE_BYTES = [0x4f, 0x67, 0x67, 0x53];
const PAGE_HEADER_BYTES = 27;
const MAX_PAGE_BYTES = PAGE_HEADER_BYTES + 255 + 255 * 255;
/** How many damaged pages may be met in search of a whole one: each costs a checksum. */
const MAX_ATTEMPTS = 64;
/** 20 ms: granule positions count samples, but some writers have them from times in milliseconds. */
const TOLERANCE_FRAMES = 960;

/** Ogg (RFC 3533) with Opus in it (RFC 7845). Chained streams follow each other; other streams in it are passed over. */
export function oggOpusParser(format: ContainerFormat): ContainerParser<OggState> {
  return {
    maxElementBytes: MAX_PAGE_BYTES,
    initial: () => ({
      toSkip: 0,
      isLost: false,
      serial: null,
      headersLeft: 0,
      unfinished: null,
      preSkipLeft: 0,
      startsAnew: false,
      position: null,
      attempts: 0,
    }),
    heldBytes: ({ unfinished }) => unfinished?.length ?? 0,
    afterLoss: (state, frames) => ({
      ...state,
      toSkip: 0,
      isLost: true,
      unfinished: null,
      position: state.position === null ? null : state.position + frames,
      attempts: 0,
    }),
    isWithinPacket: ({ unfinished }) => unfinished !== null,
    step(state, bytes, at, emit) {
      if (state.isLost && !isPage(bytes, at)) {
        // Where it may begin, more is needed.
        if (isCutOff(bytes, at)) return 0;
        if (startsWith(bytes, at, CAPTURE_PATTERN)) state.attempts += 1;
        if (state.attempts > MAX_ATTEMPTS) throw new MalformedAudioError('the Ogg stream was not found again');
        return indexOfBytes(bytes, CAPTURE_BYTES, at + 1) - at;
      }
      const length = pageLength(bytes, at);
      if (length === 0) return 0;
      takePage(state, readPage(bytes, at, length), format, emit);
      return length;
    },
  };
}

function isCutOff(bytes: Uint8Array, at: number): boolean {
  return startsWith(bytes, at, CAPTURE_PATTERN.slice(0, bytes.length - at)) && !isWhole(bytes, at);
}

function isWhole(bytes: Uint8Array, at: number): boolean {
  const segments = bytes[at + 26];
  if (segments === undefined) return false;
  return bytes.length - at >= lengthOf(bytes, at, segments);
}

/** A whole page whose checksum is right stands here. */
function isPage(bytes: Uint8Array, at: number): boolean {
  return startsWith(bytes, at, CAPTURE_PATTERN) && isWhole(bytes, at) && isIntact(bytes, at, pageLength(bytes, at));
}

function isIntact(bytes: Uint8Array, at: number, length: number): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, length);
  return view.getUint32(22, true) === oggPageCrc(bytes, at, at + length);
}

/** @returns 0 when it is not all there yet. */
function pageLength(bytes: Uint8Array, at: number): number {
  const there = bytes.length - at;
  if (!startsWith(bytes, at, CAPTURE_PATTERN.slice(0, there))) {
    throw new MalformedAudioError('an Ogg page should begin with "OggS" here, and does not');
  }
  const segments = bytes[at + 26];
  if (segments === undefined || there < PAGE_HEADER_BYTES + segments) return 0;
  const length = lengthOf(bytes, at, segments);
  return there < length ? 0 : length;
}

function lengthOf(bytes: Uint8Array, at: number, segments: number): number {
  let length = PAGE_HEADER_BYTES + segments;
  for (let index = 0; index < segments; index++) length += bytes[at + PAGE_HEADER_BYTES + index] ?? 0;
  return length;
}

function readPage(bytes: Uint8Array, at: number, length: number): Page {
  if (bytes[at + 4] !== 0) throw new MalformedAudioError('an Ogg page is of a version that is not known');
  if (!isIntact(bytes, at, length)) throw new MalformedAudioError('an Ogg page is damaged: its checksum is wrong');
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, length);
  const flags = view.getUint8(5);
  const segments = view.getUint8(26);
  const packets: Uint8Array[] = [];
  let start = PAGE_HEADER_BYTES + segments;
  let end = start;
  let endsInPacket = false;
  for (let index = 0; index < segments; index++) {
    const size = view.getUint8(PAGE_HEADER_BYTES + index);
    end += size;
    endsInPacket = size === 255;
    if (!endsInPacket || index === segments - 1) {
      packets.push(bytes.subarray(at + start, at + end));
      start = end;
    }
  }
  const granule = view.getBigInt64(6, true);
  if (granule > Number.MAX_SAFE_INTEGER) throw new MalformedAudioError('an Ogg page has an absurd time');
  return {
    continues: (flags & 1) !== 0,
    isFirst: (flags & 2) !== 0,
    isLast: (flags & 4) !== 0,
    granule: granule < 0n ? null : Number(granule),
    serial: view.getUint32(14, true),
    packets,
    endsInPacket,
  };
}

function takePage(state: OggState, page: Page, format: ContainerFormat, emit: Emit): void {
  const [first] = page.packets;
  if (page.isFirst && first !== undefined && isOpusHead(first)) {
    const { preSkip } = readOpusHead(first, format.channels);
    Object.assign(state, { serial: page.serial, headersLeft: 1, unfinished: null, position: null, isLost: false });
    Object.assign(state, { preSkipLeft: preSkip, startsAnew: true });
    return;
  }
  if (page.serial !== state.serial) {
    if (state.serial === null && !page.isFirst && !state.isLost) {
      throw new MalformedAudioError('the Ogg stream has no Opus in it, or does not begin with its header');
    }
    return;
  }
  takePackets(state, page, wholePackets(state, page), emit);
}

/** The packets that end in the page; what does not is kept for the next. */
function wholePackets(state: OggState, page: Page): Uint8Array[] {
  const packets = [...page.packets];
  const { unfinished } = state;
  state.unfinished = null;
  const [first] = packets;
  if (page.continues && first !== undefined) {
    // Without its beginning it is of no use.
    if (unfinished === null) packets.shift();
    else packets[0] = concatenated(unfinished, first);
  }
  if (page.endsInPacket) {
    const last = packets.pop() ?? null;
    // Comments may have a picture in them.
    const isHeader = packets.length < state.headersLeft;
    if (last !== null && !isHeader && last.length > MAX_OPUS_PACKET_BYTES) {
      throw new MalformedAudioError(`a packet of the Ogg stream has more than ${MAX_OPUS_PACKET_BYTES} bytes`);
    }
    state.unfinished = isHeader ? new Uint8Array(0) : (last?.slice() ?? null);
  }
  return packets;
}

function takePackets(state: OggState, page: Page, packets: readonly Uint8Array[], emit: Emit): void {
  const headers = Math.min(state.headersLeft, packets.length);
  state.headersLeft -= headers;
  // An empty one says that a packet was lost (RFC 7845, section 4.1): the positions tell.
  const audio = packets
    .slice(headers)
    .filter((packet) => packet.length > 0)
    .map((packet) => ({ packet, frames: opusPacketFrames(packet) }));
  if (audio.length === 0) return;
  const length = audio.reduce((sum, { frames }) => sum + frames, 0);
  let padding = 0;
  if (page.granule !== null) {
    const stated = page.granule - length;
    const isShorter = page.isLast && (state.position === null ? stated < 0 : stated < state.position);
    if (isShorter) padding = Math.min(length, (state.position ?? 0) - stated);
    else {
      const { gap, position } = followClock(state.position, Math.max(0, stated), TOLERANCE_FRAMES, state.isLost);
      if (gap > 0) emit({ kind: 'gap', frames: gap });
      state.position = position;
    }
  }
  state.isLost = false;
  state.position = (state.position ?? 0) + length;
  let before = length;
  for (const { packet, frames } of audio) {
    before -= frames;
    const dropFrames = Math.min(state.preSkipLeft, frames);
    state.preSkipLeft -= dropFrames;
    const padded = Math.min(frames - dropFrames, Math.max(0, padding - before));
    const { startsAnew } = state;
    emit({
      kind: 'packet',
      bytes: packet,
      dropFrames,
      frames: frames - dropFrames - padded,
      config: NO_CONFIG,
      startsAnew,
    });
    state.startsAnew = false;
  }
}

function concatenated(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
