import type { Server, ServerResponse } from 'node:http';

/** The responses that are not finished yet; they end their connections once the server stops. */
export class ResponsesUnderWay {
  readonly #responses = new Set<ServerResponse>();
  #isLast = false;

  add(response: ServerResponse): void {
    this.#responses.add(response);
    response.once('close', () => this.#responses.delete(response));
    if (this.#isLast) response.setHeader('connection', 'close');
  }

  /** No request follows on the connections of `server`: each ends with the answer that is under way. */
  letBeLast(server: Server): void {
    this.#isLast = true;
    for (const response of this.#responses) {
      if (!response.headersSent) response.setHeader('connection', 'close');
      // What was begun before says that the connection stays.
      else response.once('close', () => server.closeIdleConnections());
    }
  }
}
