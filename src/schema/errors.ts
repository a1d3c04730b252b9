import { randomUUID } from 'node:crypto';
import { GraphQLError } from 'graphql';
import { toDatabaseError } from '../database/database-errors.ts';
import { toServiceError } from '../services/error-mapping.ts';
import type { ServiceError } from '../services/errors.ts';
import type { Logger } from '../services/logger.ts';

/** Longest message that is passed on: graphql-js quotes whole values in its own, which may be a megabyte of audio. */
const MAX_MESSAGE_LENGTH = 500;

/** An error as a client may see it. */
class ClientError extends GraphQLError {}

/**
 * What a client may know of an error: every one has a code of the contract in `extensions.code`, refused requests say what
 * to do next, and what nobody foresaw is logged under an `errorId` that the client is given instead of its message.
 */
export function toClientError(error: unknown, logger: Logger): GraphQLError {
  if (error instanceof ClientError) return error;
  const cause = rootCause(error);
  const refusal = toRefusal(cause);
  if (refusal !== null) {
    return relocated(error, refusal.message, { code: refusal.code, ...refusal.details, ...http(error) });
  }
  // Made by graphql-js itself: the document or its variables are wrong. The outermost message says which one, and where.
  if (cause instanceof GraphQLError) {
    const { message } = error instanceof GraphQLError ? error : cause;
    return relocated(error, message, { code: 'BAD_USER_INPUT', ...http(error, cause) });
  }
  const errorId = randomUUID();
  logger.error({ errorId, err: cause }, 'unexpected error');
  return relocated(error, 'Something went wrong on the server; its log says more under this errorId.', {
    code: 'INTERNAL_SERVER_ERROR',
    errorId,
  });
}

function rootCause(error: unknown): unknown {
  let cause = error;
  while (cause instanceof GraphQLError && cause.originalError) cause = cause.originalError;
  return cause;
}

function toRefusal(cause: unknown): ServiceError | null {
  // Pothos' own Prisma fields throw what the driver threw.
  return toServiceError(toDatabaseError(cause));
}

/**
 * Yoga's note about the HTTP status, which it takes out again before it answers. `spec` makes it one for clients that accept
 * `application/graphql-response+json`; for others a GraphQL result has the status 200, whatever it is.
 */
function http(error: unknown, cause = error): { http?: object } {
  const { http: note, code } = cause instanceof GraphQLError ? cause.extensions : {};
  const given = typeof note === 'object' && note !== null ? note : null;
  // What is no GraphQL request at all is a bad request whatever media type the client accepts.
  if (given !== null && code === 'BAD_REQUEST') return { http: { ...given, spec: false } };
  // What comes before any field, for example a wrong variable, leaves no result.
  const isBeforeFields = error instanceof GraphQLError && error.path === undefined;
  if (isBeforeFields) return { http: { status: 400, spec: true, ...given } };
  return given === null ? {} : { http: given };
}

/** With the place in the document and in the result that `error` has. */
function relocated(error: unknown, message: string, extensions: Record<string, unknown>): ClientError {
  const place = error instanceof GraphQLError ? error : undefined;
  return new ClientError(shortened(message), {
    nodes: place?.nodes,
    source: place?.source,
    positions: place?.positions,
    path: place?.path,
    extensions,
  });
}

function shortened(message: string): string {
  if (message.length <= MAX_MESSAGE_LENGTH) return message;
  return `${message.slice(0, MAX_MESSAGE_LENGTH / 2)} … ${message.slice(-MAX_MESSAGE_LENGTH / 2)}`;
}
