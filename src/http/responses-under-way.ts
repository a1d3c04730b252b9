import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** The responses that are not finished yet; they end their connections once the server stops. */
export class ResponsesUnderWay {
  readonly #byConnection = new Map<Socket, Set<ServerResponse>>();
  #isLast = false;

  add(response: ServerResponse): void {
    this.#ofConnection(response.req.socket).add(response);
    response.once('close', () => this.#byConnection.get(response.req.socket)?.delete(response));
    if (this.#isLast) response.setHeader('connection', 'close');
  }

  get count(): number {
    return this.#all.length;
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

  #ofConnection(socket: Socket): Set<ServerResponse> {
    const known = this.#byConnection.get(socket);
    if (known !== undefined) return known;
    const responses = new Set<ServerResponse>();
    this.#byConnection.set(socket, responses);
    // Of pipelined requests only the first one's response hears of its connection's end; the others never close.
    socket.once('close', () => this.#byConnection.delete(socket));
    return responses;
  }
}
