import { MPEGDecoder } from 'mpg123-decoder';
import { MP3_HEADER_BYTES, readMp3Header } from '../containers/mp3-frame.ts';
import type { PacketDecoder } from './packet-decoder.ts';
import { quietly } from './quietly.ts';

/** mpg123 gives each frame's samples with the frame; what a header says of delay and padding is not left to it. */
export async function openMp3Decoder(): Promise<PacketDecoder> {
  const decoder = new MPEGDecoder({ enableGapless: false });
  await decoder.ready;
  return {
    decode({ bytes }) {
      const { channelData, errors } = quietly(() => decoder.decodeFrame(bytes));
      if (errors.length > 0 || bytes.length < MP3_HEADER_BYTES) return Promise.resolve(null);
      // It always gives two channels.
      return Promise.resolve(channelData.slice(0, readMp3Header(bytes, 0)?.channels));
    },
    free: () => decoder.free(),
  };
}
