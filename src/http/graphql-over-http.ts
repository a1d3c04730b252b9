import type { IncomingMessage, ServerResponse } from 'node:http';
import { getOperationAST, GraphQLError } from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import { ServiceError } from '../services/errors.ts';
import type { EventStreams } from './event-streams.ts';
import type { GraphqlParts } from './graphql-parts.ts';
import { answerJsonOperation, isPlainJsonOperation } from './json-operation.ts';
import { subscriptionNeedsStream } from './operation-errors.ts';
import { sendRefusal } from './responses.ts';

interface NodeContext {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
}

export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Media types that a result can have, and ranges of them, among those that a client accepts. */
const ANSWER_TYPES =
  /(^|,)\s*(\*\/\*|application\/(\*|json|graphql-response\+json)|text\/(\*|event-stream)|multipart\/(\*|mixed))\s*(;|,|$)/iu;
const STREAM_TYPES = /(^|,)\s*(\*\/\*|text\/(\*|event-stream))\s*(;|,|$)/iu;
const NOT_ACCEPTABLE =
  'Results come as application/graphql-response+json, application/json or text/event-stream: accept one of them.';

/**
 * GraphQL over HTTP: operations by POST, queries by GET, and subscriptions as server-sent events.
 * https://graphql.github.io/graphql-over-http/draft/
 *
 * A POST must be `application/json`: what a form of another site can send without being asked is refused.
 */
export function graphqlOverHttp(
  parts: GraphqlParts,
  settings: { maxBodyBytes: number },
  streams: EventStreams,
): RequestHandler {
  const yoga = createYoga<NodeContext>({
    schema: parts.schema,
    context: parts.createContext,
    maskedErrors: { maskError: (error) => parts.toClientError(error) },
    plugins: [useDocuments(parts), useEventStreams(streams)],
    parserAndValidationCache: false,
    maxRequestBodySize: settings.maxBodyBytes,
    graphiql: false,
    landingPage: false,
    multipart: false,
    cors: false,
    logging: false,
  });
  return async (request, response) => {
    if (request.method === 'POST' && !isJson(request.headers['content-type'])) {
      const error = new ServiceError('BAD_USER_INPUT', 'Send operations with "Content-Type: application/json".');
      sendRefusal(request, response, error, 415);
      return;
    }
    if (!ANSWER_TYPES.test(request.headers.accept || '*/*')) {
      sendRefusal(request, response, new ServiceError('BAD_USER_INPUT', NOT_ACCEPTABLE), 406);
      return;
    }
    checkParameters(request);
    if (isPlainJsonOperation(request)) await answerJsonOperation(request, response, parts, settings.maxBodyBytes);
    else await yoga.handle(request, response, { req: request, res: response });
  };
}

function useDocuments({ documents, toClientError }: GraphqlParts): Plugin {
  return {
    onParse({ params, setParsedDocument }) {
      const { document, errors } = documents.prepare(String(params.source));
      if (document !== null) setParsedDocument(document);
      else throw errors[0] ?? new Error('The document is wrong without a reason');
      return undefined;
    },
    onValidate({ context, setResult }) {
      const { query, operationName, variables } = context.params;
      const prepared = documents.prepare(String(query));
      if (prepared.errors !== null) return setResult([...prepared.errors]);
      const refusal = prepared.checkCost?.(operationName, variables) ?? null;
      if (refusal !== null) return setResult([refusal]);
      const isSubscription = getOperationAST(prepared.document, operationName)?.operation === 'subscription';
      if (!isSubscription || STREAM_TYPES.test(context.request.headers.get('accept') || '*/*')) return setResult([]);
      const error = subscriptionNeedsStream();
      return setResult([toClientError(new GraphQLError(error.message, { originalError: error }))]);
    },
  };
}

/** Whose response becomes a stream is known when the operation turns out to be a subscription. */
function useEventStreams(streams: EventStreams): Plugin<NodeContext> {
  return {
    onSubscribe({ args }) {
      streams.add(args.contextValue.res);
    },
  };
}

/**
 * Yoga takes a query's JSON for granted.
 * @throws ServiceError `BAD_USER_INPUT`
 */
function checkParameters({ method, url = '' }: IncomingMessage): void {
  if (method === 'POST') return;
  const parameters = new URLSearchParams(url.slice(url.indexOf('?') + 1));
  for (const name of ['variables', 'extensions']) {
    if (isJsonObject(parameters.get(name) || '{}')) continue;
    throw new ServiceError('BAD_USER_INPUT', `The parameter "${name}" must be a JSON object.`);
  }
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && !Array.isArray(value);
  } catch {
    return false;
  }
}

function isJson(contentType: string | undefined): boolean {
  return /^application\/json *(;|$)/iu.test(contentType ?? '');
}
