import { Tensor, type InferenceSession } from 'onnxruntime-node';
import { TIMELINE_RATE } from '../recogniser.ts';
import { MAX_TOKENS_PER_SECOND, MIN_AUDIO_SAMPLES, MIN_TOKEN_LIMIT } from './limits.ts';
import { MOONSHINE_FILES, type MoonshineSize } from './model-files.ts';
import { endBeforeLoop } from './repetition.ts';
import { floatsOf, openModel } from './runtime.ts';

const VOCABULARY_SIZE = 32_768;
const START_OF_TEXT = 1;
const END_OF_TEXT = 2;

interface Shape {
  readonly layers: number;
  readonly heads: number;
  /** Floats per head of a cached key or value. */
  readonly headSize: number;
}
const SHAPES: Record<MoonshineSize, Shape> = {
  tiny: { layers: 6, heads: 8, headSize: 36 },
  base: { layers: 8, heads: 8, headSize: 52 },
};

export interface DecodedToken {
  readonly id: number;
  /** Natural logarithm of the probability that the model gave it, at most 0. */
  readonly logProbability: number;
}

/**
 * Moonshine's encoder and decoder (https://github.com/usefulsensors/moonshine). The encoder takes plain samples; the decoder
 * is a transformer in one graph with two branches: the first run computes all keys and values, the others reuse them.
 */
export class MoonshineDecoder {
  readonly #encoder: InferenceSession;
  readonly #decoder: InferenceSession;
  readonly #shape: Shape;
  readonly #selfCache: readonly string[];
  readonly #crossCache: readonly string[];

  private constructor(encoder: InferenceSession, decoder: InferenceSession, shape: Shape) {
    this.#encoder = encoder;
    this.#decoder = decoder;
    this.#shape = shape;
    this.#selfCache = cacheNames(shape.layers, 'decoder');
    this.#crossCache = cacheNames(shape.layers, 'encoder');
  }

  /** @throws ModelMissingError, ModelMismatchError */
  static async load(size: MoonshineSize): Promise<MoonshineDecoder> {
    const files = MOONSHINE_FILES[size];
    const encoder = await openModel(files.encoder);
    const decoder = await openModel(files.decoder);
    return new MoonshineDecoder(encoder, decoder, SHAPES[size]);
  }

  /**
   * The most probable token at each step (greedy), without the end mark. The same audio gives the same tokens and
   * probabilities. The event loop runs between steps, which block it for some 10 ms each, the encoder for up to 250 ms.
   *
   * @param audio mono, 16 kHz, -1..1.
   */
  async decode(audio: Float32Array): Promise<DecodedToken[]> {
    const encoded = await this.#encode(audio);
    const limit = tokenLimit(audio.length);
    const decoded: DecodedToken[] = [];
    const ids: number[] = [];
    let cache = this.#emptyCache();
    let last = START_OF_TEXT;
    while (decoded.length < limit) {
      const isFirst = decoded.length === 0;
      const outputs = await this.#decoder.run(
        {
          ...cache,
          input_ids: new Tensor('int64', BigInt64Array.of(BigInt(last)), [1, 1]),
          encoder_hidden_states: encoded,
          use_cache_branch: new Tensor('bool', Uint8Array.of(isFirst ? 0 : 1), [1]),
        },
        this.#wantedOutputs(isFirst),
      );
      const token = mostProbable(floatsOf(outputs, 'logits'));
      if (token.id === END_OF_TEXT) break;
      decoded.push(token);
      ids.push(token.id);
      const end = endBeforeLoop(ids);
      if (end !== null) return decoded.slice(0, end);
      cache = this.#nextCache(cache, outputs);
      last = token.id;
    }
    return decoded;
  }

  async #encode(audio: Float32Array): Promise<Tensor> {
    const padded = audio.length >= MIN_AUDIO_SAMPLES ? audio : new Float32Array(MIN_AUDIO_SAMPLES);
    if (padded !== audio) padded.set(audio);
    const outputs = await this.#encoder.run({ input_values: new Tensor('float32', padded, [1, padded.length]) });
    return tensorOf(outputs, 'last_hidden_state');
  }

  #emptyCache(): Record<string, Tensor> {
    const { heads, headSize } = this.#shape;
    const empty = new Tensor('float32', new Float32Array(0), [0, heads, 1, headSize]);
    return Object.fromEntries(
      [...this.#selfCache, ...this.#crossCache].map((name) => [`past_key_values.${name}`, empty]),
    );
  }

  /** The keys and values of the audio (cross-attention) come with the first step only, and are not asked for again. */
  #wantedOutputs(isFirst: boolean): string[] {
    const names = isFirst ? [...this.#selfCache, ...this.#crossCache] : this.#selfCache;
    return ['logits', ...names.map((name) => `present.${name}`)];
  }

  #nextCache(cache: Record<string, Tensor>, outputs: InferenceSession.OnnxValueMapType): Record<string, Tensor> {
    const next = { ...cache };
    for (const name of [...this.#selfCache, ...this.#crossCache]) {
      if (`present.${name}` in outputs) next[`past_key_values.${name}`] = tensorOf(outputs, `present.${name}`);
    }
    return next;
  }
}

/** Most tokens that audio of this many samples may give. */
export function tokenLimit(samples: number): number {
  return Math.max(MIN_TOKEN_LIMIT, Math.ceil((samples / TIMELINE_RATE) * MAX_TOKENS_PER_SECOND));
}

function mostProbable(logits: Float32Array): DecodedToken {
  const last = logits.subarray(logits.length - VOCABULARY_SIZE);
  let id = 0;
  let highest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < last.length; i++) {
    const logit = last[i] ?? highest;
    if (logit > highest) {
      highest = logit;
      id = i;
    }
  }
  let sum = 0;
  for (const logit of last) sum += Math.exp(logit - highest);
  return { id, logProbability: -Math.log(sum) };
}

function cacheNames(layers: number, attention: 'decoder' | 'encoder'): string[] {
  return Array.from({ length: layers }, (_, layer) => [
    `${layer}.${attention}.key`,
    `${layer}.${attention}.value`,
  ]).flat();
}

function tensorOf(outputs: InferenceSession.OnnxValueMapType, name: string): Tensor {
  const value = outputs[name];
  if (!(value instanceof Tensor)) throw new Error(`the model gave no tensor named ${name}`);
  return value;
}
