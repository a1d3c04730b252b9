import { OpusFile } from '../audio/encoding/opus-file.ts';
import { OPUS_PACKETS_PER_SECOND } from '../audio/encoding/opus-format.ts';
import { wavHeader } from '../audio/wav.ts';
import type { Recording, RecordingFormat } from '../services/recordings/recordings.ts';
import { SessionPath } from './session-path.ts';

/** Read at a time; a player that stops does not read on. */
const PART_SECONDS = 1;
const BYTES_PER_SAMPLE = 2;

/** A recording as a file, any part of which can be made by itself. */
interface RecordingFile {
  readonly contentType: string;
  /** In bytes. */
  readonly length: number;
  /** Some bytes from `start` on, at least one and none beyond `end`, both within the file. @throws RecordingUnreadableError */
  read(start: number, end: number): Promise<Uint8Array>;
}

/** The files that a recording can be had as. */
export const RECORDING_FILES = {
  WAV: { path: new SessionPath('recording.wav'), fileOf: wavFile },
  MP4_OPUS: { path: new SessionPath('recording.m4a'), fileOf: opusFile },
} as const satisfies Record<RecordingFormat, { path: SessionPath; fileOf: (recording: Recording) => RecordingFile }>;

/** @returns the format that a path asks for; `null` when it asks for no recording */
export function recordingFormatOf(path: string): RecordingFormat | null {
  if (RECORDING_FILES.WAV.path.matches(path)) return 'WAV';
  return RECORDING_FILES.MP4_OPUS.path.matches(path) ? 'MP4_OPUS' : null;
}

/** Its samples as they are. */
function wavFile(recording: Recording): RecordingFile {
  const { sampleRate, channels, frames } = recording;
  const frameBytes = channels * BYTES_PER_SAMPLE;
  const partBytes = PART_SECONDS * sampleRate * frameBytes;
  const header = wavHeader({ encoding: 'PCM_S16LE', sampleRate, channels }, frames * frameBytes);
  return {
    contentType: 'audio/wav',
    length: header.length + frames * frameBytes,
    async read(start, end) {
      if (start < header.length) return header.subarray(start, end);
      const from = start - header.length;
      const to = Math.min(end - header.length, from + partBytes);
      const fromFrame = Math.floor(from / frameBytes);
      const bytes = await recording.read(fromFrame, Math.ceil(to / frameBytes) - fromFrame);
      return bytes.subarray(from - fromFrame * frameBytes, to - fromFrame * frameBytes);
    },
  };
}

/** Compressed. */
function opusFile(recording: Recording): RecordingFile {
  const file = new OpusFile(recording, recording.frames);
  const secondBytes = OPUS_PACKETS_PER_SECOND * file.packetBytes;
  return {
    contentType: 'audio/mp4; codecs=opus',
    length: file.length,
    async read(start, end) {
      if (start < file.header.length) return file.header.subarray(start, end);
      const second = Math.floor((start - file.header.length) / secondBytes);
      const secondStart = file.header.length + second * secondBytes;
      const bytes = await recording.encode(second);
      if (bytes.length !== secondBytes) throw new Error(`A second came out as ${bytes.length} bytes of Opus`);
      return bytes.subarray(start - secondStart, end - secondStart);
    },
  };
}
