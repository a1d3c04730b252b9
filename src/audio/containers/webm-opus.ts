import { OPUS_RATE, type ContainerFormat } from '../format.ts';
import { beginsWith } from './byte-search.ts';
import { followClock } from './container-clock.ts';
import type { ContainerParser, Emit, ParserState } from './demuxer.ts';
import { readChildren, readElementHead, readUnsigned, readVariableInteger, type ElementHead } from './ebml.ts';
import { MalformedAudioError } from './malformed-audio-error.ts';
import { NO_CONFIG, opusPacketFrames } from './opus-packet.ts';
import { readBlock } from './webm-block.ts';
import { ID, readOpusTrack } from './webm-tracks.ts';

interface WebmState extends ParserState {
  hasHeader: boolean;
  /** Number of the track that is followed; `null` before there was one. */
  track: number | null;
  /** Of a tick, in nanoseconds. */
  tickNs: number;
  /** In ticks; `null` where it is not known. */
  clusterTime: number | null;
  preSkipLeft: number;
  startsAnew: boolean;
  /** In frames by the stream's own times, behind the audio that came; `null` at the beginning. */
  position: number | null;
  /** Since a loss no time was seen. */
  isAdrift: boolean;
}

/** Headers and blocks of audio; anything larger is none. */
const MAX_ELEMENT_BYTES = 256 * 1024;
/** Pictures, indexes, and the blocks of a track with video. */
const MAX_SKIPPED_BYTES = 64 * 1024 * 1024;
const DEFAULT_TICK_NS = 1_000_000;
/** 200 ms: browsers take the times of blocks from a clock, not from the audio. */
const TOLERANCE_FRAMES = OPUS_RATE / 5;
/** Elements whose children are read as if they stood beside them: so it does not matter whether their size is known. */
const TRANSPARENT: readonly number[] = [ID.segment, ID.cluster];
const WHOLE: readonly number[] = [ID.ebml, ID.info, ID.tracks, ID.timestamp, ID.simpleBlock, ID.blockGroup];
/** No packet of Opus is as long (RFC 6716, section 3.2). */
const MAX_SOUGHT_BYTES = 8_192;
/** Of the elements that a block may be followed by. */
const FIRST_BYTES: readonly number[] = [ID.simpleBlock, ID.blockGroup, 0x1f, 0x1a, 0x1c, 0x12, 0xec, 0xab];
const EBML_BYTES = [0x1a, 0x45, 0xdf, 0xa3];
const CLUSTER_BYTES = [0x1f, 0x43, 0xb6, 0x75];

/**
 * WebM and Matroska (RFC 9559) with Opus in it, as browsers' MediaRecorder writes it. Other tracks are passed over. A new
 * header begins a new stream, as of a recorder that was started again.
 */
export function webmOpusParser(format: ContainerFormat): ContainerParser<WebmState> {
  return {
    maxElementBytes: MAX_ELEMENT_BYTES,
    initial: () => ({
      toSkip: 0,
      isLost: false,
      hasHeader: false,
      track: null,
      tickNs: DEFAULT_TICK_NS,
      clusterTime: null,
      preSkipLeft: 0,
      startsAnew: false,
      position: null,
      isAdrift: false,
    }),
    afterLoss: (state, frames) => ({
      ...state,
      toSkip: 0,
      isLost: true,
      isAdrift: true,
      // A cluster may have begun meanwhile.
      clusterTime: null,
      position: state.position === null ? null : state.position + frames,
    }),
    step: (state, bytes, at, emit) =>
      state.isLost ? findAgain(state, bytes, at, format, emit) : readElement(state, bytes, at, format, emit),
  };
}

/** Behind a loss: goes on with the next header, cluster, or blocks that follow each other. */
function findAgain(state: WebmState, bytes: Uint8Array, at: number, format: ContainerFormat, emit: Emit): number {
  for (let next = at; next < bytes.length; next++) {
    const byte = bytes[next];
    const isHead = byte === EBML_BYTES[0] || byte === CLUSTER_BYTES[0];
    const found = isHead ? isHeadAt(bytes, next) : isBlockAt(state, bytes, next);
    if (found === false) continue;
    if (found === 'more' || next > at) return next - at;
    state.isLost = false;
    return readElement(state, bytes, at, format, emit);
  }
  return bytes.length - at;
}

function isHeadAt(bytes: Uint8Array, at: number): boolean | 'more' {
  if (!beginsWith(bytes, at, EBML_BYTES) && !beginsWith(bytes, at, CLUSTER_BYTES)) return false;
  return bytes.length - at < EBML_BYTES.length ? 'more' : true;
}

/** Whether a block of the track that is followed begins here, and something possible behind it. */
function isBlockAt({ track }: WebmState, bytes: Uint8Array, at: number): boolean | 'more' {
  if (track === null || bytes[at] !== ID.simpleBlock) return false;
  if (bytes.length - at < 2) return 'more';
  if ((bytes[at + 1] ?? 0) < 0x10) return false;
  const size = readVariableInteger(bytes, at + 1);
  if (size === null) return 'more';
  const start = at + 1 + size.length;
  if (size.isUnknown || size.value > MAX_SOUGHT_BYTES || size.value < 5) return false;
  if (start < bytes.length && bytes[start] !== (0x80 | track)) return false;
  const next = start + size.value;
  // What comes now begins with a block, as it should: that is enough where nothing contradicts.
  if (next >= bytes.length) return at === 0 && next === bytes.length ? true : 'more';
  return FIRST_BYTES.includes(bytes[next] ?? 0);
}

