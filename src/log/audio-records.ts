/**
 * What the records of an audio log hold. All numbers are unsigned and little-endian (see record-format.ts).
 *
 * `header` (type 1), the first record: JSON of the session id, the audio format and the time of creation.
 *
 * Every other record begins with its place in the session, so that what a damaged one held can be told from the next:
 *
 * | offset | size | field                                                                    |
 * | -----: | ---: | ------------------------------------------------------------------------ |
 * |      0 |    8 | first frame, counted from the session's first, chunks and skips together |
 * |      8 |    4 | sequence number (`end`: that of the chunk that would be next)            |
 * |     12 |    8 | frames (`end`: 0; `lost`, and a container's `chunk`: may be 0)           |
 *
 * `chunk` (type 2): the CRC-32 of the audio (4 bytes), then the audio as it was sent.
 * `skip` (type 3): nothing more; the client lost that much.
 * `end` (type 4): JSON of the reason and the time.
 * `lost` (type 5): the sequence number behind those that are lost (4 bytes). The log once had that much more than it has.
 *
 * The mark (see record-format.ts) holds the length of the timeline in frames (8 bytes) and the sequence number that would be
 * next (4 bytes), so that what a damaged record at the very end held can be told as well.
 */
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { AUDIO_ENCODINGS, MAX_SAMPLE_RATE, MIN_SAMPLE_RATE, type AudioFormat } from '../audio/format.ts';
import type { NewRecord } from './append.ts';
import { MAX_PAYLOAD_BYTES, readUint53, writeUint53, type LogRecord } from './record-format.ts';
import { LogFormatError } from './storage-errors.ts';

export interface AudioLogHeader {
  readonly sessionId: string;
  readonly format: AudioFormat;
  readonly createdAt: Date;
}

export interface AudioLogEnd {
  readonly reason: string;
  readonly at: Date;
}

/** How far a session's timeline goes. */
export interface TimelineExtent {
  /** Sequence number that comes next; all below were taken. */
  readonly nextSequence: number;
  /** Length in source frames, counted from the session's first. */
  readonly receivedFrames: number;
}

/** What is compared when a sequence number comes a second time. */
export type StoredContent =
  | { readonly kind: 'chunk'; readonly length: number; readonly checksum: number }
  | { readonly kind: 'skip'; readonly frames: number };

interface Place {
  readonly startFrame: number;
  readonly sequence: number;
  readonly frames: number;
}

export type AudioRecord =
  | ({ readonly kind: 'chunk'; readonly checksum: number; readonly bytes: Buffer } & Place)
  | ({ readonly kind: 'skip' } & Place)
  | ({ readonly kind: 'end'; readonly end: AudioLogEnd } & Place)
  | ({ readonly kind: 'lost'; readonly nextSequence: number } & Place);

export const HEADER_RECORD = 1;
const CHUNK_RECORD = 2;
const SKIP_RECORD = 3;
const END_RECORD = 4;
const LOST_RECORD = 5;

const PLACE_BYTES = 20;
const MARK_BYTES = 12;
const CHUNK_HEADER_BYTES = PLACE_BYTES + 4;
const LOST_BYTES = PLACE_BYTES + 4;

/** The largest chunk: just under 16 MiB. */
export const MAX_CHUNK_BYTES = MAX_PAYLOAD_BYTES - CHUNK_HEADER_BYTES;

const LEAST_BYTES: Readonly<Record<number, number>> = {
  [CHUNK_RECORD]: CHUNK_HEADER_BYTES,
  [LOST_RECORD]: LOST_BYTES,
};

const headerSchema = z.object({
  sessionId: z.string().min(1),
  format: z.object({
    encoding: z.enum(AUDIO_ENCODINGS),
    sampleRate: z.int().min(MIN_SAMPLE_RATE).max(MAX_SAMPLE_RATE),
    channels: z.int().min(1),
  }),
  createdAt: z.coerce.date(),
});

const endSchema = z.object({ reason: z.string(), at: z.coerce.date() });

export function chunkContent(bytes: Uint8Array): StoredContent & { kind: 'chunk' } {
  return { kind: 'chunk', length: bytes.length, checksum: crc32(bytes) };
}

