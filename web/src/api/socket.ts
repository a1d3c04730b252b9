import { createClient, type Client, type ClientOptions } from 'graphql-ws';

/** A socket without a subscription is kept for this long, for the next one. */
const IDLE_MS = 3_000;
const PING_MS = 10_000;
/** How long the server may take to answer a ping. */
const PONG_LIMIT_MS = 10_000;

interface SocketOptions extends Pick<ClientOptions, 'url' | 'connectionParams' | 'webSocketImpl'> {
  readonly onConnected: () => void;
  readonly pingMs?: number;
  readonly pongLimitMs?: number;
}

/**
 * For subscriptions. It tries nothing again: they end with an error when the connection is lost, also when nobody says so,
 * as when a network goes away: a server that does not answer a ping is gone.
 */
export function createSocket({
  onConnected,
  pingMs = PING_MS,
  pongLimitMs = PONG_LIMIT_MS,
  ...options
}: SocketOptions): Client {
  let overdue: ReturnType<typeof setTimeout> | undefined;
  const client = createClient({
    ...options,
    retryAttempts: 0,
    lazyCloseTimeout: IDLE_MS,
    keepAlive: pingMs,
    on: {
      connected: onConnected,
      ping: (isReceived) => {
        if (!isReceived) overdue = setTimeout(() => client.terminate(), pongLimitMs);
      },
      pong: (isReceived) => {
        if (isReceived) clearTimeout(overdue);
      },
      closed: () => clearTimeout(overdue),
    },
  });
  return client;
}
