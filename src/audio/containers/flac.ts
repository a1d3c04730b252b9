import type { ContainerFormat } from '../format.ts';
import { startsWith } from './byte-search.ts';
import { followClock } from './container-clock.ts';
import { flacCrc16Step } from './crc.ts';
import type { ContainerParser, Emit, ParserState } from './demuxer.ts';
import {
  flacFrameEnd,
  readFlacHeader,
  readStreamInfo,
  STREAM_INFO_BYTES,
  type FlacFrame,
  type StreamInfo,
} from './flac-frame.ts';
import { MalformedAudioError } from './malformed-audio-error.ts';
import { requireChannels } from './opus-packet.ts';
import { requireRate } from './wav-stream.ts';

interface FlacState extends ParserState {
  phase: 'marker' | 'metadata' | 'frames';
  info: StreamInfo | null;
  /** The body of STREAMINFO, as decoders want it. */
  config: Uint8Array;
  startsAnew: boolean;
  /** Sample of the stream that comes next; `null` at its beginning. */
  position: number | null;
  isAdrift: boolean;
  /** Of the frame that is not all there: bytes that were looked at, their CRC, and how often its end was looked for. */
  scanned: number;
  crc: number;
  attempts: number;
}

const MARKER = 'fLaC';
/** Beyond what a frame of audio that is taken here can have: 65,535 samples of two channels as they are. */
const MAX_FRAME_BYTES = 512 * 1024;
const MAX_CHANNELS = 8;
/**
 * How often the end of a frame is looked for: its checksum fits by chance once in 65,536 bytes, so more are a forgery.
 */
const MAX_ATTEMPTS = 32;

/**
 * FLAC as a stream (RFC 9639). Frames do not say how long they are: where the checksum fits, the frame is walked through, so
 * that the last one is found without anything behind it.
 */
export function flacParser(format: ContainerFormat): ContainerParser<FlacState> {
  return {
    maxElementBytes: MAX_FRAME_BYTES,
    initial: () => ({
      toSkip: 0,
      isLost: false,
      phase: 'marker',
      info: null,
      config: new Uint8Array(0),
      startsAnew: false,
      position: null,
      isAdrift: false,
      scanned: 0,
      crc: 0,
      attempts: 0,
    }),
    afterLoss: (state, frames) => ({
      ...state,
      toSkip: 0,
      isLost: state.phase === 'frames',
      isAdrift: true,
      position: state.position === null ? null : state.position + frames,
      ...NOT_SCANNED,
    }),
    step(state, bytes, at, emit) {
      if (state.phase === 'marker') return readMarker(state, bytes, at);
      if (state.phase === 'metadata') return readMetadata(state, bytes, at, format);
      return state.isLost ? findFrame(state, bytes, at, emit) : readFrame(state, bytes, at, emit);
    },
  };
}

const NOT_SCANNED = { scanned: 0, crc: 0, attempts: 0 };

function readMarker(state: FlacState, bytes: Uint8Array, at: number): number {
  if (!startsWith(bytes, at, MARKER.slice(0, bytes.length - at))) {
    throw new MalformedAudioError('a FLAC stream begins with "fLaC", and this does not');
  }
  if (bytes.length - at < MARKER.length) return 0;
  state.phase = 'metadata';
  state.info = null;
  return MARKER.length;
}

/** A metadata block (section 8): the first is STREAMINFO, others are passed over. */
function readMetadata(state: FlacState, bytes: Uint8Array, at: number, format: ContainerFormat): number {
  if (bytes.length - at < 4) return 0;
  const head = new DataView(bytes.buffer, bytes.byteOffset + at).getUint32(0);
  const isLast = head >>> 31 === 1;
  const type = (head >>> 24) & 0x7f;
  const size = head & 0xff_ffff;
  if (state.info === null) {
    if (type !== 0 || size !== STREAM_INFO_BYTES) {
      throw new MalformedAudioError('a FLAC stream says what it is at its beginning, and this does not');
    }
    if (bytes.length - at < 4 + size) return 0;
    takeStreamInfo(state, bytes.slice(at + 4, at + 4 + size), format);
  } else if (type === 127) {
    throw new MalformedAudioError('the FLAC stream has metadata of a kind that is not allowed');
  } else state.toSkip = size;
  if (isLast) state.phase = 'frames';
  return state.toSkip > 0 || type !== 0 ? 4 : 4 + size;
}

