import { FLOAT, GRAPH_NODE, GRAPH_OUTPUT, NODE_OUTPUT, rewriteBranches, textsOf } from './onnx.ts';
import { lengthDelimited, protobufFields, textField, varintField, type Encoded } from './protobuf.ts';

const VALUE_NAME = 1;
const VALUE_TYPE = 2;
const TYPE_TENSOR = 1;
const TENSOR_ELEMENT = 1;
const TENSOR_SHAPE = 2;
const SHAPE_DIMENSION = 1;
const DIMENSION_NAME = 2;

/** Name of the output that has a layer's cross-attention: floats, [1, heads, tokens, frames of the audio]. */
export function attentionOutput(layer: number): string {
  return `cross_attention.${layer}`;
}

/**
 * Moonshine's decoder with the cross-attention of some layers among its outputs: how much each head looks at each frame of
 * the audio when it predicts the next token. The model computes it anyway and gives it to nobody. Its graph is one `If`
 * with a branch for the first run and one for the others; both get the same outputs, and the `If` passes them on.
 *
 * @param model ONNX, as the package brings it.
 * @throws Error when the model is built otherwise.
 */
export function withAttentionOutputs(model: Uint8Array, layers: readonly number[]): Uint8Array {
  const outputs = (nameOf: (layer: number) => string): Encoded =>
    layers.flatMap((layer) => lengthDelimited(GRAPH_OUTPUT, floatValue(nameOf(layer))));
  return rewriteBranches(model, {
    branch: (graph) => {
      const names = new Set([...nodesOf(graph)].flatMap((node) => textsOf(node, NODE_OUTPUT)));
      const missing = layers.map(attentionTensor).find((name) => !names.has(name));
      if (missing !== undefined) throw new Error(`the decoder has no tensor named ${missing}`);
      return [graph, ...outputs(attentionTensor)];
    },
    nodeFields: layers.flatMap((layer) => textField(NODE_OUTPUT, attentionOutput(layer))),
    graphFields: outputs(attentionOutput),
  });
}

function attentionTensor(layer: number): string {
  return `/model/decoder/layers.${layer}/encoder_attn/Softmax_output_0`;
}

function* nodesOf(graph: Uint8Array): Generator<Uint8Array> {
  for (const { number, content } of protobufFields(graph)) {
    if (number === GRAPH_NODE && content) yield content;
  }
}

/** A value of four dimensions, whatever their sizes. */
function floatValue(name: string): Uint8Array[] {
  const dimensions = ['batch', 'heads', 'tokens', 'frames'].flatMap((dimension) =>
    lengthDelimited(SHAPE_DIMENSION, textField(DIMENSION_NAME, `${name}.${dimension}`)),
  );
  const tensor = [...varintField(TENSOR_ELEMENT, FLOAT), ...lengthDelimited(TENSOR_SHAPE, dimensions)];
  return [...textField(VALUE_NAME, name), ...lengthDelimited(VALUE_TYPE, lengthDelimited(TYPE_TENSOR, tensor))];
}
