import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { RecogniserCapabilities, RecogniserIdentity } from '../recogniser.ts';
import { ALIGNMENT_HEADS } from './alignment-heads.ts';
import { CALIBRATIONS } from './calibration.ts';
import { combinedHash, MOONSHINE_FILES, SILERO_FILE, type MoonshineSize } from './model-files.ts';
import { MAX_TOKENS_PER_SECOND, MIN_AUDIO_SAMPLES, MIN_TOKEN_LIMIT } from './limits.ts';
import { MIN_ATTENTION, SNAP_SAMPLES } from './word-times.ts';
import { LOOP, LOOP_IN_A_MOMENT } from './repetition.ts';

export const MOONSHINE_CAPABILITIES: RecogniserCapabilities = {
  languages: ['en'],
  interims: true,
  confidence: true,
  wordTimes: true,
};

/**
 * What decides Moonshine's words besides the audio. Known without loading anything: the hashes are those that loading
 * insists on.
 */
export function moonshineIdentity(size: MoonshineSize): RecogniserIdentity {
  const { encoder, decoder } = MOONSHINE_FILES[size];
  const { a, b, c } = CALIBRATIONS[size];
  return {
    engine: `moonshine-${size}`,
    modelHash: combinedHash([encoder, decoder, SILERO_FILE]),
    settings: {
      runtime: `onnxruntime-node ${runtimeVersion()}, floats made at load, scores by bytes`,
      maxTokensPerSecond: MAX_TOKENS_PER_SECOND,
      minTokenLimit: MIN_TOKEN_LIMIT,
      minAudioSamples: MIN_AUDIO_SAMPLES,
      loopMinTokens: LOOP.tokens,
      loopMinRepetitions: LOOP.repetitions,
      momentaryLoopMinRepetitions: LOOP_IN_A_MOMENT.repetitions,
      alignmentHeads: ALIGNMENT_HEADS[size].map(({ layer, head }) => `${layer}.${head}`).join(' '),
      calibration: [a, b, c].join(' '),
      minAttention: MIN_ATTENTION,
      snapSamples: SNAP_SAMPLES,
    },
  };
}

// Read, not imported: importing the runtime would load its native library into a process that only wants the name.
function runtimeVersion(): string {
  const manifestFile = createRequire(import.meta.url).resolve('onnxruntime-node/package.json');
  const manifest: unknown = JSON.parse(readFileSync(manifestFile, 'utf8'));
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest) return String(manifest.version);
  throw new Error(`${manifestFile} names no version`);
}
