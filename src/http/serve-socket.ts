import { CloseCode, type Server } from 'graphql-ws';
import type { WebSocket } from 'ws';
import type { Logger } from '../services/logger.ts';
import { keepAlive } from './keep-alive.ts';
import type { Outbox } from './outbox.ts';
import { watchForStuck } from './patience.ts';

/**
 * What a socket may have under way before it is not read on: its client has to wait then, not the server's memory. Bytes of
 * messages that are not answered yet, and so many for each of them besides.
 */
const MAX_BYTES_UNDER_WAY = 8 * 1024 * 1024;
const OVERHEAD_BYTES = 4 * 1024;

/** https://www.iana.org/assignments/websocket/websocket.xhtml#close-code-number; clients reconnect after either. */
const GOING_AWAY = 1001;
const TRY_AGAIN_LATER = 1013;

export interface SocketSettings {
  /** Milliseconds between two pings; a client of which nothing came in between is gone. */
  readonly pingIntervalMs: number;
  /** Milliseconds that a client which sends may take to answer a ping: without reading it can't. */
  readonly pongLimitMs: number;
  /** Milliseconds that a message may wait to leave for the client. */
  readonly slowReaderLimitMs: number;
  /** Milliseconds that a client has to answer a goodbye, before it is hung up on: it may have a lot to read up to there. */
  readonly closeLimitMs: number;
}

export interface SocketParts<Extra> {
  readonly protocol: Server<Extra>;
  readonly outbox: Outbox;
  readonly extra: Extra;
  readonly settings: SocketSettings;
  /** Bytes that have come over the connection so far. */
  readonly bytesRead: () => number;
  /** Subscriptions that the socket has at this moment: the messages under way that wait for no answer. */
  readonly subscriptions: () => number;
  readonly logger: Logger;
}

export interface ServedSocket {
  /** Takes no more messages, answers those that it has taken, and closes the socket with 1001 then. */
  leave(): void;
  /** Closes it with 1001 whatever is under way. */
  leaveNow(): void;
}

/**
 * Connects one socket to the protocol. Differs from graphql-ws' own adapter in what happens under load and in failure: events
 * wait for a slow client's socket, reading waits for answers, errors are logged and never told, a client that does not read
 * is hung up on, and goodbyes come after the answers.
 */
export function serveSocket<Extra>(socket: WebSocket, parts: SocketParts<Extra>): ServedSocket {
  const { protocol, outbox, extra, settings, bytesRead, subscriptions, logger } = parts;
  let messagesUnderWay = 0;
  let bytesUnderWay = 0;
  let isLeaving = false;
  let isClosing = false;
  const close = (code: number, reason: string) => {
    if (isClosing) return;
    isClosing = true;
    socket.close(code, reason);
    // The client's answer to that has to be read.
    socket.resume();
    const hangUp = setTimeout(() => socket.terminate(), settings.closeLimitMs);
    socket.once('close', () => clearTimeout(hangUp));
  };
  const leaveNow = () => close(GOING_AWAY, 'The server is stopping');
  const leaveWhenAnswered = () => {
    if (isLeaving && messagesUnderWay - subscriptions() <= 0) leaveNow();
  };
  const hangUpOnSlowReader = () => {
    if (isClosing) return;
    logger.info({ bufferedBytes: socket.bufferedAmount }, 'WebSocket closed: its client reads too slowly');
    close(TRY_AGAIN_LATER, 'You read too slowly: come back, and resume after your last cursor');
  };

  const closed = protocol.opened(
    {
      protocol: socket.protocol,
      send: (data) => outbox.send(data),
      close: (code, reason) => close(code ?? CloseCode.InternalServerError, reason ?? ''),
      onMessage: (handle) => {
        socket.on('message', (data: Buffer) => {
          // Not taken, and not answered: the close says so.
          if (isClosing) return;
          const weight = data.byteLength + OVERHEAD_BYTES;
          messagesUnderWay += 1;
          bytesUnderWay += weight;
          if (bytesUnderWay > MAX_BYTES_UNDER_WAY) socket.pause();
          void handle(data.toString())
            .catch((error: unknown) => {
              logger.error({ err: error }, 'WebSocket message failed');
              close(CloseCode.InternalServerError, 'Internal server error');
            })
            .finally(() => {
              messagesUnderWay -= 1;
              bytesUnderWay -= weight;
              if (socket.isPaused && !isLeaving && bytesUnderWay <= MAX_BYTES_UNDER_WAY) socket.resume();
              leaveWhenAnswered();
            });
        });
      },
    },
    extra,
  );
  const stopPinging = keepAlive(socket, { ...settings, bytesRead, onUnanswered: hangUpOnSlowReader });
  const stopWatching = watchForStuck(settings.slowReaderLimitMs, () => outbox.place, hangUpOnSlowReader);
  // The socket closes itself with the fitting code, for example 1009 after a message that is too large.
  socket.on('error', (error) => logger.info({ err: error }, 'WebSocket broken'));
  socket.once('close', (code, reason) => {
    stopPinging();
    stopWatching();
    void closed(code, reason.toString()).catch((error: unknown) => {
      logger.error({ err: error }, 'WebSocket clean-up failed');
    });
  });
  return {
    leave: () => {
      if (isClosing) return;
      isLeaving = true;
      socket.pause();
      leaveWhenAnswered();
    },
    leaveNow,
  };
}