function readElement(state: WebmState, bytes: Uint8Array, at: number, format: ContainerFormat, emit: Emit): number {
  const head = readElementHead(bytes, at);
  if (head === null) return 0;
  const { id, size, headBytes } = head;
  if (!state.hasHeader && id !== ID.ebml) throw new MalformedAudioError('the stream does not begin like WebM');
  if (TRANSPARENT.includes(id)) {
    if (id === ID.cluster) state.clusterTime = null;
    return headBytes;
  }
  if (size === null) throw new MalformedAudioError('an element of the WebM stream does not say how long it is');
  if (!WHOLE.includes(id)) return pass(state, head, MAX_SKIPPED_BYTES);
  const isOther = id === ID.simpleBlock && isOtherTrack(state, bytes, at + headBytes);
  if (isOther === null) return 0;
  if (isOther) return pass(state, head, MAX_SKIPPED_BYTES);
  if (size > MAX_ELEMENT_BYTES - headBytes) {
    if (id === ID.blockGroup) return pass(state, head, MAX_SKIPPED_BYTES);
    throw new MalformedAudioError(`an element of the WebM stream claims ${size} bytes`);
  }
  const end = at + headBytes + size;
  if (end > bytes.length) return 0;
  takeElement(state, id, bytes.subarray(at + headBytes, end), format, emit);
  return headBytes + size;
}

function pass(state: WebmState, { size, headBytes }: ElementHead, maxBytes: number): number {
  if (size === null || size > maxBytes)
    throw new MalformedAudioError(`an element of the WebM stream claims ${size} bytes`);
  state.toSkip = size;
  return headBytes;
}

/** @returns `null` when the number of its track is not there yet. */
function isOtherTrack(state: WebmState, bytes: Uint8Array, at: number): boolean | null {
  const first = bytes[at];
  if (first === undefined) return null;
  // Tracks beyond 127 have longer numbers; such blocks are read whole, and compared then.
  return first >= 0x80 && (first & 0x7f) !== state.track;
}

function takeElement(state: WebmState, id: number, body: Uint8Array, format: ContainerFormat, emit: Emit): void {
  switch (id) {
    case ID.ebml:
      state.hasHeader = true;
      state.track = null;
      state.tickNs = DEFAULT_TICK_NS;
      return;
    case ID.info: {
      const scale = readChildren(body).find((child) => child.id === ID.timestampScale);
      state.tickNs = scale === undefined ? DEFAULT_TICK_NS : Math.max(1, readUnsigned(scale.body));
      return;
    }
    case ID.tracks: {
      const { number, preSkip } = readOpusTrack(body, format.channels);
      Object.assign(state, {
        track: number,
        preSkipLeft: preSkip,
        startsAnew: true,
        position: null,
        clusterTime: null,
      });
      state.isAdrift = false;
      return;
    }
    case ID.timestamp:
      state.clusterTime = readUnsigned(body);
      return;
    case ID.simpleBlock:
      takeBlock(state, body, 0, emit);
      return;
    case ID.blockGroup: {
      const children = readChildren(body);
      const block = children.find((child) => child.id === ID.block);
      const padding = children.find((child) => child.id === ID.discardPadding);
      if (block !== undefined)
        takeBlock(state, block.body, padding === undefined ? 0 : readUnsigned(padding.body), emit);
    }
  }
}

/** @param paddingNs at the end of the block, in nanoseconds */
function takeBlock(state: WebmState, body: Uint8Array, paddingNs: number, emit: Emit): void {
  const block = readBlock(body);
  if (state.track === null) throw new MalformedAudioError('the WebM stream has audio before it says what it is');
  if (block.track !== state.track) return;
  const packets = block.packets.map((bytes) => ({ bytes, frames: opusPacketFrames(bytes) }));
  const length = packets.reduce((sum, { frames }) => sum + frames, 0);
  if (state.clusterTime !== null) {
    const ticks = state.clusterTime + block.relativeTime;
    const stated = Math.round((ticks * state.tickNs * OPUS_RATE) / 1e9);
    if (!Number.isSafeInteger(stated)) throw new MalformedAudioError('a block of the WebM stream has an absurd time');
    const { gap, position } = followClock(state.position, stated, TOLERANCE_FRAMES, state.isAdrift);
    if (gap > 0) emit({ kind: 'gap', frames: gap });
    state.position = position;
    state.isAdrift = false;
  }
  if (state.position !== null) state.position += length;
  // What it says of more than its own length, or of less than nothing, is not about its end.
  const padded = Math.round((paddingNs * OPUS_RATE) / 1e9);
  const padding = padded <= length ? padded : 0;
  let before = length;
  for (const { bytes, frames } of packets) {
    before -= frames;
    const dropFrames = Math.min(state.preSkipLeft, frames);
    state.preSkipLeft -= dropFrames;
    const cut = Math.min(frames - dropFrames, Math.max(0, padding - before));
    const { startsAnew } = state;
    emit({ kind: 'packet', bytes, dropFrames, frames: frames - dropFrames - cut, config: NO_CONFIG, startsAnew });
    state.startsAnew = false;
  }
}
