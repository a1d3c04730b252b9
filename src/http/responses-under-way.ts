import type { Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** The responses that are not finished yet; they end their connections once the server stops. */
export class ResponsesUnderWay {
  readonly #byConnection = new Map<Duplex, Set<ServerResponse>>();
  #isLast = false;

  add(response: ServerResponse): void {
    this.#ofConnection(response.req.socket).add(response);
    response.once('close', () => this.#byConnection.get(response.req.socket)?.delete(response));
    if (this.#isLast) response.setHeader('connection', 'close');
  }

  get count(): number {
    return this.#all.length;
  }

  countOn(socket: Duplex): number {
    return this.#byConnection.get(socket)?.size ?? 0;
  }

  /** Whether bytes on this connection could be taken for a part of an answer, or for the answer to a request that is whole. */
  isAnsweringOn(socket: Duplex): boolean {
    const responses = [...(this.#byConnection.get(socket) ?? [])];
    return responses.some(({ headersSent, req }) => headersSent || req.complete);
  }

  /** No request follows on the connections of `server`: each ends with the answer that is under way. */
  letBeLast(server: Server): void {
    this.#isLast = true;
    for (const response of this.#all) {
      if (!response.headersSent) response.setHeader('connection', 'close');
      // What was begun before says that the connection stays.
      else response.once('close', () => server.closeIdleConnections());
    }
  }

  get #all(): ServerResponse[] {
    return [...this.#byConnection.values()].flatMap((responses) => [...responses]);
  }

  #ofConnection(socket: Duplex): Set<ServerResponse> {
    const known = this.#byConnection.get(socket);
    if (known !== undefined) return known;
    const responses = new Set<ServerResponse>();
    this.#byConnection.set(socket, responses);
    // Of pipelined requests only the first one's response hears of its connection's end; the others never close.
    socket.once('close', () => this.#byConnection.delete(socket));
    return responses;
  }
}
