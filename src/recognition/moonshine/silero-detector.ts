import { Tensor, type InferenceSession } from 'onnxruntime-node';
import { FRAME_SAMPLES, type SpeechDetector } from '../engine.ts';
import { TIMELINE_RATE } from '../recogniser.ts';
import { floatsOf } from './runtime.ts';

/** The model hears the end of the previous frame again before each frame. */
const CONTEXT_SAMPLES = 64;
const HIDDEN_SHAPE = [2, 1, 128];
const HIDDEN_FLOATS = 256;
const SAMPLE_RATE = new Tensor('int64', BigInt64Array.of(BigInt(TIMELINE_RATE)), []);

/**
 * Silero VAD v6 (https://github.com/snakers4/silero-vad): a small recurrent network. All it remembers of the past is its
 * hidden state and 64 samples, so a detector restored from `save` goes on bit for bit.
 */
export class SileroDetector implements SpeechDetector {
  readonly #model: InferenceSession;
  #hidden: Float32Array;
  #context: Float32Array;

  /**
   * @param saved what `save` gave, or `null` for silence before the first frame.
   * @throws Error when `saved` is something else.
   */
  constructor(model: InferenceSession, saved: unknown) {
    this.#model = model;
    this.#hidden = saved === null ? new Float32Array(HIDDEN_FLOATS) : restoredFloats(saved, 'hidden', HIDDEN_FLOATS);
    this.#context =
      saved === null ? new Float32Array(CONTEXT_SAMPLES) : restoredFloats(saved, 'context', CONTEXT_SAMPLES);
  }

  /** @throws RangeError when the frame is not of `FRAME_SAMPLES` samples. */
  async probability(frame: Float32Array): Promise<number> {
    if (frame.length !== FRAME_SAMPLES)
      throw new RangeError(`a frame has ${FRAME_SAMPLES} samples, not ${frame.length}`);
    const heard = new Float32Array(CONTEXT_SAMPLES + FRAME_SAMPLES);
    heard.set(this.#context);
    heard.set(frame, CONTEXT_SAMPLES);
    const outputs = await this.#model.run({
      input: new Tensor('float32', heard, [1, heard.length]),
      state: new Tensor('float32', this.#hidden, HIDDEN_SHAPE),
      sr: SAMPLE_RATE,
    });
    this.#hidden = floatsOf(outputs, 'stateN');
    this.#context = heard.slice(FRAME_SAMPLES);
    return floatsOf(outputs, 'output')[0] ?? 0;
  }

  save(): { hidden: string; context: string } {
    return { hidden: base64(this.#hidden), context: base64(this.#context) };
  }
}

/** The floats' own bytes (little-endian), since decimal digits would cost three times the space. */
function base64(floats: Float32Array): string {
  return Buffer.from(floats.buffer, floats.byteOffset, floats.byteLength).toString('base64');
}

function restoredFloats(saved: unknown, name: 'hidden' | 'context', length: number): Float32Array {
  const text: unknown =
    typeof saved === 'object' && saved !== null && name in saved ? Reflect.get(saved, name) : undefined;
  if (typeof text !== 'string') throw new Error(`the saved detector state has no ${name}`);
  const bytes = Uint8Array.from(Buffer.from(text, 'base64'));
  if (bytes.length !== length * Float32Array.BYTES_PER_ELEMENT) {
    throw new Error(`the saved detector state's ${name} has ${bytes.length} bytes instead of ${length * 4}`);
  }
  return new Float32Array(bytes.buffer);
}
