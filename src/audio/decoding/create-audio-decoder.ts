import { decodeSamples } from '../decode.ts';
import { bytesPerFrame, isContainer, type AudioFormat } from '../format.ts';
import type { AudioDecoder } from './audio-decoder.ts';
import { BlockDecoder } from './block-decoder.ts';

/** For samples as they are sent; for a container, for the packets in it (see packet-batch.ts). */
export function createAudioDecoder(format: AudioFormat): AudioDecoder {
  if (isContainer(format)) return new BlockDecoder(format);
  return {
    framesIn: (bytes) => bytes.length / bytesPerFrame(format),
    decode: (startFrame, bytes, fromFrame) => {
      const skipped = Math.max(0, fromFrame - startFrame);
      const frameBytes = bytesPerFrame(format);
      const frames = bytes.length / frameBytes - skipped;
      if (frames <= 0) return Promise.resolve([]);
      const channels = decodeSamples(format, bytes.subarray(skipped * frameBytes));
      return Promise.resolve([{ startFrame: startFrame + skipped, frames, channels }]);
    },
    lost: () => {},
    close: () => {},
  };
}
