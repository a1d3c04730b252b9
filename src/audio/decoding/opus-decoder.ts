import { OpusDecoder } from 'opus-decoder';
import type { ContainerFormat } from '../format.ts';
import type { PacketDecoder } from './packet-decoder.ts';

/** libopus makes one channel or two of whatever was encoded (RFC 6716, section 4). */
export async function openOpusDecoder({ channels }: ContainerFormat): Promise<PacketDecoder> {
  const decoder = new OpusDecoder({ channels, sampleRate: 48_000 });
  await decoder.ready;
  return {
    decode({ bytes }) {
      const { channelData, errors } = decoder.decodeFrame(bytes);
      return Promise.resolve(errors.length === 0 ? channelData : null);
    },
    free: () => decoder.free(),
  };
}
