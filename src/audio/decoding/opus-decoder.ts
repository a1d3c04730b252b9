import { OpusDecoder } from 'opus-decoder';
import type { ContainerFormat } from '../format.ts';
import type { PacketDecoder } from './packet-decoder.ts';
import { quietly } from './quietly.ts';

/** Of each channel, what the decoder has room for: 120 ms at 256 kbit/s, and so as much as encoders make. */
const MAX_PACKET_BYTES = 3_840;

/** libopus makes one channel or two of whatever was encoded (RFC 6716, section 4). */
export async function openOpusDecoder({ channels }: ContainerFormat): Promise<PacketDecoder> {
  const decoder = new OpusDecoder({ channels, sampleRate: 48_000 });
  await decoder.ready;
  return {
    decode({ bytes }) {
      // It would throw.
      if (bytes.length > MAX_PACKET_BYTES * channels) return Promise.resolve(null);
      const { channelData, errors } = quietly(() => decoder.decodeFrame(bytes));
      return Promise.resolve(errors.length === 0 ? channelData : null);
    },
    free: () => decoder.free(),
  };
}
