import { FLACDecoder } from '@wasm-audio-decoders/flac';
import type { PacketDecoder } from './packet-decoder.ts';

/** libFLAC, frame by frame. */
export async function openFlacDecoder(): Promise<PacketDecoder> {
  const decoder = new FLACDecoder();
  await decoder.ready;
  return {
    async decode({ bytes }) {
      const { channelData, errors } = await decoder.decodeFrames([bytes]);
      return errors.length === 0 ? channelData : null;
    },
    free: () => decoder.free(),
  };
}
