import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { ContainerEncoding, SampleFormat } from '../../src/audio/format.ts';
import { ALAW_AMPLITUDES, MULAW_AMPLITUDES } from '../../src/audio/g711.ts';
import { wavHeader } from '../../src/audio/wav.ts';

const run = promisify(execFile);

/** Samples (-1..1) of one channel as bytes of that encoding. */
export function encodeSamples({ encoding }: SampleFormat, samples: Float32Array): Buffer {
  const sixteenBits = (sample: number) => Math.round(Math.max(-1, Math.min(1, sample)) * 32_767);
  switch (encoding) {
    case 'PCM_F32LE':
      return Buffer.from(samples.slice().buffer);
    case 'PCM_S16LE':
      return Buffer.from(Int16Array.from(samples, sixteenBits).buffer);
    case 'MULAW':
      return companded(Int16Array.from(samples, sixteenBits), MULAW_AMPLITUDES);
    case 'ALAW':
      return companded(Int16Array.from(samples, sixteenBits), ALAW_AMPLITUDES);
  }
}

/** The byte of the nearest amplitude for each sample. */
function companded(samples: Int16Array, amplitudes: Int16Array): Buffer {
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  const known = new Map<number, number>();
  const distance = (byte: number, sample: number) => Math.abs((amplitudes[byte] ?? 0) - sample);
  return Buffer.from(
    Uint8Array.from(samples, (sample) => {
      const found =
        known.get(sample) ??
        bytes.reduce((best, byte) => (distance(byte, sample) < distance(best, sample) ? byte : best), 0);
      known.set(sample, found);
      return found;
    }),
  );
}

/** As browsers and recorders make them: speech at usual rates. */
const FFMPEG: Readonly<Record<Exclude<ContainerEncoding, 'WAV'>, readonly string[]>> = {
  WEBM_OPUS: ['-c:a', 'libopus', '-b:a', '24k', '-f', 'webm'],
  OGG_OPUS: ['-c:a', 'libopus', '-b:a', '24k', '-f', 'ogg'],
  FLAC: ['-c:a', 'flac', '-f', 'flac'],
  MP3: ['-c:a', 'libmp3lame', '-b:a', '48k', '-f', 'mp3'],
};

/**
 * A recording at 16 kHz as a file of that container.
 * @returns `null` when there is no FFmpeg that can make it.
 */
export async function encodeContainer(encoding: ContainerEncoding, samples: Float32Array): Promise<Buffer | null> {
  const format = { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 1 } as const;
  const bytes = encodeSamples(format, samples);
  const wav = Buffer.concat([wavHeader(format, bytes.length), bytes]);
  if (encoding === 'WAV') return wav;
  const folder = await mkdtemp(path.join(tmpdir(), 'verbatim-encoded-'));
  try {
    const [input, output] = [path.join(folder, 'input.wav'), path.join(folder, 'output')];
    await writeFile(input, wav);
    await run('ffmpeg', ['-loglevel', 'error', '-y', '-i', input, ...FFMPEG[encoding], output]);
    return await readFile(output);
  } catch {
    return null;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
