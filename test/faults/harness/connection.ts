import { setTimeout as delay } from 'node:timers/promises';
import { GraphqlClient } from '../../support/graphql-client.ts';
import type { Acknowledgement } from '../../support/operations.ts';

/** How operations reach the server. */
export type Way = 'socket' | 'http';

/** The server answered, with an error. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  readonly code: string;
  readonly expectedSequence: number | null;

  constructor(failure: { readonly code: string; readonly message: string; readonly expectedSequence?: unknown }) {
    super(`${failure.code}: ${failure.message}`);
    this.code = failure.code;
    this.expectedSequence = typeof failure.expectedSequence === 'number' ? failure.expectedSequence : null;
  }
}

/** What a client may try again as it is, after a while. */
const PASSING = ['DATABASE_UNAVAILABLE', 'STORAGE_FULL', 'OVERLOADED', 'RATE_LIMITED'];
const PAUSE_MS = 25;

export function isPassing(error: unknown): boolean {
  return !(error instanceof RefusedError) || PASSING.includes(error.code);
}

/** A client's way to the server, made anew whenever it is lost. */
export class Connection {
  readonly #url: string;
  readonly #signal: AbortSignal;
  #client: GraphqlClient;
  /** Why the last operation was tried again. */
  lastSetback: unknown = null;

  /** @param signal gives up: every operation fails then. */
  constructor(url: string, signal: AbortSignal) {
    this.#url = url;
    this.#signal = signal;
    this.#client = new GraphqlClient(url);
  }

  /** @throws RefusedError when the answer is an error; something else when there is none. */
  async request<Data>(query: string, variables: object, way: Way = 'http'): Promise<Data> {
    const { data, errors } = await this.#orAbort(
      way === 'http' ? this.#client.request<Data>(query, variables) : this.#client.overSocket<Data>(query, variables),
    );
    const [error] = errors ?? [];
    if (error !== undefined) throw new RefusedError({ ...error.extensions, message: error.message });
    if (data === undefined || data === null) throw new Error('There is no data in the answer');
    return data;
  }

  /** Sends a chunk as plain bytes. @throws like `request` */
  async postAudio(sessionId: string, sequence: number, bytes: Buffer): Promise<Acknowledgement> {
    const url = `${this.#url}/sessions/${encodeURIComponent(sessionId)}/audio?sequence=${sequence}`;
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: new Uint8Array(bytes),
      signal: this.#signal,
    });
    const answer = (await response.json()) as Acknowledgement | { error: { code: string; message: string } };
    if ('error' in answer) throw new RefusedError(answer.error);
    return answer;
  }

  /** What a subscription delivers until it completes, or the connection is lost. */
  async *events<Data>(query: string, variables: object): AsyncGenerator<Data, void> {
    const results = this.#client.results<Data>(query, variables);
    for (;;) {
      const { value, done } = await this.#orAbort(results.next());
      if (done === true) return;
      const [error] = value.errors ?? [];
      if (error !== undefined) throw new RefusedError({ ...error.extensions, message: error.message });
      if (value.data !== undefined && value.data !== null) yield value.data;
    }
  }

  /** Tries an operation until it is answered. @throws RefusedError when another try would change nothing. */
  async untilAnswered<T>(operation: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await operation();
      } catch (error) {
        if (!isPassing(error)) throw error;
        await this.renew(error);
      }
    }
  }

  /** Goes on with new connections, after a moment. @throws when the run was given up. */
  async renew(reason: unknown): Promise<void> {
    this.lastSetback = reason;
    await this.close();
    await delay(PAUSE_MS, undefined, { signal: this.#signal });
    this.#client = new GraphqlClient(this.#url);
  }

  async close(): Promise<void> {
    await this.#client.dispose();
  }

  async #orAbort<T>(promise: Promise<T>): Promise<T> {
    // Waited for or not, its failure is dealt with.
    promise.catch(() => undefined);
    this.#signal.throwIfAborted();
    const over = new AbortController();
    const aborted = new Promise<never>((_, reject) => {
      const onAbort = () => reject(this.#signal.reason);
      this.#signal.addEventListener('abort', onAbort, { once: true, signal: over.signal });
    });
    try {
      return await Promise.race([promise, aborted]);
    } finally {
      over.abort();
    }
  }
}
