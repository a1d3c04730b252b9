import { Tensor, type InferenceSession } from 'onnxruntime-node';
import type { DecodeOptions } from '../engine.ts';
import { TIMELINE_RATE } from '../recogniser.ts';
import type { Attention } from './alignment.ts';
import { ALIGNMENT_HEADS, type AttentionHead } from './alignment-heads.ts';
import { attentionOutput, withAttentionOutputs } from './attention-outputs.ts';
import { MAX_TOKENS_PER_SECOND, MIN_AUDIO_SAMPLES, MIN_TOKEN_LIMIT } from './limits.ts';
import { KeyValueCache, type CacheShape } from './key-value-cache.ts';
import { MOONSHINE_FILES, type MoonshineSize } from './model-files.ts';
import { withByteOutputMatrix } from './output-matrix.ts';
import { predictions, type DecodedToken } from './prediction.ts';
import { endBeforeLoop, LOOP_IN_A_MOMENT } from './repetition.ts';
import { floatsOf, openModel, tensorOf } from './runtime.ts';

const START_OF_TEXT = 1;
const END_OF_TEXT = 2;

const SHAPES: Record<MoonshineSize, CacheShape> = {
  tiny: { layers: 6, heads: 8, headSize: 36 },
  base: { layers: 8, heads: 8, headSize: 52 },
};

export interface DecoderOptions extends Pick<DecodeOptions, 'betweenSteps'> {
  readonly attention: boolean;
  readonly guess?: readonly number[];
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
  readonly #alignmentHeads: readonly AttentionHead[];
  readonly #cache: KeyValueCache;

  private constructor(encoder: InferenceSession, decoder: InferenceSession, size: MoonshineSize) {
    this.#encoder = encoder;
    this.#decoder = decoder;
    this.#alignmentHeads = ALIGNMENT_HEADS[size];
    this.#cache = new KeyValueCache(SHAPES[size]);
  }

  /** @throws ModelMissingError, ModelMismatchError */
  static async load(size: MoonshineSize): Promise<MoonshineDecoder> {
    const files = MOONSHINE_FILES[size];
    const encoder = await openModel(files.encoder);
    const layers = layersOf(ALIGNMENT_HEADS[size]);
    const { heads, headSize } = SHAPES[size];
    const decoder = await openModel(files.decoder, (model) =>
      withAttentionOutputs(withByteOutputMatrix(model, heads * headSize), layers),
    );
    return new MoonshineDecoder(encoder, decoder, size);
  }

  /**
   * The most probable token at each step (greedy), without the end mark. The same audio gives the same tokens and
   * probabilities. The event loop runs between steps, which block it for some 10 ms each, the encoder for up to 250 ms.
   *
   * @param audio mono, 16 kHz, -1..1.
   * @param options.attention also to tell how it attended to the audio; the tokens are the same with and without.
   * @param options.guess tokens with which it is likely to begin: those that are right come in one step. Steps over several tokens
   *   are not exact, and such decodes not the same each time.
   * @param options.betweenSteps awaited before each step of the decoder; what it throws ends the decode.
   */
  async decode(audio: Float32Array, options: DecoderOptions): Promise<Decoded> {
    const { attention: wantsAttention, guess = [], betweenSteps } = options;
    const heard = padded(audio);
    const encoded = await this.#encode(heard);
    const limit = tokenLimit(audio.length);
    const tokens: DecodedToken[] = [];
    const weights: Float32Array[] = [];
    const ids: number[] = [];
    let cache = this.#cache.empty();
    let pass = [START_OF_TEXT, ...guess.slice(0, limit - 1)];
    while (tokens.length < limit) {
      await betweenSteps?.();
      const isFirst = tokens.length === 0;
      const outputs = await this.#decoder.run(
        {
          ...cache,
          input_ids: new Tensor('int64', BigInt64Array.from(pass, BigInt), [1, pass.length]),
          encoder_hidden_states: encoded,
          use_cache_branch: new Tensor('bool', Uint8Array.of(isFirst ? 0 : 1), [1]),
        },
        this.#wantedOutputs(isFirst, wantsAttention),
      );
      if (wantsAttention) weights.push(meanAttention(outputs, this.#alignmentHeads));
      const predicted = predictions(floatsOf(outputs, 'logits'), pass);
      for (const token of predicted) {
        if (token.id === END_OF_TEXT) {
          const frames = weights[0]?.length ?? 0;
          return { tokens, attention: wantsAttention ? { samples: heard.length, frames, weights } : null };
        }
        tokens.push(token);
        ids.push(token.id);
        const end = endBeforeLoop(ids);
        if (end !== null) return { tokens: tokens.slice(0, end), attention: null };
      }
      cache = this.#cache.next(cache, outputs, { passed: pass.length, kept: predicted.length });
      pass = ids.slice(-1);
    }
    const end = limit === MIN_TOKEN_LIMIT ? endBeforeLoop(ids, LOOP_IN_A_MOMENT) : null;
    return { tokens: end === null ? tokens : tokens.slice(0, end), attention: null };
  }

  async #encode(audio: Float32Array): Promise<Tensor> {
    const outputs = await this.#encoder.run({ input_values: new Tensor('float32', audio, [1, audio.length]) });
    return tensorOf(outputs, 'last_hidden_state');
  }

  #wantedOutputs(isFirst: boolean, wantsAttention: boolean): string[] {
    const attention = wantsAttention ? layersOf(this.#alignmentHeads).map(attentionOutput) : [];
    return ['logits', ...this.#cache.outputs(isFirst), ...attention];
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

function floatTensorOf(
  outputs: InferenceSession.OnnxValueMapType,
  name: string,
): { data: Float32Array; dims: readonly number[] } {
  return { data: floatsOf(outputs, name), dims: tensorOf(outputs, name).dims };
}
