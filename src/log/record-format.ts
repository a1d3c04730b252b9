/**
 * How records stand in a log file. All numbers are unsigned and little-endian; `u53` is a 64-bit field whose value stays
 * below 2^53.
 *
 * The file begins with 16 bytes:
 *
 * | offset | size | field                                |
 * | -----: | ---: | ------------------------------------ |
 * |      0 |    8 | magic, ASCII `VERBATIM`              |
 * |      8 |    4 | format version, 1                    |
 * |     12 |    4 | CRC-32 of bytes 0..12                |
 *
 * Records follow without space between them:
 *
 * | offset | size | field                                                                              |
 * | -----: | ---: | ---------------------------------------------------------------------------------- |
 * |      0 |    4 | sync marker `F5 56 52 FF`; F5 and FF never occur in UTF-8, so never in JSON payloads |
 * |      4 |    4 | CRC-32 of everything behind this field: bytes 8..32 and the payload                |
 * |      8 |    4 | payload length in bytes, at most 16 MiB, so that a damaged length is recognised    |
 * |     12 |    1 | type, given by the user of the log; 0: mark                                        |
 * |     13 |    3 | zero                                                                               |
 * |     16 |    8 | u53: the record's own position in the file; payload bytes can't pass for a record  |
 * |     24 |    8 | u53: durable position known at its writing: all before it was on stable storage    |
 * |     32 |    … | payload                                                                            |
 *
 * The durable position is what tells a torn tail from damage: a bad record at or above every durable position that intact
 * records behind it carry may never have been written in full, and nobody was told that it was; one below was whole once.
 *
 * A *mark* (type 0) is written behind the last record when the log is closed, and says the same of that record: a log that
 * rested for months has no torn tail, only damage. A mark is no part of the log. It is not synced, because what it says is
 * true whether it reaches the disk or not; a bad one is a torn tail like any other. The next record is written over it.
 * One that is found with durable records behind it stands where a record is missing, and counts as damage. Only when the
 * bytes right before it are damaged does the log go on behind it: it alone knows of that damage, so it must not be
 * overwritten as long as no other record knows. Its payload is the log's user's, to say what those bytes held.
 *
 * The CRC-32 is that of ISO 3309 (as in zlib and PNG).
 */
import { crc32 } from 'node:zlib';

export const FILE_HEADER_BYTES = 16;
export const RECORD_HEADER_BYTES = 32;
/** Type of a mark; all others are the user's. */
export const MARK_RECORD = 0;
/** 16 MiB. */
export const MAX_PAYLOAD_BYTES = 16 * 1024 * 1024;

const FILE_MAGIC = Buffer.from('VERBATIM', 'ascii');
const FORMAT_VERSION = 1;
const SYNC_MARKER = Buffer.from([0xf5, 0x56, 0x52, 0xff]);

/** Offsets in a record's header. */
const CRC = 4;
const LENGTH = 8;
const TYPE = 12;
const RESERVED = 13;
const POSITION = 16;
const DURABLE = 24;

export interface RecordHeader {
  /** 0..255; 0 for a mark. */
  readonly type: number;
  /** Byte at which the record begins in its file. */
  readonly position: number;
  /** All bytes before this one were known to be on stable storage when the record was written; at most `position`. */
  readonly durable: number;
}

/** A record as read, its checksum verified. */
export interface LogRecord extends RecordHeader {
  /** Byte behind the record's last. */
  readonly end: number;
  readonly payload: Buffer;
}

export function isMark(record: RecordHeader): boolean {
  return record.type === MARK_RECORD;
}

export function encodeFileHeader(): Buffer {
  const header = Buffer.alloc(FILE_HEADER_BYTES);
  FILE_MAGIC.copy(header);
  header.writeUInt32LE(FORMAT_VERSION, 8);
  header.writeUInt32LE(crc32(header.subarray(0, 12)), 12);
  return header;
}

/** The format version (any, known or not), or `null` when these are not the intact first bytes of a log. */
export function decodeFileHeader(bytes: Buffer): number | null {
  if (bytes.length < FILE_HEADER_BYTES || !bytes.subarray(0, FILE_MAGIC.length).equals(FILE_MAGIC)) return null;
  return bytes.readUInt32LE(12) === crc32(bytes.subarray(0, 12)) ? bytes.readUInt32LE(8) : null;
}

