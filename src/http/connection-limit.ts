import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';

/** Connections above the limit that are still told why they are refused; others are hung up on at once. */
const REFUSED_WITH_REASON = 64;

/**
 * Bounds the connections of a server, WebSockets among them.
 *
 * @returns whether a request came over a connection above the limit
 */
export function limitConnections(server: Server, maxConnections: number): (request: IncomingMessage) => boolean {
  const excess = new WeakSet<Socket>();
  let connections = 0;
  server.maxConnections = maxConnections + REFUSED_WITH_REASON;
  // Of an encrypted connection this is the socket that requests come over; until then it counts as a connection only.
  server.on(server instanceof TlsServer ? 'secureConnection' : 'connection', (socket: Socket) => {
    connections += 1;
    if (connections > maxConnections) excess.add(socket);
    socket.once('close', () => {
      connections -= 1;
    });
  });
  return (request) => excess.has(request.socket);
}
