import { Tensor, type InferenceSession } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { KeyValueCache } from '../../src/recognition/moonshine/key-value-cache.ts';
import { MOONSHINE_FILES } from '../../src/recognition/moonshine/model-files.ts';
import { withByteOutputMatrix } from '../../src/recognition/moonshine/output-matrix.ts';
import { floatsOf, openModel, tensorOf } from '../../src/recognition/moonshine/runtime.ts';

const SHAPE = { layers: 6, heads: 8, headSize: 36 };

/** The scores of all tokens after the first one. */
async function scores(decoder: InferenceSession, encoded: Tensor): Promise<Float32Array> {
  const outputs = await decoder.run(
    {
      ...new KeyValueCache(SHAPE).empty(),
      input_ids: new Tensor('int64', BigInt64Array.of(1n), [1, 1]),
      encoder_hidden_states: encoded,
      use_cache_branch: new Tensor('bool', Uint8Array.of(0), [1]),
    },
    ['logits'],
  );
  return floatsOf(outputs, 'logits');
}

describe('a last matrix in bytes', () => {
  it('scores the tokens as the one in floats does, but for rounding', async () => {
    const { encoder, decoder } = MOONSHINE_FILES.tiny;
    const samples = Float32Array.from({ length: 16_000 }, (_, i) => 0.2 * Math.sin(i / 20) * Math.sin(i / 900));
    const heard = await (await openModel(encoder)).run({ input_values: new Tensor('float32', samples, [1, 16_000]) });
    const encoded = tensorOf(heard, 'last_hidden_state');
    const inFloats = await scores(await openModel(decoder), encoded);
    const inBytes = await scores(
      await openModel(decoder, (model) => withByteOutputMatrix(model, SHAPE.heads * SHAPE.headSize)),
      encoded,
    );
    expect(inBytes.length).toBe(inFloats.length);
    const mean = inFloats.reduce((sum, score) => sum + score, 0) / inFloats.length;
    const spread = Math.sqrt(inFloats.reduce((sum, score) => sum + (score - mean) ** 2, 0) / inFloats.length);
    const errors = inFloats.map((score, token) => Math.abs(score - (inBytes[token] ?? Infinity)));
    expect(Math.max(...errors)).toBeLessThan(0.1 * spread);
    expect(inBytes.indexOf(Math.max(...inBytes))).toBe(inFloats.indexOf(Math.max(...inFloats)));
  });
});