export function isKnownVersion(version: number): boolean {
  return version === FORMAT_VERSION;
}

/**
 * The 32 bytes that stand before the payload, whose parts are only read.
 * @throws RangeError when the payload is longer than `MAX_PAYLOAD_BYTES` or a number does not fit its field.
 */
export function encodeRecordHeader(record: RecordHeader, payload: readonly Uint8Array[]): Buffer {
  const length = payloadLength(payload);
  if (record.durable > record.position) throw new RangeError('A record cannot know what is durable behind itself');
  const header = Buffer.alloc(RECORD_HEADER_BYTES);
  SYNC_MARKER.copy(header);
  header.writeUInt32LE(length, LENGTH);
  header.writeUInt8(record.type, TYPE);
  writeUint53(header, record.position, POSITION);
  writeUint53(header, record.durable, DURABLE);
  let checksum = crc32(header.subarray(LENGTH));
  for (const part of payload) checksum = crc32(part, checksum);
  header.writeUInt32LE(checksum, CRC);
  return header;
}

/** Bytes of a payload. @throws RangeError above `MAX_PAYLOAD_BYTES`. */
export function payloadLength(payload: readonly Uint8Array[]): number {
  const length = payload.reduce((sum, part) => sum + part.length, 0);
  if (length > MAX_PAYLOAD_BYTES)
    throw new RangeError(`A record holds at most ${MAX_PAYLOAD_BYTES} bytes, not ${length}`);
  return length;
}

/**
 * Length of the whole record (header and payload) that claims to begin at `offset`, the place of `position` in the file;
 * `null` when its header can't be that of a record there. The checksum is not looked at: `decodeRecord` does, given that
 * many bytes.
 * @param bytes at least `RECORD_HEADER_BYTES` from `offset` on.
 */
export function claimedRecordLength(bytes: Buffer, offset: number, position: number): number | null {
  if (bytes.compare(SYNC_MARKER, 0, SYNC_MARKER.length, offset, offset + SYNC_MARKER.length) !== 0) return null;
  const length = bytes.readUInt32LE(offset + LENGTH);
  const plausible =
    length <= MAX_PAYLOAD_BYTES &&
    bytes.readUIntLE(offset + RESERVED, 3) === 0 &&
    readUint53(bytes, offset + POSITION) === position &&
    readUint53(bytes, offset + DURABLE) <= position;
  return plausible ? RECORD_HEADER_BYTES + length : null;
}

/**
 * The record at `offset`, the place of `position` in the file, or `null` when it is not intact.
 * @param length what `claimedRecordLength` gave; `bytes` has that many from `offset` on.
 */
export function decodeRecord(bytes: Buffer, offset: number, position: number, length: number): LogRecord | null {
  const end = offset + length;
  if (crc32(bytes.subarray(offset + LENGTH, end)) !== bytes.readUInt32LE(offset + CRC)) return null;
  return {
    type: bytes.readUInt8(offset + TYPE),
    position,
    durable: readUint53(bytes, offset + DURABLE),
    end: position + length,
    payload: bytes.subarray(offset + RECORD_HEADER_BYTES, end),
  };
}

/** Offset of the first sync marker at or behind `from`, -1 without one; a marker cut by the end is not found. */
export function findSyncMarker(bytes: Buffer, from: number): number {
  return bytes.indexOf(SYNC_MARKER, from);
}

export const SYNC_MARKER_BYTES = SYNC_MARKER.length;

const TWO_32 = 2 ** 32;

/** @throws RangeError unless `value` is a whole number, 0 to 2^53 - 1. */
export function writeUint53(target: Buffer, value: number, offset: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is not a whole number below 2^53`);
  target.writeUInt32LE(value % TWO_32, offset);
  target.writeUInt32LE(Math.floor(value / TWO_32), offset + 4);
}

/** `Infinity` when the field holds 2^53 or more, so that it equals no position and is above all. */
export function readUint53(source: Buffer, offset: number): number {
  const value = source.readUInt32LE(offset + 4) * TWO_32 + source.readUInt32LE(offset);
  return Number.isSafeInteger(value) ? value : Infinity;
}
