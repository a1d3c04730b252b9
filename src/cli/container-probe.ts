import type { FileHandle } from 'node:fs/promises';
import { readStreamInfo, STREAM_INFO_BYTES } from '../audio/containers/flac-frame.ts';
import { ID3_HEADER_BYTES, id3BodyBytes } from '../audio/containers/mp3.ts';
import { MP3_HEADER_BYTES, readMp3Header } from '../audio/containers/mp3-frame.ts';
import { isOpusHead } from '../audio/containers/opus-packet.ts';
import { OPUS_RATE, type ContainerEncoding } from '../audio/format.ts';
import { readAt } from './read-at.ts';

/** What a session must be told before the container itself tells it. */
export interface ContainerProperties {
  readonly sampleRate: number;
  readonly channels: number;
}

/** Where the headers of WebM and Ogg are. */
const HEAD_BYTES = 256 * 1024;
/** Behind the marker and the head of the first block of metadata (RFC 9639, section 8.1). */
const STREAM_INFO_AT = 8;
/** "OpusHead", the version, and the channels (RFC 7845, section 5.1). */
const OPUS_HEAD_BYTES = 19;
const OPUS_CHANNELS_AT = 9;

/** What the headers say; `null` when they say nothing. */
export async function probeContainer(
  file: FileHandle,
  encoding: ContainerEncoding,
): Promise<ContainerProperties | null> {
  if (encoding === 'FLAC') {
    const info = await readAt(file, STREAM_INFO_AT, STREAM_INFO_BYTES);
    return info.length < STREAM_INFO_BYTES ? null : readStreamInfo(info);
  }
  if (encoding === 'MP3') return probeMp3(file);
  const head = await readAt(file, 0, HEAD_BYTES);
  for (let at = head.indexOf(0x4f); at !== -1; at = head.indexOf(0x4f, at + 1)) {
    const found = head.subarray(at, at + OPUS_HEAD_BYTES);
    const channels = found[OPUS_CHANNELS_AT];
    if (isOpusHead(found) && channels !== undefined) return { sampleRate: OPUS_RATE, channels };
  }
  return null;
}

async function probeMp3(file: FileHandle): Promise<ContainerProperties | null> {
  let at = 0;
  for (;;) {
    const head = await readAt(file, at, ID3_HEADER_BYTES);
    const tagBytes = id3BodyBytes(head, 0);
    if (tagBytes === null) return head.length < MP3_HEADER_BYTES ? null : readMp3Header(head, 0);
    at += ID3_HEADER_BYTES + tagBytes;
  }
}
