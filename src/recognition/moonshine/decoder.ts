import { Tensor, type InferenceSession } from 'onnxruntime-node';
import type { DecodeOptions } from '../engine.ts';
import { TIMELINE_RATE } from '../recogniser.ts';
import type { Attention } from './alignment.ts';
import { ALIGNMENT_HEADS, type AttentionHead } from './alignment-heads.ts';
import { attentionOutput, withAttentionOutputs } from './attention-outputs.ts';
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

export interface Decoded {
  readonly tokens: readonly DecodedToken[];
  /**
   * How the decoder attended to the audio, for each token and the end mark; `null` when it was not asked for, and when the
   * text was cut off: where a text belongs that did not come to its end is not known.
   */
  readonly attention: Attention | null;
}

/**
 * Moonshine's encoder and decoder (https://github.com/usefulsensors/moonshine). The encoder takes plain samples; the decoder
 * is a transformer in one graph with two branches: the first run computes all keys and values, the others reuse them.
 */
export class MoonshineDecoder {
  readonly #encoder: InferenceSession;
  readonly #decoder: InferenceSession;
  readonly #shape: Shape;
  readonly #alignmentHeads: readonly AttentionHead[];
  readonly #selfCache: readonly string[];
  readonly #crossCache: readonly string[];

  private constructor(encoder: InferenceSession, decoder: InferenceSession, size: MoonshineSize) {
    const shape = SHAPES[size];
    this.#encoder = encoder;
    this.#decoder = decoder;
    this.#shape = shape;
    this.#alignmentHeads = ALIGNMENT_HEADS[size];
    this.#selfCache = cacheNames(shape.layers, 'decoder');
    this.#crossCache = cacheNames(shape.layers, 'encoder');
  }

  /** @throws ModelMissingError, ModelMismatchError */
  static async load(size: MoonshineSize): Promise<MoonshineDecoder> {
    const files = MOONSHINE_FILES[size];
    const encoder = await openModel(files.encoder);
    const layers = layersOf(ALIGNMENT_HEADS[size]);
    const decoder = await openModel(files.decoder, (model) => withAttentionOutputs(model, layers));
    return new MoonshineDecoder(encoder, decoder, size);
  }

  /**
   * The most probable token at each step (greedy), without the end mark. The same audio gives the same tokens and
   * probabilities. The event loop runs between steps, which block it for some 10 ms each, the encoder for up to 250 ms.
   *
   * @param audio mono, 16 kHz, -1..1.
   * @param options.attention also to tell how it attended to the audio; the tokens are the same with and without.
   * @param options.betweenSteps awaited before each step of the decoder; what it throws ends the decode.
   */
  async decode(
    audio: Float32Array,
    { attention: wantsAttention, betweenSteps }: { attention: boolean } & Pick<DecodeOptions, 'betweenSteps'>,
  ): Promise<Decoded> {
    const heard = padded(audio);
    const encoded = await this.#encode(heard);
    const limit = tokenLimit(audio.length);
    const tokens: DecodedToken[] = [];
    const weights: Float32Array[] = [];
    const ids: number[] = [];
    let cache = this.#emptyCache();
    let last = START_OF_TEXT;
    while (tokens.length < limit) {
      await betweenSteps?.();
      const isFirst = tokens.length === 0;
      const outputs = await this.#decoder.run(
        {
          ...cache,
          input_ids: new Tensor('int64', BigInt64Array.of(BigInt(last)), [1, 1]),
          encoder_hidden_states: encoded,
          use_cache_branch: new Tensor('bool', Uint8Array.of(isFirst ? 0 : 1), [1]),
        },
        this.#wantedOutputs(isFirst, wantsAttention),
      );
      if (wantsAttention) weights.push(meanAttention(outputs, this.#alignmentHeads));
      const token = mostProbable(floatsOf(outputs, 'logits'));
      if (token.id === END_OF_TEXT) {
        const frames = weights[0]?.length ?? 0;
        return { tokens, attention: wantsAttention ? { samples: heard.length, frames, weights } : null };
      }
      tokens.push(token);
      ids.push(token.id);
      const end = endBeforeLoop(ids);
      if (end !== null) return { tokens: tokens.slice(0, end), attention: null };
      cache = this.#nextCache(cache, outputs);
      last = token.id;
    }
    return { tokens, attention: null };
  }

  async #encode(audio: Float32Array): Promise<Tensor> {
    const outputs = await this.#encoder.run({ input_values: new Tensor('float32', audio, [1, audio.length]) });
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
  #wantedOutputs(isFirst: boolean, wantsAttention: boolean): string[] {
    const names = isFirst ? [...this.#selfCache, ...this.#crossCache] : this.#selfCache;
    const attention = wantsAttention ? layersOf(this.#alignmentHeads).map(attentionOutput) : [];
    return ['logits', ...names.map((name) => `present.${name}`), ...attention];
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

function padded(audio: Float32Array): Float32Array {
  if (audio.length >= MIN_AUDIO_SAMPLES) return audio;
  const longer = new Float32Array(MIN_AUDIO_SAMPLES);
  longer.set(audio);
  return longer;
}

/** The mean weight that the heads gave each frame of the audio, in the last token's step. */
function meanAttention(outputs: InferenceSession.OnnxValueMapType, heads: readonly AttentionHead[]): Float32Array {
  const rows = heads.map(({ layer, head }) => {
    const { data, dims } = floatTensorOf(outputs, attentionOutput(layer));
    const [, headCount = 0, tokens = 0, frames = 0] = dims;
    if (data.length !== headCount * tokens * frames) throw new Error(`the attention has the shape ${dims.join(' × ')}`);
    const start = (head * tokens + tokens - 1) * frames;
    return data.subarray(start, start + frames);
  });
  const mean = new Float32Array(rows[0]?.length ?? 0);
  for (const row of rows) {
    for (const [frame, weight] of row.entries()) mean[frame] = (mean[frame] ?? 0) + weight / rows.length;
  }
  return mean;
}

function layersOf(heads: readonly AttentionHead[]): number[] {
  return [...new Set(heads.map(({ layer }) => layer))].toSorted((a, b) => a - b);
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

function floatTensorOf(
  outputs: InferenceSession.OnnxValueMapType,
  name: string,
): { data: Float32Array; dims: readonly number[] } {
  return { data: floatsOf(outputs, name), dims: tensorOf(outputs, name).dims };
}

function tensorOf(outputs: InferenceSession.OnnxValueMapType, name: string): Tensor {
  const value = outputs[name];
  if (!(value instanceof Tensor)) throw new Error(`the model gave no tensor named ${name}`);
  return value;
}
