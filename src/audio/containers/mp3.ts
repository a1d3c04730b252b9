import type { ContainerFormat } from '../format.ts';
import { startsWith } from './byte-search.ts';
import type { ContainerParser, Emit, ParserState } from './demuxer.ts';
import { MalformedAudioError } from './malformed-audio-error.ts';
import { readMp3Header, MP3_HEADER_BYTES, type Mp3Frame } from './mp3-frame.ts';
import { NO_CONFIG, requireChannels } from './opus-packet.ts';
import { requireRate } from './wav-stream.ts';

interface Mp3State extends ParserState {
  /** Samples that are still to be dropped. */
  delayLeft: number;
  startsAnew: boolean;
  /** Frames that still belong to what the header said of the whole; 0 when it said nothing, or what it said is over. */
  knownFramesLeft: number;
  /** Samples of the recording among those. */
  knownSamplesLeft: number;
}

/** A frame at 320 kbit/s and 32 kHz, with the header of the next, or the head of a tag. */
const MAX_ELEMENT_BYTES = 4_096;
const MAX_TAG_BYTES = 64 * 1024 * 1024;
export const ID3_HEADER_BYTES = 10;
const ID3V1_BYTES = 128;
const APE_HEADER_BYTES = 32;
/** What a decoder gives later than it was put in: 528 samples of its filters, and one. */
const DECODER_DELAY = 529;
/** Of the LAME tag, counted from "Xing": 12 bits of delay and 12 of padding. */
const LAME_DELAY_OFFSET = 141;
const XING_HAS_FRAMES = 1;

/**
 * A stream of MPEG layer III frames, and the tags around them. The delay of encoder and decoder is dropped at the beginning,
 * and the padding at the end where a header told how much (the "Xing" and "LAME" tags, as their encoders document them).
 */
export function mp3Parser(format: ContainerFormat): ContainerParser<Mp3State> {
  return {
    maxElementBytes: MAX_ELEMENT_BYTES,
    initial: () => ({
      toSkip: 0,
      isLost: false,
      delayLeft: DECODER_DELAY,
      startsAnew: true,
      knownFramesLeft: 0,
      knownSamplesLeft: 0,
    }),
    afterLoss: (state) => ({ ...state, toSkip: 0, isLost: true, knownFramesLeft: 0, knownSamplesLeft: 0 }),
    step(state, bytes, at, emit) {
      if (state.isLost) {
        const distance = findFrame(bytes, at, format);
        if (distance !== 0) return Math.max(0, distance);
        state.isLost = false;
      }
      return readElement(state, bytes, at, format, emit);
    },
  };
}

/** @returns how far away a frame begins that another one follows; -1 when more bytes are needed to tell. */
function findFrame(bytes: Uint8Array, at: number, format: ContainerFormat): number {
  if (bytes.length - at < MP3_HEADER_BYTES) return -1;
  const frame = readMp3Header(bytes, at);
  if (frame === null || frame.sampleRate !== format.sampleRate) {
    const next = bytes.indexOf(0xff, at + 1);
    return (next === -1 ? bytes.length : next) - at;
  }
  const following = at + frame.length;
  if (following + MP3_HEADER_BYTES > bytes.length) return -1;
  const next = readMp3Header(bytes, following);
  return next !== null && next.sampleRate === frame.sampleRate ? 0 : 1;
}

function readElement(state: Mp3State, bytes: Uint8Array, at: number, format: ContainerFormat, emit: Emit): number {
  const there = bytes.length - at;
  if (bytes[at] === 0) return zeros(bytes, at);
  if (there < MP3_HEADER_BYTES) return 0;
  const frame = readMp3Header(bytes, at);
  if (frame === null) return passTag(state, bytes, at);
  if (there < frame.length) return 0;
  requireRate('MP3', frame.sampleRate, format.sampleRate);
  requireChannels(frame.channels, format.channels);
  if (!takeHeaderFrame(state, bytes.subarray(at, at + frame.length), frame)) {
    takeFrame(state, bytes.subarray(at, at + frame.length), frame, emit);
  }
  return frame.length;
}

/** Some writers fill up with them. */
function zeros(bytes: Uint8Array, at: number): number {
  let end = at;
  while (bytes[end] === 0) end += 1;
  return end - at;
}

