import { bytesPerFrame, isSamples, type AudioFormat, type SampleEncoding } from './format.ts';
import { ALAW_AMPLITUDES, MULAW_AMPLITUDES } from './g711.ts';

const INT16_SCALE = 1 / 32_768;
const MULAW_SAMPLES = Float32Array.from(MULAW_AMPLITUDES, (amplitude) => amplitude * INT16_SCALE);
const ALAW_SAMPLES = Float32Array.from(ALAW_AMPLITUDES, (amplitude) => amplitude * INT16_SCALE);

/**
 * Samples of each channel, -1..1. Floats beyond that are clipped, and what is not a number is silence, so that nothing a
 * client sends can spread through filters and models (`findMalformation` refuses such audio at the door).
 *
 * @param bytes whole frames, interleaved; at any byte offset of their buffer.
 * @throws RangeError when the bytes end within a frame, or the format is a container.
 */
export function decodeSamples(format: AudioFormat, bytes: Uint8Array): Float32Array[] {
  const frameBytes = bytesPerFrame(format);
  if (bytes.length % frameBytes !== 0) {
    throw new RangeError(`${bytes.length} bytes of audio are not a whole number of ${frameBytes}-byte frames`);
  }
  const frames = bytes.length / frameBytes;
  const channels = Array.from({ length: format.channels }, () => new Float32Array(frames));
  const stepBytes = frameBytes / format.channels;
  for (const [channel, samples] of channels.entries()) {
    if (isSamples(format)) decodeChannel(format.encoding, bytes, channel * stepBytes, frameBytes, samples);
  }
  return channels;
}

/** Why these bytes cannot be audio of this format, in words for the sender; `null` when they can. */
export function findMalformation(format: AudioFormat, bytes: Uint8Array): string | null {
  const frameBytes = bytesPerFrame(format);
  if (bytes.length % frameBytes !== 0) {
    return `its length, ${bytes.length} bytes, is not a whole number of frames of ${frameBytes} bytes each`;
  }
  if (format.encoding === 'PCM_F32LE') {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let offset = 0; offset < bytes.length; offset += 4) {
      const value = view.getFloat32(offset, true);
      if (!Number.isFinite(value))
        return `the float at byte ${offset} is ${value}, where samples are finite, from -1 to 1`;
    }
  }
  return null;
}

// One loop per encoding: each stays monomorphic, and a DataView reads little-endian at any alignment on any machine.
function decodeChannel(
  encoding: SampleEncoding,
  bytes: Uint8Array,
  firstByte: number,
  frameBytes: number,
  samples: Float32Array,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (encoding) {
    case 'PCM_S16LE':
      for (let i = 0, at = firstByte; i < samples.length; i++, at += frameBytes) {
        samples[i] = view.getInt16(at, true) * INT16_SCALE;
      }
      return;
    case 'PCM_F32LE':
      for (let i = 0, at = firstByte; i < samples.length; i++, at += frameBytes) {
        const value = view.getFloat32(at, true);
        samples[i] = Number.isNaN(value) ? 0 : Math.min(1, Math.max(-1, value));
      }
      return;
    case 'MULAW':
      for (let i = 0, at = firstByte; i < samples.length; i++, at += frameBytes) {
        samples[i] = MULAW_SAMPLES[view.getUint8(at)] ?? 0;
      }
      return;
    case 'ALAW':
      for (let i = 0, at = firstByte; i < samples.length; i++, at += frameBytes) {
        samples[i] = ALAW_SAMPLES[view.getUint8(at)] ?? 0;
      }
      return;
  }
}
