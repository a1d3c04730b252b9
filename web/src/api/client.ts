import { Client, fetchExchange, mapExchange, subscriptionExchange, type CombinedError } from 'urql';
import type { Server } from './server.ts';
import { createSocket } from './socket.ts';

const GRAPHQL = '/graphql';
const UNAUTHORISED = 401;
/** What the server closes a WebSocket with that shows no token, or a wrong one. */
const REFUSED_SOCKET: readonly unknown[] = [4401, 4403];
/** Refusals of a server that is short of something. */
const PASSING: readonly unknown[] = ['DATABASE_UNAVAILABLE', 'INTERNAL_SERVER_ERROR', 'OVERLOADED', 'RATE_LIMITED'];

/**
 * The GraphQL API: queries and mutations over HTTP, subscriptions over one WebSocket. A subscription whose connection is lost
 * ends with an error; whoever has it knows from where to resume.
 */
export function createApiClient(server: Server): Client {
  const authorization = (): Record<string, string> =>
    server.token === null ? {} : { authorization: `Bearer ${server.token}` };
  const url = new URL(GRAPHQL, location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = createSocket({
    url: url.href,
    connectionParams: authorization,
    onConnected: () => server.noteAnswer(),
  });
  return new Client({
    url: GRAPHQL,
    preferGetMethod: false,
    requestPolicy: 'network-only',
    fetchOptions: () => ({ headers: authorization() }),
    exchanges: [
      mapExchange({
        onResult: ({ error }) => {
          if (error?.networkError === undefined) server.noteAnswer();
          else if (isRefused(error)) server.noteRefusedToken();
          else server.noteUnreachable();
        },
      }),
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query = '', variables }) => ({
          subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables }, sink) }),
        }),
      }),
    ],
  });
}

function isRefused({ networkError, response }: CombinedError): boolean {
  if (response instanceof Response && response.status === UNAUTHORISED) return true;
  return networkError !== undefined && 'code' in networkError && REFUSED_SOCKET.includes(networkError.code);
}

/** The `extensions.code` of a refusal; `undefined` when the server did not answer. */
export function codeOf(error: CombinedError): unknown {
  return error.graphQLErrors[0]?.extensions['code'];
}

/** Whether trying again may help: the server is short of something, or does not answer. */
export function mayPass(error: CombinedError): boolean {
  const code = codeOf(error);
  return code === undefined ? !isRefused(error) : PASSING.includes(code);
}

/** A sentence for people. */
export function sentenceOf(error: CombinedError): string {
  return error.graphQLErrors[0]?.message ?? 'The server does not answer.';
}
