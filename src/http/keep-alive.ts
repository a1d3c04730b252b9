import type { WebSocket } from 'ws';

export interface KeepAliveOptions {
  readonly pingIntervalMs: number;
  readonly pongLimitMs: number;
  /** Bytes that have come over the connection so far. */
  readonly bytesRead: () => number;
  /** Its client sends, and has not read a ping for `pongLimitMs`. */
  readonly onUnanswered: () => void;
}

/**
 * Pings, and hangs up on a client of which nothing came until the next ping: its connection is dead. Any byte is a sign of
 * life: on a slow uplink the answer to a ping waits behind large messages. Not for ever, though: without reading, a client
 * can send, but not answer, and what is sent to it fills the buffers of both systems long before it waits in this process.
 *
 * @returns stops it
 */
export function keepAlive(socket: WebSocket, options: KeepAliveOptions): () => void {
  const { pingIntervalMs, pongLimitMs, bytesRead, onUnanswered } = options;
  let heard = -1;
  let unanswered = 0;
  socket.on('pong', () => {
    unanswered = 0;
  });
  const timer = setInterval(() => {
    // Nothing can be heard of a client while it is not listened to.
    if (socket.isPaused) {
      unanswered = 0;
      return;
    }
    if (bytesRead() === heard) {
      // What came while this process was stopped is read before that.
      setImmediate(() => {
        if (bytesRead() === heard) socket.terminate();
      });
      return;
    }
    heard = bytesRead();
    // Counted, not timed: see `watchForStuck`.
    if (unanswered * pingIntervalMs > pongLimitMs) {
      onUnanswered();
      return;
    }
    unanswered += 1;
    socket.ping();
  }, pingIntervalMs);
  return () => clearInterval(timer);
}
