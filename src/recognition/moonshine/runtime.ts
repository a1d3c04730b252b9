import { InferenceSession, Tensor } from 'onnxruntime-node';
import { readModelFile, type ModelFile } from './model-files.ts';

/**
 * Loads a verified model onto one thread; parallelism comes from processes, which do not disturb each other.
 *
 * @param rewrite what to change of the model, once it is verified.
 */
export async function openModel(
  file: ModelFile,
  rewrite: (model: Uint8Array) => Uint8Array = (model) => model,
): Promise<InferenceSession> {
  return InferenceSession.create(rewrite(await readModelFile(file)), {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
    extra: {
      session: {
        // Waiting threads sleep rather than burn a core that another process could use.
        intra_op: { allow_spinning: '0' },
        // Weights that are used as floats become floats once, at load, not anew in each step.
        disable_quant_qdq: '1',
      },
    },
  });
}

/** A model's output as floats. @throws Error when the model has no such output. */
export function floatsOf(outputs: InferenceSession.OnnxValueMapType, name: string): Float32Array {
  const data = outputs[name]?.data;
  if (!(data instanceof Float32Array)) throw new Error(`the model gave no floats named ${name}`);
  return data;
}

/** @throws Error when the model has no such output. */
export function tensorOf(outputs: InferenceSession.OnnxValueMapType, name: string): Tensor {
  const value = outputs[name];
  if (!(value instanceof Tensor)) throw new Error(`the model gave no tensor named ${name}`);
  return value;
}
