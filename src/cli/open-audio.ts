import { open, type FileHandle } from 'node:fs/promises';
import { startsWith } from '../audio/containers/byte-search.ts';
import { MP3_HEADER_BYTES, readMp3Header } from '../audio/containers/mp3-frame.ts';
import type { ContainerEncoding } from '../audio/format.ts';
import { AudioFile, type ChannelHandling } from './audio-file.ts';
import type { AudioSource } from './audio-source.ts';
import { ContainerFile } from './container-file.ts';
import { CommandLineError } from './errors.ts';
import { whyUnreadable } from './unreadable.ts';

const HEAD_BYTES = 64;
const EBML = Uint8Array.of(0x1a, 0x45, 0xdf, 0xa3);

/**
 * Opens a file by what is in it, whatever its name.
 * @throws CommandLineError when there is no such file, or it is none that can be transcribed
 */
export async function openAudio(path: string, handling: ChannelHandling): Promise<AudioSource> {
  const encoding = await encodingOf(path);
  return encoding === 'WAV' ? AudioFile.open(path, handling) : ContainerFile.open(path, encoding, handling);
}

async function encodingOf(path: string): Promise<ContainerEncoding> {
  let file: FileHandle | null = null;
  try {
    file = await open(path);
    if (!(await file.stat()).isFile()) throw new Error('it is not a file');
    const { buffer, bytesRead } = await file.read(new Uint8Array(HEAD_BYTES), { position: 0 });
    const encoding = recognise(buffer.subarray(0, bytesRead));
    if (encoding !== null) return encoding;
  } catch (error) {
    throw new CommandLineError(`cannot read ${path}: ${whyUnreadable(error)}`, { cause: error });
  } finally {
    await file?.close();
  }
  throw new CommandLineError(
    `${path}: this is not a WAV file, nor WebM, Ogg, FLAC or MP3; convert it, for example: ffmpeg -i in -ar 16000 -c:a pcm_s16le out.wav`,
  );
}

function recognise(head: Uint8Array): ContainerEncoding | null {
  if (startsWith(head, 0, 'RIFF') || startsWith(head, 0, 'RF64')) return 'WAV';
  if (EBML.every((byte, index) => head[index] === byte)) return 'WEBM_OPUS';
  if (startsWith(head, 0, 'OggS')) return 'OGG_OPUS';
  if (startsWith(head, 0, 'fLaC')) return 'FLAC';
  if (startsWith(head, 0, 'ID3')) return 'MP3';
  return head.length >= MP3_HEADER_BYTES && readMp3Header(head, 0) !== null ? 'MP3' : null;
}
