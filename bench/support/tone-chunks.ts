import { synthesiseToneSpeech } from '../../src/recognition/scripted/tone-speech.ts';
import { TONE_WORDS } from '../../src/recognition/scripted/tone-words.ts';

export const TONE_FORMAT = { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 1 } as const;

/**
 * Some seconds of tone speech, which the scripted recogniser understands, and a second of silence: to be sent over and over.
 * @param chunkMs length of a chunk, in milliseconds
 * @returns whole chunks, as base64
 */
export function toneChunks(chunkMs: number): readonly string[] {
  const { sampleRate } = TONE_FORMAT;
  const samples = synthesiseToneSpeech([...TONE_WORDS.slice(0, 10), { silenceMs: 1_000 }], sampleRate);
  const bytes = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
  const chunkBytes = (sampleRate * 2 * chunkMs) / 1000;
  return Array.from({ length: Math.floor(bytes.length / chunkBytes) }, (_, index) =>
    bytes.subarray(index * chunkBytes, (index + 1) * chunkBytes).toString('base64'),
  );
}
