import { bytesPerFrame, isContainer, isSamples, msToFrames, type AudioFormat } from '../audio/format.ts';
import type { AudioCutter, GivePiece } from './audio-cutter.ts';
import { Chunker } from './chunker.ts';
import { ContainerCutter } from './container-cutter.ts';
import type { ClientLimits } from './limits.ts';
import type { AudioPiece } from './timeline.ts';

/** @throws RangeError when the format is none that is known */
export function createCutter(format: AudioFormat, limits: ClientLimits): AudioCutter {
  const chunkFrames = Math.max(1, msToFrames(limits.chunkMs, format.sampleRate));
  if (isSamples(format)) return new SampleCutter(bytesPerFrame(format), chunkFrames);
  if (isContainer(format)) return new ContainerCutter(format, chunkFrames, limits);
  throw new RangeError('the encoding is none that is known');
}

class SampleCutter implements AudioCutter {
  readonly #frameBytes: number;
  readonly #chunker: Chunker;

  constructor(frameBytes: number, chunkFrames: number) {
    this.#frameBytes = frameBytes;
    this.#chunker = new Chunker(frameBytes, chunkFrames);
  }

  write(bytes: Uint8Array, give: GivePiece): void {
    for (const chunk of this.#chunker.write(bytes)) give(this.#piece(chunk));
  }

  skip(_frames: number, give: GivePiece): void {
    this.end(give);
  }

  end(give: GivePiece): void {
    const rest = this.#chunker.flush();
    if (rest !== null) give(this.#piece(rest));
  }

  #piece(bytes: Uint8Array): AudioPiece {
    return { bytes, frames: bytes.length / this.#frameBytes };
  }
}
