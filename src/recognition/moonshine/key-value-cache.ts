import { Tensor, type InferenceSession } from 'onnxruntime-node';
import { floatsOf, tensorOf } from './runtime.ts';

export interface CacheShape {
  readonly layers: number;
  readonly heads: number;
  /** Floats per head of a cached key or value. */
  readonly headSize: number;
}

/** The decoder's keys and values of what it has seen, as the inputs of its next run. */
export type Cache = Readonly<Record<string, Tensor>>;

/** Takes keys and values from one run of the decoder to the next. */
export class KeyValueCache {
  readonly #shape: CacheShape;
  /** Of the tokens. */
  readonly #selfAttention: readonly string[];
  /** Of the audio. */
  readonly #crossAttention: readonly string[];

  constructor(shape: CacheShape) {
    this.#shape = shape;
    this.#selfAttention = namesOf(shape.layers, 'decoder');
    this.#crossAttention = namesOf(shape.layers, 'encoder');
  }

  empty(): Cache {
    const { heads, headSize } = this.#shape;
    const nothing = new Tensor('float32', new Float32Array(0), [0, heads, 1, headSize]);
    return Object.fromEntries(
      [...this.#selfAttention, ...this.#crossAttention].map((name) => [`past_key_values.${name}`, nothing]),
    );
  }

  /** Outputs to ask for. Those of the audio come with the first run only, and are not asked for again. */
  outputs(isFirst: boolean): string[] {
    const names = isFirst ? [...this.#selfAttention, ...this.#crossAttention] : this.#selfAttention;
    return names.map((name) => `present.${name}`);
  }

  /**
   * @param passed tokens that the run was given.
   * @param kept how many of them count; what is known of the others is forgotten.
   */
  next(
    cache: Cache,
    outputs: InferenceSession.OnnxValueMapType,
    { passed, kept }: { readonly passed: number; readonly kept: number },
  ): Cache {
    const next = { ...cache };
    for (const name of this.#selfAttention) {
      const all = tensorOf(outputs, `present.${name}`);
      next[`past_key_values.${name}`] =
        kept === passed ? all : this.#withoutLast(floatsOf(outputs, `present.${name}`), all.dims, passed - kept);
    }
    for (const name of this.#crossAttention) {
      if (`present.${name}` in outputs) next[`past_key_values.${name}`] = tensorOf(outputs, `present.${name}`);
    }
    return next;
  }

  /** @param dims batch (1), heads, tokens, head size. */
  #withoutLast(all: Float32Array, dims: readonly number[], forgotten: number): Tensor {
    const { heads, headSize } = this.#shape;
    const tokens = dims[2] ?? 0;
    const kept = tokens - forgotten;
    const floats = new Float32Array(heads * kept * headSize);
    for (let head = 0; head < heads; head++) {
      const start = head * tokens * headSize;
      floats.set(all.subarray(start, start + kept * headSize), head * kept * headSize);
    }
    return new Tensor('float32', floats, [1, heads, kept, headSize]);
  }
}

function namesOf(layers: number, attention: 'decoder' | 'encoder'): string[] {
  return Array.from({ length: layers }, (_, layer) => [
    `${layer}.${attention}.key`,
    `${layer}.${attention}.value`,
  ]).flat();
}
