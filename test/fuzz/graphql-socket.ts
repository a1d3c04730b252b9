import { once } from 'node:events';
import { WebSocket } from 'ws';
import { judgeClose, Violation } from './oracle.ts';

interface ServerMessage {
  readonly type: string;
  readonly id?: string;
  readonly payload?: unknown;
}

interface Waiting {
  readonly results: unknown[];
  settle(results: unknown[]): void;
  fail(error: Error): void;
}

/** An operation that is answered at once. */
const BARRIER = '{"query":"{ __typename }"}';
/** `endSession` alone may take 10 s. */
const LONGEST_OPERATION_MS = 30_000;

/** A socket of the protocol graphql-transport-ws that many operations share, and that opens again when it was closed. */
export class GraphqlSocket {
  readonly #url: string;
  readonly #waiting = new Map<string, Waiting>();
  #socket: WebSocket | null = null;
  #opening: Promise<WebSocket> | null = null;
  #lastId = 0;

  constructor(url: string) {
    this.#url = `${url.replace(/^http/u, 'ws')}/graphql`;
  }

  /**
   * Runs an operation, given as JSON, to its end; one that goes on (a subscription) is completed once the server has answered a later
   * operation. @returns the results and errors that came. @throws Violation when it does not end.
   */
  async run(payload: string, { goesOn = false }: { goesOn?: boolean } = {}): Promise<unknown[]> {
    const socket = await this.#open();
    const { id, results } = this.#subscribe(socket, payload);
    // Told by whoever waits for it last.
    results.catch(() => undefined);
    if (goesOn) {
      await this.#subscribe(socket, BARRIER).results;
      socket.send(JSON.stringify({ type: 'complete', id }));
      // The server confirms no completion of the client's: what came until now is all.
      this.#settle(id);
    }
    return results;
  }

  close(): void {
    this.#socket?.close(1000);
  }

  #subscribe(socket: WebSocket, payload: string): { id: string; results: Promise<unknown[]> } {
    const id = String((this.#lastId += 1));
    const results = new Promise<unknown[]>((resolve, reject) => {
      const deadline = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Violation(`an operation did not end within ${LONGEST_OPERATION_MS} ms`));
      }, LONGEST_OPERATION_MS);
      this.#waiting.set(id, {
        results: [],
        settle: (all) => {
          clearTimeout(deadline);
          resolve(all);
        },
        fail: (error) => {
          clearTimeout(deadline);
          reject(error);
        },
      });
    });
    socket.send(`{"type":"subscribe","id":"${id}","payload":${payload}}`);
    return { id, results };
  }

  #open(): Promise<WebSocket> {
    if (this.#socket?.readyState === WebSocket.OPEN) return Promise.resolve(this.#socket);
    this.#opening ??= this.#connect().finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  async #connect(): Promise<WebSocket> {
    const socket = new WebSocket(this.#url, 'graphql-transport-ws', { perMessageDeflate: false });
    socket.on('error', () => undefined);
    socket.on('message', (data: Buffer) => this.#receive(JSON.parse(data.toString()) as ServerMessage));
    socket.on('close', (code, reason) => this.#closed(code, reason.toString()));
    await once(socket, 'open');
    const acknowledged = once(socket, 'message');
    socket.send(JSON.stringify({ type: 'connection_init' }));
    await acknowledged;
    this.#socket = socket;
    return socket;
  }

  #receive({ type, id = '', payload }: ServerMessage): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    if (type === 'next' || type === 'error') waiting.results.push(payload);
    if (type === 'complete' || type === 'error') this.#settle(id);
  }

  #settle(id: string): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    waiting?.settle(waiting.results);
  }

  /** What was under way ends without an answer; whether the close was right is judged by the first of them. */
  #closed(code: number, reason: string): void {
    const all = [...this.#waiting.values()];
    this.#waiting.clear();
    try {
      judgeClose(code, reason);
      for (const waiting of all) waiting.settle(waiting.results);
    } catch (error) {
      for (const waiting of all) waiting.fail(error as Error);
    }
  }
}
