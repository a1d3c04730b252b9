// ONNX files (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), as far as models are rewritten when they are loaded.
import { lengthDelimited, protobufFields, replaceFields, type Encoded } from './protobuf.ts';

const MODEL_GRAPH = 7;
const ATTRIBUTE_GRAPH = 6;

export const MODEL_OPERATORS = 8;
export const OPERATORS_DOMAIN = 1;
export const OPERATORS_VERSION = 2;
export const GRAPH_NODE = 1;
export const GRAPH_TENSOR = 5;
export const GRAPH_OUTPUT = 12;
export const NODE_INPUT = 1;
export const NODE_OUTPUT = 2;
export const NODE_NAME = 3;
export const NODE_OPERATION = 4;
export const NODE_ATTRIBUTE = 5;
export const NODE_DOMAIN = 7;
/** Data types. */
export const FLOAT = 1;
export const UINT8 = 2;

/**
 * A model whose graph is one `If` with a branch for the first run and one for the others, changed.
 *
 * @param changes.branch each branch's graph, as it is to be.
 * @param changes.nodeFields what the `If` is given in addition; `graphFields` and `modelFields` likewise.
 * @throws Error when the model is built otherwise.
 */
export function rewriteBranches(
  model: Uint8Array,
  changes: {
    readonly branch: (graph: Uint8Array) => Encoded;
    readonly nodeFields?: Encoded;
    readonly graphFields?: Encoded;
    readonly modelFields?: Encoded;
  },
): Uint8Array {
  const { branch, nodeFields = [], graphFields = [], modelFields = [] } = changes;
  let branches = 0;

  const attribute = (content: Uint8Array): Encoded =>
    replaceFields(content, ({ number, content: graph }) => {
      if (number !== ATTRIBUTE_GRAPH || !graph) return null;
      branches += 1;
      return lengthDelimited(ATTRIBUTE_GRAPH, branch(graph));
    });
  const node = (content: Uint8Array): Encoded => [
    ...replaceFields(content, ({ number, content: inner }) =>
      number === NODE_ATTRIBUTE && inner ? lengthDelimited(NODE_ATTRIBUTE, attribute(inner)) : null,
    ),
    ...nodeFields,
  ];
  const graph = (content: Uint8Array): Encoded => [
    ...replaceFields(content, ({ number, content: inner }) =>
      number === GRAPH_NODE && inner && textsOf(inner, NODE_OPERATION)[0] === 'If'
        ? lengthDelimited(GRAPH_NODE, node(inner))
        : null,
    ),
    ...graphFields,
  ];
  const rewritten = replaceFields(model, ({ number, content }) =>
    number === MODEL_GRAPH && content ? lengthDelimited(MODEL_GRAPH, graph(content)) : null,
  );
  if (branches !== 2) throw new Error(`the decoder has ${branches} branches instead of two`);
  return Buffer.concat([...rewritten, ...modelFields]);
}

/** The model's graph. @throws Error when it has none. */
export function graphOf(model: Uint8Array): Uint8Array {
  return contentOf(model, MODEL_GRAPH);
}

/** The first field of that number. @throws Error when there is none. */
export function contentOf(message: Uint8Array, field: number): Uint8Array {
  for (const { number, content } of protobufFields(message)) if (number === field && content) return content;
  throw new Error(`the model lacks field ${field}`);
}

export function textsOf(message: Uint8Array, field: number): string[] {
  const decoder = new TextDecoder();
  return [...protobufFields(message)].flatMap(({ number, content }) =>
    number === field && content ? [decoder.decode(content)] : [],
  );
}
