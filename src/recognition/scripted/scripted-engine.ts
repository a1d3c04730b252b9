import { createHash } from 'node:crypto';
import type { Engine, Hypothesis, HypothesisWord, SpeechDetector } from '../engine.ts';
import type { RecogniserCapabilities, RecogniserIdentity } from '../recogniser.ts';
import { misbehave, type ScriptedFaults } from './faults.ts';
import { decodeTones, rootMeanSquare } from './tone-decoder.ts';
import { TONE_WORDS } from './tone-words.ts';

/** Loudness (root mean square) that counts as certainly speech. */
const SPEECH_LEVEL = 0.1;
/** Share of the previous frame's probability that stays: the detector lets go slowly, as real ones do. */
const RELEASE = 0.75;

export const SCRIPTED_CAPABILITIES: RecogniserCapabilities = {
  languages: ['en'],
  interims: true,
  confidence: true,
  wordTimes: true,
};

export function scriptedIdentity(): RecogniserIdentity {
  return {
    engine: 'scripted',
    modelHash: createHash('sha256').update(TONE_WORDS.join(' ')).digest('hex'),
    settings: {},
  };
}

/**
 * An engine without a model, for tests: it understands tones (`synthesiseToneSpeech`), so the text proves which audio was
 * heard. Fast, deterministic, and like a real one it remembers, is unsure, and gives word times.
 *
 * @param options.faults let some words misbehave when they are decoded for a final.
 */
export function createScriptedEngine({ faults }: { readonly faults: ScriptedFaults }): Engine {
  return {
    capabilities: SCRIPTED_CAPABILITIES,
    identity: scriptedIdentity(),
    openDetector: (saved) => new LoudnessDetector(saved),
    decode: async (audio, { purpose, language }) => {
      if (!SCRIPTED_CAPABILITIES.languages.includes(language)) {
        throw new RangeError(`The scripted engine does not know the language "${language}"`);
      }
      const words = decodeTones(audio);
      const hypothesis = toHypothesis(words);
      if (purpose === 'final') await misbehave(hypothesis.text.split(' '), faults);
      return hypothesis;
    },
  };
}

function toHypothesis(words: readonly HypothesisWord[]): Hypothesis {
  const confidences = words.map((word) => word.confidence ?? 0);
  const sum = confidences.reduce((total, confidence) => total + confidence, 0);
  return {
    text: words.map((word) => word.text).join(' '),
    words,
    confidence: words.length > 0 ? sum / words.length : null,
  };
}

class LoudnessDetector implements SpeechDetector {
  #level: number;

  constructor(saved: unknown) {
    if (saved !== null && typeof saved !== 'number') throw new TypeError('not the state of a loudness detector');
    this.#level = saved ?? 0;
  }

  async probability(frame: Float32Array): Promise<number> {
    const loudness = Math.min(1, rootMeanSquare(frame) / SPEECH_LEVEL);
    this.#level = Math.max(loudness, this.#level * RELEASE);
    return this.#level;
  }

  save(): number {
    return this.#level;
  }
}
