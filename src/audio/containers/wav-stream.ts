import { findMalformation } from '../decode.ts';
import { bytesPerFrame, type ContainerFormat, type SampleEncoding, type SampleFormat } from '../format.ts';
import { readWavFormat, UnsupportedWavError } from '../wav.ts';
import { startsWith } from './byte-search.ts';
import type { ContainerParser, Emit, ParserState } from './demuxer.ts';
import { MalformedAudioError } from './malformed-audio-error.ts';
import { requireChannels } from './opus-packet.ts';

interface WavState extends ParserState {
  phase: 'riff' | 'chunk' | 'data';
  format: SampleFormat | null;
  config: Uint8Array;
  /** Bytes of samples that are still to come; `Infinity` when only the end will tell. */
  dataLeft: number;
  startsAnew: boolean;
}

const RIFF_HEADER_BYTES = 12;
const CHUNK_HEADER_BYTES = 8;
const MAX_FORMAT_BYTES = 1024;
/** Titles and pictures. */
const MAX_SKIPPED_BYTES = 64 * 1024 * 1024;
/** What a writer leaves that streams, and could not come back to fill in the size. */
const SIZE_UNKNOWN = 0xffff_ffff;
const MAX_CHANNELS = 8;

/** The order stands in recordings' packets: only ever add to its end. */
const ENCODINGS: readonly SampleEncoding[] = ['PCM_S16LE', 'PCM_F32LE', 'MULAW', 'ALAW'];

/** The format of a packet of WAV, from its configuration. */
export function wavPacketFormat(config: Uint8Array, sampleRate: number): SampleFormat {
  return { encoding: ENCODINGS[config[0] ?? 0] ?? 'PCM_S16LE', channels: config[1] ?? 1, sampleRate };
}

/** WAV as a stream (see wav.ts for its sources): files may follow each other, and sizes may not be known. */
export function wavParser(format: ContainerFormat): ContainerParser<WavState> {
  return {
    maxElementBytes: CHUNK_HEADER_BYTES + MAX_FORMAT_BYTES,
    initial: () => ({
      toSkip: 0,
      isLost: false,
      phase: 'riff',
      format: null,
      config: new Uint8Array(0),
      dataLeft: 0,
      startsAnew: false,
    }),
    // Nothing in samples tells where a frame begins: what follows has to begin with a whole one, or be another file.
    afterLoss: (state, frames) => {
      const frameBytes = state.format === null ? 0 : bytesPerFrame(state.format);
      const dataLeft = Math.max(frameBytes, state.dataLeft - frames * frameBytes);
      return { ...state, toSkip: 0, isLost: state.phase === 'data', dataLeft };
    },
    step(state, bytes, at, emit) {
      switch (state.phase) {
        case 'riff':
          return readRiff(state, bytes, at);
        case 'chunk':
          return readChunk(state, bytes, at, format);
        case 'data':
          if (state.isLost && startsWith(bytes, at, 'RIFF'.slice(0, bytes.length - at))) {
            if (bytes.length - at < RIFF_HEADER_BYTES) return 0;
            state.phase = 'riff';
          }
          state.isLost = false;
          return state.phase === 'riff' ? readRiff(state, bytes, at) : readSamples(state, bytes, at, emit);
      }
    },
  };
}

function readRiff(state: WavState, bytes: Uint8Array, at: number): number {
  if (bytes.length - at >= 4 && !startsWith(bytes, at, 'RIFF')) throw notWav();
  if (bytes.length - at < RIFF_HEADER_BYTES) return 0;
  if (!startsWith(bytes, at + 8, 'WAVE')) throw notWav();
  state.phase = 'chunk';
  state.format = null;
  return RIFF_HEADER_BYTES;
}

function notWav(): MalformedAudioError {
  return new MalformedAudioError('a WAV file should begin here with "RIFF" and "WAVE", and does not');
}

