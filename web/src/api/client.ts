import { createClient as createSocketClient } from 'graphql-ws';
import { Client, fetchExchange, mapExchange, subscriptionExchange, type CombinedError } from 'urql';
import type { Server } from './server.ts';

const GRAPHQL = '/graphql';
const UNAUTHORISED = 401;
/** What the server closes a WebSocket with that shows no token, or a wrong one. */
const REFUSED_SOCKET: readonly unknown[] = [4401, 4403];
/** A socket without a subscription is kept for this long, for the next one. */
const IDLE_SOCKET_MS = 3_000;
const PING_MS = 10_000;

/**
 * The GraphQL API: queries and mutations over HTTP, subscriptions over one WebSocket. A subscription whose connection is lost
 * ends with an error; whoever has it knows from where to resume.
 */
export function createApiClient(server: Server): Client {
  const authorization = (): Record<string, string> =>
    server.token === null ? {} : { authorization: `Bearer ${server.token}` };
  const url = new URL(GRAPHQL, location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = createSocketClient({
    url: url.href,
    connectionParams: authorization,
    retryAttempts: 0,
    lazyCloseTimeout: IDLE_SOCKET_MS,
    keepAlive: PING_MS,
    on: { connected: () => server.noteAnswer() },
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

/** A sentence for people. */
export function sentenceOf(error: CombinedError): string {
  return error.graphQLErrors[0]?.message ?? 'The server does not answer.';
}