export function contentOf(record: AudioRecord & { kind: 'chunk' | 'skip' }): StoredContent {
  return record.kind === 'chunk'
    ? { kind: 'chunk', length: record.bytes.length, checksum: record.checksum }
    : { kind: 'skip', frames: record.frames };
}

export function sameContent(a: StoredContent, b: StoredContent): boolean {
  if (a.kind === 'chunk') return b.kind === 'chunk' && a.length === b.length && a.checksum === b.checksum;
  return b.kind === 'skip' && a.frames === b.frames;
}

export function encodeHeader(header: AudioLogHeader): NewRecord {
  return { type: HEADER_RECORD, payload: [Buffer.from(JSON.stringify(header))] };
}

export function encodeChunk(place: Place, checksum: number, bytes: Uint8Array): NewRecord {
  const header = encodePlace(place, CHUNK_HEADER_BYTES);
  header.writeUInt32LE(checksum, PLACE_BYTES);
  return { type: CHUNK_RECORD, payload: [header, bytes] };
}

export function encodeSkip(place: Place): NewRecord {
  return { type: SKIP_RECORD, payload: [encodePlace(place, PLACE_BYTES)] };
}

export function encodeEnd(place: Omit<Place, 'frames'>, end: AudioLogEnd): NewRecord {
  return {
    type: END_RECORD,
    payload: [encodePlace({ ...place, frames: 0 }, PLACE_BYTES), Buffer.from(JSON.stringify(end))],
  };
}

export function encodeLost(place: Place, nextSequence: number): NewRecord {
  const payload = encodePlace(place, LOST_BYTES);
  payload.writeUInt32LE(nextSequence, PLACE_BYTES);
  return { type: LOST_RECORD, payload: [payload] };
}

export function encodeMark(extent: TimelineExtent): readonly Uint8Array[] {
  const payload = Buffer.alloc(MARK_BYTES);
  writeUint53(payload, extent.receivedFrames, 0);
  payload.writeUInt32LE(extent.nextSequence, 8);
  return [payload];
}

/** `null` when it does not hold what an audio log writes. */
export function decodeMark({ payload }: LogRecord): TimelineExtent | null {
  if (payload.length !== MARK_BYTES) return null;
  return { receivedFrames: readUint53(payload, 0), nextSequence: payload.readUInt32LE(8) };
}

/** @throws LogFormatError */
export function decodeHeader(record: LogRecord): AudioLogHeader {
  return parseJson(record, 0, headerSchema);
}

/** @throws LogFormatError when it is none of an audio log's records behind the header. */
export function decodeAudioRecord(record: LogRecord): AudioRecord {
  const { type, payload } = record;
  if (payload.length < (LEAST_BYTES[type] ?? PLACE_BYTES)) throw notAudio(record);
  const place = {
    startFrame: readUint53(payload, 0),
    sequence: payload.readUInt32LE(8),
    frames: readUint53(payload, 12),
  };
  switch (type) {
    case CHUNK_RECORD: {
      const bytes = payload.subarray(CHUNK_HEADER_BYTES);
      return { kind: 'chunk', ...place, checksum: payload.readUInt32LE(PLACE_BYTES), bytes };
    }
    case SKIP_RECORD:
      return { kind: 'skip', ...place };
    case END_RECORD:
      return { kind: 'end', ...place, end: parseJson(record, PLACE_BYTES, endSchema) };
    case LOST_RECORD:
      return { kind: 'lost', ...place, nextSequence: payload.readUInt32LE(PLACE_BYTES) };
    default:
      throw notAudio(record);
  }
}

function encodePlace(place: Place, length: number): Buffer {
  const target = Buffer.alloc(length);
  writeUint53(target, place.startFrame, 0);
  target.writeUInt32LE(place.sequence, 8);
  writeUint53(target, place.frames, 12);
  return target;
}

function parseJson<T>(record: LogRecord, offset: number, schema: z.ZodType<T>): T {
  try {
    return schema.parse(JSON.parse(record.payload.toString('utf8', offset)));
  } catch (error) {
    throw notAudio(record, error);
  }
}

function notAudio(record: LogRecord, cause?: unknown): LogFormatError {
  return new LogFormatError(`The record at ${record.position} (type ${record.type}) is none of an audio log`, {
    cause,
  });
}
