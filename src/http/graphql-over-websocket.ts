import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { execute, getOperationAST, GraphQLError } from 'graphql';
import { CloseCode, handleProtocols, makeServer, type Server, type ServerOptions } from 'graphql-ws';
import { WebSocketServer } from 'ws';
import { ServiceError } from '../services/errors.ts';
import type { Logger } from '../services/logger.ts';
import { Delivery, type Send } from './delivery.ts';
import { Departures } from './departures.ts';
import { encodeResult, EventMessages } from './event-messages.ts';
import type { GraphqlParts } from './graphql-parts.ts';
import { formatErrors, formatResult } from './operation-errors.ts';
import { Outbox } from './outbox.ts';
import { serveSocket, type ServedSocket, type SocketSettings } from './serve-socket.ts';
import { SharedResults } from './shared-results.ts';
import { SocketOperations } from './socket-operations.ts';

export interface WebSocketSettings extends SocketSettings {
  /** Largest message, in bytes. */
  readonly maxMessageBytes: number;
  /** Subscriptions that one socket may have at a time. */
  readonly maxSubscriptionsPerSocket: number;
  /** Milliseconds that a client has for its first message. */
  readonly connectionInitTimeoutMs: number;
}

export interface WebSocketDoor {
  /** Takes over a connection that asked for an upgrade and was admitted. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Answers what it has taken, says goodbye to all clients, and hangs up on those that have not left after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/** The part of the time for goodbyes that answers may take: clients need the rest to read them. */
const ANSWERING = 0.75;

/** What is known of a socket besides its protocol's messages. */
interface Extra {
  /** The `Authorization` header of the upgrade, which programs can send and browsers cannot. */
  readonly authorization: string | undefined;
  readonly operations: SocketOperations;
  readonly outbox: Outbox;
}
type ConnectionParams = Record<string, unknown>;
type Options = ServerOptions<ConnectionParams, Extra>;

/**
 * The same operations as over HTTP, and all of them on one connection: the protocol `graphql-transport-ws`.
 * https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
 *
 * @param checkToken throws a `ServiceError` when the token is missing or wrong
 */
export function graphqlOverWebSocket(
  parts: GraphqlParts,
  settings: WebSocketSettings,
  checkToken: (authorization: string | undefined) => void,
  logger: Logger,
): WebSocketDoor {
  const results = new SharedResults(parts.schema, parts.unchangingTypes, (result) =>
    encodeResult(JSON.stringify(formatResult(result, parts.toClientError))),
  );
  const protocol = makeServer<ConnectionParams, Extra>({
    connectionInitWaitTimeout: settings.connectionInitTimeoutMs,
    onConnect: ({ connectionParams, extra }) =>
      isAllowed(() => checkToken(authorizationIn(connectionParams) ?? extra.authorization)),
    onSubscribe: prepareWith(parts),
    execute,
    subscribe: (args) => results.subscribe(args),
    onOperation: ({ extra }, id, _payload, _args, result) => {
      if (result instanceof Delivery) result.sendWith(sendNext(extra.outbox, id));
    },
    onNext: (_context, _id, _payload, _args, result) => formatResult(result, parts.toClientError),
    onComplete: ({ extra }, _id, payload) => extra.operations.complete(payload),
    onError: (_context, _id, _payload, errors) => formatErrors(errors, parts.toClientError),
  });
  // Audio does not shrink by compression, and a compressor per socket costs memory.
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: settings.maxMessageBytes,
    perMessageDeflate: false,
    handleProtocols,
  });
  const sockets = new Set<ServedSocket>();
  const departures = new Departures();
  return {
    accept: (request, connection, head) => {
      server.handleUpgrade(request, connection, head, (socket) => {
        const outbox = new Outbox(socket, connection, departures);
        const operations = new SocketOperations(outbox, settings.maxSubscriptionsPerSocket);
        const served = serveSocket(socket, {
          protocol: refusingServerMessages(protocol),
          outbox,
          extra: { authorization: request.headers.authorization, operations, outbox },
          settings,
          bytesRead: () => request.socket.bytesRead,
          subscriptions: () => operations.subscriptions,
          logger,
        });
        sockets.add(served);
        socket.once('close', () => {
          operations.end();
          sockets.delete(served);
        });
      });
    },
    close: async (graceMs) => {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      for (const socket of sockets) socket.leave();
      const goodbye = setTimeout(() => {
        for (const socket of sockets) socket.leaveNow();
      }, graceMs * ANSWERING);
      const hangUp = setTimeout(() => {
        for (const client of server.clients) client.terminate();
      }, graceMs);
      await closed;
      clearTimeout(goodbye);
      clearTimeout(hangUp);
    },
  };
}

/**
 * The protocol, for clients that send what only servers may (`next`, `connection_ack`, …): a bad request like others, where
 * graphql-ws throws as if the server had failed.
 */
function refusingServerMessages<T>(protocol: Server<T>): Server<T> {
  return {
    opened: (socket, extra) =>
      protocol.opened(
        {
          ...socket,
          onMessage: (handle) => {
            socket.onMessage(async (data) => {
              try {
                await handle(data);
              } catch (error) {
                if (!(error instanceof Error && error.message.startsWith('Unexpected message of type '))) throw error;
                await socket.close(CloseCode.BadRequest, 'Invalid message received');
              }
            });
          },
        },
        extra,
      ),
  };
}

/** Turns a message into an operation, or into the errors that answer it: a bad document costs the socket nothing. */
function prepareWith(parts: GraphqlParts): NonNullable<Options['onSubscribe']> {
  return ({ extra }, _id, payload) => {
    const { query, operationName, variables } = payload;
    const prepared = parts.documents.prepare(query);
    if (prepared.errors !== null) return prepared.errors;
    const { document, cost, checkCost } = prepared;
    const refusal = checkCost?.(operationName, variables) ?? null;
    if (refusal !== null) return [refusal];
    const operation = getOperationAST(document, operationName);
    // Nothing runs then, and the errors say so.
    const args = { schema: parts.schema, document, operationName, variableValues: variables };
    if (!operation) return args;
    const begin = () => ({ ...args, contextValue: parts.createContext() });
    try {
      const turn = extra.operations.begin(payload, cost, operation.operation === 'subscription');
      return turn === null ? begin() : turn.then(begin);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      return [new GraphQLError(error.message, { originalError: error })];
    }
  };
}

/** Sends the results of a subscription as graphql-ws would. */
function sendNext(outbox: Outbox, id: string): Send {
  const messages = new EventMessages(id);
  return (result, onLeft) => outbox.sendFrameThen(messages.headOf(result.byteLength), result, onLeft);
}

function isAllowed(check: () => void): boolean {
  try {
    check();
    return true;
  } catch (error) {
    if (error instanceof ServiceError) return false;
    throw error;
  }
}

/** Header names are in any case, and so are those that GraphiQL passes on as connection parameters. */
function authorizationIn(params: ConnectionParams | undefined): string | undefined {
  const [, value] = Object.entries(params ?? {}).find(([name]) => name.toLowerCase() === 'authorization') ?? [];
  return typeof value === 'string' ? value : undefined;
}
