import { FLACDecoder } from '@wasm-audio-decoders/flac';
import type { PacketDecoder } from './packet-decoder.ts';
import { quietly } from './quietly.ts';

/** libFLAC, frame by frame. */
export async function openFlacDecoder(): Promise<PacketDecoder> {
  const decoder = new FLACDecoder();
  await decoder.ready;
  return {
    async decode({ bytes }) {
      const { channelData, errors } = await quietly(() => decoder.decodeFrames([bytes]));
      // Of a frame that does not follow the one before it libFLAC says so, and decodes it all the same.
      return errors.every(({ message }) => message.includes('MISSING_FRAME')) ? channelData : null;
    },
    free: () => decoder.free(),
  };
}
