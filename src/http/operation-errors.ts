import type { ExecutionResult, FormattedExecutionResult, GraphQLError, GraphQLFormattedError } from 'graphql';
import { ServiceError } from '../services/errors.ts';

/** Errors of an operation as they are sent: what a client may know, without the notes that are meant for Yoga. */
export function formatErrors(
  errors: readonly GraphQLError[],
  toClientError: (error: unknown) => GraphQLError,
): GraphQLFormattedError[] {
  return errors.map((error) => {
    const { extensions, ...rest } = toClientError(error).toJSON();
    const { http: _http, unexpected: _unexpected, ...shown } = extensions ?? {};
    return { ...rest, extensions: shown };
  });
}

/** For a subscription whose client accepts no stream of results. */
export function subscriptionNeedsStream(): ServiceError {
  return new ServiceError(
    'BAD_USER_INPUT',
    'Subscriptions come over WebSocket, or as server-sent events with "Accept: text/event-stream".',
  );
}

/** A result as it is sent: with its errors, if there are some, as clients may know them. */
export function formatResult(
  { errors, ...result }: ExecutionResult,
  toClientError: (error: unknown) => GraphQLError,
): FormattedExecutionResult {
  return errors === undefined ? result : { ...result, errors: formatErrors(errors, toClientError) };
}