/** ID3v2 (id3.org), ID3v1 and APE tags. */
function passTag(state: Mp3State, bytes: Uint8Array, at: number): number {
  const there = bytes.length - at;
  if (startsWith(bytes, at, 'ID3')) {
    const size = id3BodyBytes(bytes, at);
    if (size === null) return 0;
    state.toSkip = limited(size);
    return ID3_HEADER_BYTES;
  }
  if (startsWith(bytes, at, 'TAG')) {
    state.toSkip = ID3V1_BYTES - 3;
    return 3;
  }
  if (startsWith(bytes, at, 'APET')) {
    if (there < APE_HEADER_BYTES) return 0;
    const view = new DataView(bytes.buffer, bytes.byteOffset + at);
    const isHeader = (view.getUint32(20, true) & 0x2000_0000) !== 0;
    state.toSkip = isHeader ? limited(view.getUint32(12, true)) : 0;
    return APE_HEADER_BYTES;
  }
  throw new MalformedAudioError('an MP3 frame should begin here, and none with a fixed bitrate of layer III does');
}

/** Of the ID3v2 tag that begins at `at`, what follows its header; `null`: none does, or its header is not all there. */
export function id3BodyBytes(bytes: Uint8Array, at: number): number | null {
  if (!startsWith(bytes, at, 'ID3') || bytes.length - at < ID3_HEADER_BYTES) return null;
  // Four bytes of seven bits.
  const size = bytes.subarray(at + 6, at + ID3_HEADER_BYTES).reduce((value, byte) => value * 128 + (byte & 0x7f), 0);
  const hasFooter = ((bytes[at + 5] ?? 0) & 0x10) !== 0;
  return size + (hasFooter ? ID3_HEADER_BYTES : 0);
}

function limited(size: number): number {
  if (size > MAX_TAG_BYTES) throw new MalformedAudioError(`a tag of the MP3 stream claims ${size} bytes`);
  return size;
}

/** The first frame of a file may be silent and have a header in it. @returns whether this is such a frame */
function takeHeaderFrame(state: Mp3State, bytes: Uint8Array, { sideEnd, samples }: Mp3Frame): boolean {
  const isEmpty = bytes.subarray(MP3_HEADER_BYTES, sideEnd).every((byte) => byte === 0);
  const tag = bytes.subarray(sideEnd);
  if (startsWith(bytes, 36, 'VBRI')) {
    begin(state, DECODER_DELAY, 0, 0);
    return true;
  }
  if (!isEmpty || !(startsWith(tag, 0, 'Xing') || startsWith(tag, 0, 'Info')) || tag.length < 12) return false;
  const view = new DataView(tag.buffer, tag.byteOffset, tag.byteLength);
  const frames = (view.getUint32(4) & XING_HAS_FRAMES) === 0 ? 0 : view.getUint32(8);
  if (tag.length < LAME_DELAY_OFFSET + 3 || view.getUint8(120) === 0) {
    begin(state, DECODER_DELAY, 0, 0);
    return true;
  }
  const packed = view.getUint32(LAME_DELAY_OFFSET - 1) & 0xff_ffff;
  const delay = packed >> 12;
  const padding = packed & 0xfff;
  begin(state, delay + DECODER_DELAY, frames, Math.max(0, frames * samples - delay - padding));
  return true;
}

function begin(state: Mp3State, delay: number, knownFrames: number, knownSamples: number): void {
  state.delayLeft = delay;
  state.startsAnew = true;
  state.knownFramesLeft = knownFrames;
  state.knownSamplesLeft = knownSamples;
}

function takeFrame(state: Mp3State, bytes: Uint8Array, { samples }: Mp3Frame, emit: Emit): void {
  const dropFrames = Math.min(state.delayLeft, samples);
  state.delayLeft -= dropFrames;
  let frames = samples - dropFrames;
  if (state.knownFramesLeft > 0) {
    frames = Math.min(frames, state.knownSamplesLeft);
    state.knownFramesLeft -= 1;
    state.knownSamplesLeft -= frames;
  }
  emit({ kind: 'packet', bytes, dropFrames, frames, config: NO_CONFIG, startsAnew: state.startsAnew });
  state.startsAnew = false;
}
