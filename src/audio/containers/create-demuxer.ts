import type { ContainerEncoding, ContainerFormat } from '../format.ts';
import { demuxerOf, type Demuxer } from './demuxer.ts';
import { flacParser } from './flac.ts';
import { mp3Parser } from './mp3.ts';
import { oggOpusParser } from './ogg-opus.ts';
import { wavParser } from './wav-stream.ts';
import { webmOpusParser } from './webm-opus.ts';

const CREATE: Record<ContainerEncoding, (format: ContainerFormat) => Demuxer> = {
  WEBM_OPUS: (format) => demuxerOf(webmOpusParser(format)),
  OGG_OPUS: (format) => demuxerOf(oggOpusParser(format)),
  FLAC: (format) => demuxerOf(flacParser(format)),
  MP3: (format) => demuxerOf(mp3Parser(format)),
  WAV: (format) => demuxerOf(wavParser(format)),
};

/** Reads a session's container from its beginning. */
export function createDemuxer(format: ContainerFormat): Demuxer {
  return CREATE[format.encoding](format);
}
