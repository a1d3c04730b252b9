import { lengthDelimited, protobufFields, replaceFields, textField, varintField } from './protobuf.ts';

// Fields of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
const MODEL_GRAPH = 7;
const GRAPH_NODE = 1;
const GRAPH_OUTPUT = 12;
const NODE_OUTPUT = 2;
const NODE_OPERATION = 4;
const NODE_ATTRIBUTE = 5;
const ATTRIBUTE_GRAPH = 6;
const VALUE_NAME = 1;
const VALUE_TYPE = 2;
const TYPE_TENSOR = 1;
const TENSOR_ELEMENT = 1;
const TENSOR_SHAPE = 2;
const SHAPE_DIMENSION = 1;
const DIMENSION_NAME = 2;
const FLOAT = 1;

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
  let branches = 0;

  const branch = (graph: Uint8Array): Uint8Array[] => {
    branches += 1;
    const names = new Set([...nodesOf(graph)].flatMap(outputsOf));
    const missing = layers.map(attentionTensor).find((name) => !names.has(name));
    if (missing !== undefined) throw new Error(`the decoder has no tensor named ${missing}`);
    return [graph, ...layers.flatMap((layer) => lengthDelimited(GRAPH_OUTPUT, floatValue(attentionTensor(layer))))];
  };
  const attribute = (content: Uint8Array): Uint8Array[] =>
    replaceFields(content, ({ number, content: graph }) =>
      number === ATTRIBUTE_GRAPH && graph ? lengthDelimited(ATTRIBUTE_GRAPH, branch(graph)) : null,
    );
  const node = (content: Uint8Array): Uint8Array[] => [
    ...replaceFields(content, ({ number, content: inner }) =>
      number === NODE_ATTRIBUTE && inner ? lengthDelimited(NODE_ATTRIBUTE, attribute(inner)) : null,
    ),
    ...layers.flatMap((layer) => textField(NODE_OUTPUT, attentionOutput(layer))),
  ];
  const graph = (content: Uint8Array): Uint8Array[] => [
    ...replaceFields(content, ({ number, content: inner }) =>
      number === GRAPH_NODE && inner && operationOf(inner) === 'If' ? lengthDelimited(GRAPH_NODE, node(inner)) : null,
    ),
    ...layers.flatMap((layer) => lengthDelimited(GRAPH_OUTPUT, floatValue(attentionOutput(layer)))),
  ];
  const rewritten = replaceFields(model, ({ number, content }) =>
    number === MODEL_GRAPH && content ? lengthDelimited(MODEL_GRAPH, graph(content)) : null,
  );
  if (branches !== 2) throw new Error(`the decoder has ${branches} branches instead of two`);
  return Buffer.concat(rewritten);
}

function attentionTensor(layer: number): string {
  return `/model/decoder/layers.${layer}/encoder_attn/Softmax_output_0`;
}

function* nodesOf(graph: Uint8Array): Generator<Uint8Array> {
  for (const { number, content } of protobufFields(graph)) {
    if (number === GRAPH_NODE && content) yield content;
  }
}

function operationOf(node: Uint8Array): string | undefined {
  return textsOf(node, NODE_OPERATION)[0];
}

function outputsOf(node: Uint8Array): string[] {
  return textsOf(node, NODE_OUTPUT);
}

function textsOf(message: Uint8Array, field: number): string[] {
  const decoder = new TextDecoder();
  return [...protobufFields(message)].flatMap(({ number, content }) =>
    number === field && content ? [decoder.decode(content)] : [],
  );
}

/** A value of four dimensions, whatever their sizes. */
function floatValue(name: string): Uint8Array[] {
  const dimensions = ['batch', 'heads', 'tokens', 'frames'].flatMap((dimension) =>
    lengthDelimited(SHAPE_DIMENSION, textField(DIMENSION_NAME, `${name}.${dimension}`)),
  );
  const tensor = [...varintField(TENSOR_ELEMENT, FLOAT), ...lengthDelimited(TENSOR_SHAPE, dimensions)];
  return [...textField(VALUE_NAME, name), ...lengthDelimited(VALUE_TYPE, lengthDelimited(TYPE_TENSOR, tensor))];
}
