import type { ChunkFraming } from './chunk-framing.ts';
import { createDemuxer } from './containers/create-demuxer.ts';
import { bytesPerFrame, isContainer, isSamples, type AudioFormat } from './format.ts';

/** At the beginning of a session. */
export function createFraming(format: AudioFormat): ChunkFraming {
  if (isContainer(format)) return createDemuxer(format);
  const frameBytes = isSamples(format) ? bytesPerFrame(format) : 1;
  const framing: ChunkFraming = {
    heldBytes: 0,
    take(bytes) {
      const frames = bytes.length / frameBytes;
      if (Number.isInteger(frames)) return { frames, items: [], next: framing };
      throw new RangeError(`A chunk is made of whole frames of ${frameBytes} bytes, not of ${bytes.length} bytes`);
    },
    afterLoss: () => framing,
  };
  return framing;
}
