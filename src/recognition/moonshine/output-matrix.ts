import {
  contentOf,
  FLOAT,
  GRAPH_NODE,
  GRAPH_TENSOR,
  graphOf,
  MODEL_OPERATORS,
  NODE_ATTRIBUTE,
  NODE_DOMAIN,
  NODE_INPUT,
  NODE_NAME,
  NODE_OPERATION,
  NODE_OUTPUT,
  OPERATORS_DOMAIN,
  OPERATORS_VERSION,
  rewriteBranches,
  textsOf,
  UINT8,
} from './onnx.ts';
import {
  firstVarint,
  lengthDelimited,
  protobufFields,
  replaceFields,
  textField,
  varintField,
  type Encoded,
} from './protobuf.ts';

const ATTRIBUTE_NAME = 1;
const ATTRIBUTE_NUMBER = 3;
const ATTRIBUTE_TYPE = 20;
const NUMBER = 2;
const TENSOR_DIMENSION = 1;
const TENSOR_ELEMENT = 2;
const TENSOR_FLOATS = 4;
const TENSOR_INTEGERS = 5;
const TENSOR_NAME = 8;
const TENSOR_BYTES = 9;

/** The matrix of the tokens, which is the first of the decoder, that looks them up, and the last, that scores them. */
const TOKENS = 'model.decoder.embed_tokens.weight_merged_0';
/** What the last one is made of: the bytes, turned and made floats. */
const TOKENS_AS_FLOATS = [
  'model.decoder.embed_tokens.weight_transposed_quantized',
  'model.decoder.embed_tokens.weight_transposed',
];
const LAST_MATRIX = '/proj_out/MatMul';
const LAST_INPUT = '/model/decoder/norm/Mul_output_0';
const LAST_OUTPUT = 'logits';
const MICROSOFT = 'com.microsoft';

/** Weights that share a scale; and the operator makes bytes of as many of its inputs with one scale. */
const BLOCK = 32;
/** Inputs become bytes, too. */
const BYTES_BY_BYTES = 4;

/**
 * Moonshine's decoder with a last matrix, which scores all 32,768 tokens, that stays in bytes. The package has it in bytes, but
 * multiplies floats: 55 MB are read from memory for each token, a quarter of the time that it takes. The weights stay the same; the
 * numbers that they are multiplied with are rounded to one of 255 steps for each 32 of them, so that scores differ a
 * little. (The runtime's operator: https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.MatMulNBits)
 *
 * Over 82 recordings the words of one (base) and two (tiny) came out differently, and better.
 *
 * @param model ONNX, as the package brings it.
 * @param width numbers for each token.
 * @throws Error when the model is built otherwise.
 */
export function withByteOutputMatrix(model: Uint8Array, width: number): Uint8Array {
  const tensors = tensorsOf(graphOf(model));
  const weights = contentOf(tensorNamed(tensors, `${TOKENS}_quantized`), TENSOR_BYTES);
  const scale = Buffer.from(contentOf(tensorNamed(tensors, `${TOKENS}_scale`), TENSOR_FLOATS)).readFloatLE();
  const zero = firstVarint(contentOf(tensorNamed(tensors, `${TOKENS}_zero_point`), TENSOR_INTEGERS));
  const tokens = weights.length / width;
  const blocks = width / BLOCK;
  if (!Number.isInteger(tokens) || !Number.isInteger(blocks)) {
    throw new Error(`the decoder's tokens are ${weights.length} bytes, which is no matrix of width ${width}`);
  }
  const scales = new Float32Array(tokens * blocks).fill(scale);
  return rewriteBranches(model, {
    branch: (graph) => withNode(graph, matrixNode(width, tokens)),
    graphFields: [
      ...tensor('output.weights', [tokens, blocks, BLOCK], UINT8, weights),
      ...tensor('output.scales', [scales.length], FLOAT, new Uint8Array(scales.buffer)),
      ...tensor('output.zeros', [scales.length], UINT8, new Uint8Array(scales.length).fill(zero)),
    ],
    modelFields: lengthDelimited(MODEL_OPERATORS, [
      ...textField(OPERATORS_DOMAIN, MICROSOFT),
      ...varintField(OPERATORS_VERSION, 1),
    ]),
  });
}

/** The branch with the node in place of its last matrix, and without what made floats for that. */
function withNode(graph: Uint8Array, node: Encoded): Encoded {
  let replaced = 0;
  const changed = replaceFields(graph, ({ number, content }) => {
    if (number !== GRAPH_NODE || !content) return null;
    if (textsOf(content, NODE_OUTPUT).some((output) => TOKENS_AS_FLOATS.includes(output))) return [];
    if (textsOf(content, NODE_NAME)[0] !== LAST_MATRIX) return null;
    replaced += 1;
    return node;
  });
  if (replaced !== 1) throw new Error(`the decoder has ${replaced} nodes named ${LAST_MATRIX} instead of one`);
  return changed;
}

function matrixNode(width: number, tokens: number): Encoded {
  const attributes = { K: width, N: tokens, bits: 8, block_size: BLOCK, accuracy_level: BYTES_BY_BYTES };
  return lengthDelimited(GRAPH_NODE, [
    ...[LAST_INPUT, 'output.weights', 'output.scales', 'output.zeros'].flatMap((name) => textField(NODE_INPUT, name)),
    ...textField(NODE_OUTPUT, LAST_OUTPUT),
    ...textField(NODE_NAME, LAST_MATRIX),
    ...textField(NODE_OPERATION, 'MatMulNBits'),
    ...textField(NODE_DOMAIN, MICROSOFT),
    ...Object.entries(attributes).flatMap(([name, value]) =>
      lengthDelimited(NODE_ATTRIBUTE, [
        ...textField(ATTRIBUTE_NAME, name),
        ...varintField(ATTRIBUTE_NUMBER, value),
        ...varintField(ATTRIBUTE_TYPE, NUMBER),
      ]),
    ),
  ]);
}

function tensor(name: string, dimensions: readonly number[], element: number, bytes: Uint8Array): Encoded {
  return lengthDelimited(GRAPH_TENSOR, [
    ...dimensions.flatMap((dimension) => varintField(TENSOR_DIMENSION, dimension)),
    ...varintField(TENSOR_ELEMENT, element),
    ...textField(TENSOR_NAME, name),
    ...lengthDelimited(TENSOR_BYTES, [bytes]),
  ]);
}

/** By name. */
function tensorsOf(graph: Uint8Array): Map<string, Uint8Array> {
  return new Map(
    [...protobufFields(graph)].flatMap(({ number, content }) =>
      number === GRAPH_TENSOR && content ? [[textsOf(content, TENSOR_NAME)[0] ?? '', content] as const] : [],
    ),
  );
}

function tensorNamed(tensors: ReadonlyMap<string, Uint8Array>, name: string): Uint8Array {
  const found = tensors.get(name);
  if (found === undefined) throw new Error(`the decoder has no tensor named ${name}`);
  return found;
}