function takeStreamInfo(state: FlacState, config: Uint8Array, format: ContainerFormat): void {
  const info = readStreamInfo(config);
  requireRate('FLAC stream', info.sampleRate, format.sampleRate);
  requireChannels(info.channels, format.channels);
  if (info.channels > MAX_CHANNELS) throw new MalformedAudioError('the FLAC stream has too many channels');
  state.info = info;
  state.config = config;
  state.startsAnew = true;
  state.position = null;
  state.isAdrift = false;
  Object.assign(state, NOT_SCANNED);
}

function readFrame(state: FlacState, bytes: Uint8Array, at: number, emit: Emit): number {
  const header = state.info === null ? null : readFlacHeader(bytes, at, state.info);
  if (header === 'more') return 0;
  if (header === null) return behindFrames(state, bytes, at);
  for (let end = at + state.scanned; end < bytes.length;) {
    const byte = bytes[end] ?? 0;
    state.crc = flacCrc16Step(state.crc, byte);
    end += 1;
    state.scanned = end - at;
    if (state.crc !== 0 || state.scanned <= header.headerBytes + 2) continue;
    state.attempts += 1;
    const found = flacFrameEnd(bytes.subarray(0, end), at, header);
    if (found === 'malformed' || (found !== null && found < end) || state.attempts > MAX_ATTEMPTS) {
      throw new MalformedAudioError('a frame of the FLAC stream is damaged');
    }
    if (found === end) {
      takeFrame(state, bytes.subarray(at, end), header, emit);
      Object.assign(state, NOT_SCANNED);
      return end - at;
    }
  }
  return 0;
}

/** Where no frame begins: another stream may, or a tag be appended. */
function behindFrames(state: FlacState, bytes: Uint8Array, at: number): number {
  if (startsWith(bytes, at, MARKER.slice(0, bytes.length - at))) {
    if (bytes.length - at < MARKER.length) return 0;
    return readMarker(state, bytes, at);
  }
  if (startsWith(bytes, at, 'TAG'.slice(0, bytes.length - at))) {
    if (bytes.length - at < 3) return 0;
    state.toSkip = 125;
    return 3;
  }
  throw new MalformedAudioError('a frame of the FLAC stream should begin here, and does not');
}

/** Behind a loss: passes over what is before the next header. */
function findFrame(state: FlacState, bytes: Uint8Array, at: number, emit: Emit): number {
  const header = state.info === null ? null : readFlacHeader(bytes, at, state.info);
  if (header === 'more') return 0;
  if (header === null) {
    const next = bytes.indexOf(0xff, at + 1);
    return (next === -1 ? bytes.length : next) - at;
  }
  const end = flacFrameEnd(bytes, at, header);
  if (end === null) return 0;
  let crc = end === 'malformed' ? 1 : 0;
  if (end !== 'malformed') for (let index = at; index < end; index++) crc = flacCrc16Step(crc, bytes[index] ?? 0);
  if (crc !== 0) {
    // A header is found by chance once in a while; a frame behind it is not.
    state.attempts += 1;
    if (state.attempts > MAX_ATTEMPTS) throw new MalformedAudioError('the FLAC stream was not found again');
    return 1;
  }
  state.isLost = false;
  Object.assign(state, NOT_SCANNED);
  return readFrame(state, bytes, at, emit);
}

function takeFrame(state: FlacState, bytes: Uint8Array, header: FlacFrame, emit: Emit): void {
  const { gap, position } = followClock(state.position, header.firstSample, 0, state.isAdrift);
  if (gap > 0) emit({ kind: 'gap', frames: gap });
  state.isAdrift = false;
  state.position = position + header.samples;
  const { config, startsAnew } = state;
  emit({ kind: 'packet', bytes, dropFrames: 0, frames: header.samples, config, startsAnew });
  state.startsAnew = false;
}
