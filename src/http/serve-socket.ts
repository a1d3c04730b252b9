import { CloseCode, type Server } from 'graphql-ws';
import type { WebSocket } from 'ws';
import type { Logger } from '../services/logger.ts';

/**
 * What a socket may have under way before it is not read on: its client has to wait then, not the server's memory. Bytes of
 * messages that are not answered yet, and so many for each of them besides.
 */
const MAX_BYTES_UNDER_WAY = 8 * 1024 * 1024;
const OVERHEAD_BYTES = 4 * 1024;

/**
 * Connects one socket to the protocol. Differs from graphql-ws' own adapter in what happens under load and in failure: events
 * wait for a slow client's socket, reading waits for answers, errors are logged and never told.
 */
export function serveSocket<Extra>(
  socket: WebSocket,
  protocol: Server<Extra>,
  extra: Extra,
  { pingIntervalMs, bytesRead }: { pingIntervalMs: number; bytesRead: () => number },
  logger: Logger,
): void {
  let bytesUnderWay = 0;

  const closed = protocol.opened(
    {
      protocol: socket.protocol,
      send: (data) => send(socket, data),
      close: (code, reason) => socket.close(code, reason),
      onMessage: (handle) => {
        socket.on('message', (data: Buffer) => {
          const weight = data.byteLength + OVERHEAD_BYTES;
          bytesUnderWay += weight;
          if (bytesUnderWay > MAX_BYTES_UNDER_WAY) socket.pause();
          void handle(data.toString())
            .catch((error: unknown) => {
              logger.error({ err: error }, 'WebSocket message failed');
              socket.close(CloseCode.InternalServerError, 'Internal server error');
            })
            .finally(() => {
              bytesUnderWay -= weight;
              if (socket.isPaused && bytesUnderWay <= MAX_BYTES_UNDER_WAY) socket.resume();
            });
        });
      },
    },
    extra,
  );
  const stopPinging = keepAlive(socket, pingIntervalMs, bytesRead);
  // The socket closes itself with the fitting code, for example 1009 after a message that is too large.
  socket.on('error', (error) => logger.info({ err: error }, 'WebSocket broken'));
  socket.once('close', (code, reason) => {
    stopPinging();
    void closed(code, reason.toString()).catch((error: unknown) => {
      logger.error({ err: error }, 'WebSocket clean-up failed');
    });
  });
}

/** Resolves when the message has left for the client; at once when there is no client any more. */
function send(socket: WebSocket, data: string): Promise<void> {
  return new Promise((resolve) => {
    if (socket.readyState !== socket.OPEN) resolve();
    // A failed send is followed by the end of the socket, which ends what goes on over it.
    else socket.send(data, () => resolve());
  });
}

/**
 * Pings, and hangs up on a client of which nothing came until the next ping: its connection is dead. Any byte is a sign of
 * life: on a slow uplink the answer to a ping waits behind a large message.
 *
 * @param bytesRead bytes that have come over the connection so far
 */
function keepAlive(socket: WebSocket, intervalMs: number, bytesRead: () => number): () => void {
  let heard = -1;
  const timer = setInterval(() => {
    // Nothing can be heard of a client while it is not listened to.
    if (socket.isPaused) return;
    if (bytesRead() === heard) {
      socket.terminate();
      return;
    }
    heard = bytesRead();
    socket.ping();
  }, intervalMs);
  return () => clearInterval(timer);
}