function readChunk(state: WavState, bytes: Uint8Array, at: number, wanted: ContainerFormat): number {
  // Another file follows.
  if (startsWith(bytes, at, 'RIFF')) {
    state.phase = 'riff';
    return readRiff(state, bytes, at);
  }
  if (bytes.length - at < CHUNK_HEADER_BYTES) return 0;
  const size = new DataView(bytes.buffer, bytes.byteOffset + at).getUint32(4, true);
  if (startsWith(bytes, at, 'data')) {
    if (state.format === null) throw new MalformedAudioError('the WAV file has samples before it says their format');
    state.phase = 'data';
    state.dataLeft = size === 0 || size === SIZE_UNKNOWN ? Infinity : size;
    return CHUNK_HEADER_BYTES;
  }
  if (startsWith(bytes, at, 'fmt ')) {
    if (size > MAX_FORMAT_BYTES) throw new MalformedAudioError(`the WAV file's format claims ${size} bytes`);
    const end = at + CHUNK_HEADER_BYTES + size + (size % 2);
    if (end > bytes.length) return 0;
    takeFormat(state, new DataView(bytes.buffer, bytes.byteOffset + at + CHUNK_HEADER_BYTES, size), wanted);
    return end - at;
  }
  if (size > MAX_SKIPPED_BYTES) throw new MalformedAudioError(`a part of the WAV file claims ${size} bytes`);
  state.toSkip = size + (size % 2);
  return CHUNK_HEADER_BYTES;
}

function takeFormat(state: WavState, view: DataView, wanted: ContainerFormat): void {
  let format: SampleFormat;
  try {
    format = readWavFormat(view);
  } catch (error) {
    if (error instanceof UnsupportedWavError) throw new MalformedAudioError(error.message, { cause: error });
    throw error;
  }
  requireRate('WAV', format.sampleRate, wanted.sampleRate);
  requireChannels(format.channels, wanted.channels);
  if (format.channels > MAX_CHANNELS) {
    throw new MalformedAudioError(`the WAV file has ${format.channels} channels; ${MAX_CHANNELS} at most are read`);
  }
  state.format = format;
  state.config = Uint8Array.of(ENCODINGS.indexOf(format.encoding), format.channels);
  state.startsAnew = true;
}

function readSamples(state: WavState, bytes: Uint8Array, at: number, emit: Emit): number {
  const { format } = state;
  if (format === null) throw new MalformedAudioError('the WAV file has samples before it says their format');
  const frameBytes = bytesPerFrame(format);
  const wholeLeft = state.dataLeft - (state.dataLeft % frameBytes || 0);
  const length = Math.min(bytes.length - at, wholeLeft);
  const usable = length - (length % frameBytes);
  if (usable > 0) {
    const samples = bytes.subarray(at, at + usable);
    const malformation = findMalformation(format, samples);
    if (malformation !== null) throw new MalformedAudioError(malformation);
    const { config, startsAnew } = state;
    emit({ kind: 'packet', bytes: samples, dropFrames: 0, frames: usable / frameBytes, config, startsAnew });
    state.startsAnew = false;
    state.dataLeft -= usable;
  }
  if (state.dataLeft < frameBytes) {
    // What is no whole frame, and the byte that makes an odd length even.
    state.toSkip = state.dataLeft + (state.dataLeft % 2);
    state.phase = 'chunk';
    state.dataLeft = 0;
    return usable > 0 ? usable : skipNow(state, bytes, at);
  }
  return usable;
}

/** Nothing was read: at least one byte has to be, or there is nothing to go on with. */
function skipNow(state: WavState, bytes: Uint8Array, at: number): number {
  const skipped = Math.min(state.toSkip, bytes.length - at);
  state.toSkip -= skipped;
  return skipped;
}

/** @throws MalformedAudioError when the header's rate is not the session's */
export function requireRate(what: string, rate: number, wanted: number): void {
  if (rate === wanted) return;
  throw new MalformedAudioError(
    `the ${what} has ${rate} Hz, the session ${wanted}: start a session with sampleRate ${rate}`,
  );
}
