import type { IncomingMessage, ServerResponse } from 'node:http';
import { execute, getOperationAST } from 'graphql';
import { z } from 'zod';
import { ServiceError } from '../services/errors.ts';
import type { GraphqlParts } from './graphql-parts.ts';
import { formatResult, subscriptionNeedsStream } from './operation-errors.ts';
import { readBody } from './request-body.ts';
import { sendJson, statusOf } from './responses.ts';

/** The parameters of a request. https://graphql.github.io/graphql-over-http/draft/#sec-Request-Parameters */
const parameters = z.object({
  query: z.string(),
  operationName: z.string().nullish(),
  variables: z.record(z.string(), z.unknown()).nullish(),
  extensions: z.record(z.string(), z.unknown()).nullish(),
});

/**
 * Whether a request can take the short way: an operation as JSON, answered as plain `application/json`. Everything else
 * (negotiation, streams, GET) is Yoga's. The short way costs a fifth of the time, which counts for audio.
 */
export function isPlainJsonOperation({ method, headers }: IncomingMessage): boolean {
  const { accept = '*/*' } = headers;
  return method === 'POST' && headers['content-encoding'] === undefined && /^(\*\/\*|application\/json)$/u.test(accept);
}

/** Answers such a request. @throws RequestAbortedError */
export async function answerJsonOperation(
  request: IncomingMessage,
  response: ServerResponse,
  parts: GraphqlParts,
  maxBodyBytes: number,
): Promise<void> {
  try {
    const body = await readBody(request, maxBodyBytes, () => {
      return new ServiceError(
        'AUDIO_TOO_LARGE',
        `An operation may have ${maxBodyBytes} bytes at most: send audio in smaller chunks.`,
      );
    });
    const result = await run(parseParameters(body), parts);
    sendJson(response, 200, formatResult(result, parts.toClientError));
  } catch (error) {
    // The request is wrong as a whole, so there is no result; the errors have the same shape as in one.
    if (!(error instanceof ServiceError)) throw error;
    if (!request.complete) response.setHeader('connection', 'close');
    const { code, message, details } = error;
    sendJson(response, statusOf(error), { errors: [{ message, extensions: { code, ...details } }] });
  }
}

function parseParameters(body: Buffer): z.infer<typeof parameters> {
  let content: unknown;
  try {
    content = JSON.parse(body.toString());
  } catch (error) {
    throw new ServiceError(
      'BAD_USER_INPUT',
      'The body is no JSON: send { "query": text, "variables": object }.',
      {},
      { cause: error },
    );
  }
  const parsed = parameters.safeParse(content);
  if (parsed.success) return parsed.data;
  const [name] = parsed.error.issues[0]?.path ?? [];
  throw new ServiceError(
    'BAD_USER_INPUT',
    `The body must be a JSON object { "query": text, "variables": object, "operationName": text }; ${name === undefined ? 'it is no object' : `"${String(name)}" is not`}.`,
  );
}

async function run({ query, operationName, variables }: z.infer<typeof parameters>, parts: GraphqlParts) {
  const prepared = parts.documents.prepare(query);
  if (prepared.errors !== null) return { errors: prepared.errors };
  const { document, checkCost } = prepared;
  const refusal = checkCost?.(operationName, variables) ?? null;
  if (refusal !== null) return { errors: [refusal] };
  if (getOperationAST(document, operationName)?.operation === 'subscription') {
    throw subscriptionNeedsStream();
  }
  return execute({
    schema: parts.schema,
    document,
    operationName,
    variableValues: variables,
    contextValue: parts.createContext(),
  });
}
