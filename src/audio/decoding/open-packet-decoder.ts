import { wavPacketFormat } from '../containers/wav-stream.ts';
import { decodeSamples } from '../decode.ts';
import type { ContainerEncoding, ContainerFormat } from '../format.ts';
import { openFlacDecoder } from './flac-decoder.ts';
import { openMp3Decoder } from './mp3-decoder.ts';
import { openOpusDecoder } from './opus-decoder.ts';
import type { PacketDecoder } from './packet-decoder.ts';

const OPEN: Record<ContainerEncoding, (format: ContainerFormat) => Promise<PacketDecoder>> = {
  WEBM_OPUS: openOpusDecoder,
  OGG_OPUS: openOpusDecoder,
  FLAC: openFlacDecoder,
  MP3: openMp3Decoder,
  WAV: ({ sampleRate }) =>
    Promise.resolve({
      decode: ({ bytes, config }) => Promise.resolve(decodeSamples(wavPacketFormat(config, sampleRate), bytes)),
      free: () => {},
    }),
};

/** A decoder that has heard nothing. */
export function openPacketDecoder(format: ContainerFormat): Promise<PacketDecoder> {
  return OPEN[format.encoding](format);
}
