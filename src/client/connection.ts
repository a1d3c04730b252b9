import { CloseCode, createClient, MessageType, type Client } from 'graphql-ws/client';
import { Answer } from './answers.ts';
import { VerbatimError } from './errors.ts';

/** The class of the browser's WebSockets, or one like it, such as that of the package `ws`. */
export type WebSocketImplementation = new (url: string, protocols?: string | string[]) => object;

/** Where a server is, and what it wants to see before it answers. */
export interface ServerAddress {
  /** Of its GraphQL endpoint, `http:` or `https:`. */
  readonly url: URL;
  readonly token: string | null;
}

export interface ConnectionOptions {
  /** The global one when absent. */
  readonly webSocket?: WebSocketImplementation | undefined;
  /**
   * Milliseconds without a message from the server after which it is asked for a sign of life; when that takes as long again,
   * the connection is dead.
   */
  readonly heartbeatMs?: number;
}

const HEARTBEAT_MS = 10_000;
/** How long opening a connection may take, in milliseconds. */
const OPENING_MS = 15_000;
/** RFC 6455, section 7.4.1. */
const ABNORMAL_CLOSURE = 1006;
const MESSAGE_TOO_BIG = 1009;
/** What the server closes with when the token is wrong. */
const REFUSALS: readonly number[] = [CloseCode.Unauthorized, CloseCode.Forbidden];

/**
 * One WebSocket to the GraphQL API (graphql-transport-ws). It never reconnects by itself: what to send again, and from
 * where to resume, only its user knows.
 */
export class Connection {
  readonly #client: Client;
  /** Why it is over; `null` while it is not. */
  #lost: VerbatimError | null = null;
  /** Called when the connection is over. */
  onLost: () => void = () => {};

  private constructor(client: Client) {
    this.#client = client;
  }

  /** @throws VerbatimError `UNREACHABLE` when there is no server, `UNAUTHENTICATED` when it refuses the token */
  static open(address: ServerAddress, options: ConnectionOptions = {}): Promise<Connection> {
    const heartbeatMs = options.heartbeatMs ?? HEARTBEAT_MS;
    const url = new URL(address.url);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    return new Promise((resolve, reject) => {
      let overdue: ReturnType<typeof setTimeout> | undefined;
      let failure: unknown = null;
      let wasOpen = false;
      const lose = (cause: unknown) => {
        clearTimeout(overdue);
        clearTimeout(slow);
        const error = connectionError(cause, address.url, wasOpen);
        connection.#lose(error);
        reject(error);
      };
      const hangUp = (reason: string) => {
        lose(new Error(reason));
        client.terminate();
      };
      const expectLife = () => {
        clearTimeout(overdue);
        overdue = setTimeout(() => hangUp('it gives no sign of life'), heartbeatMs);
      };
      const client = createClient({
        url: url.href,
        webSocketImpl: options.webSocket,
        lazy: false,
        retryAttempts: 0,
        keepAlive: heartbeatMs,
        ...(address.token !== null && { connectionParams: { authorization: `Bearer ${address.token}` } }),
        onNonLazyError: lose,
        on: {
          connected: () => {
            wasOpen = true;
            clearTimeout(slow);
            resolve(connection);
          },
          ping: (received) => {
            if (!received) expectLife();
          },
          // On a slow line the answer to a ping may wait behind much else, all of which shows that the server is there.
          message: ({ type }) => {
            if (overdue === undefined) return;
            expectLife();
            if (type !== MessageType.Pong) return;
            clearTimeout(overdue);
            overdue = undefined;
          },
          error: (error) => (failure = error),
          // After a failure the close event says nothing else than that there was one.
          closed: (event) => lose(describe(event).code === ABNORMAL_CLOSURE ? (failure ?? event) : event),
        },
      });
      const connection = new Connection(client);
      const slow = setTimeout(() => hangUp('it does not answer'), OPENING_MS);
    });
  }

  /** Why the connection is over; `null` while it is not. */
  get lost(): VerbatimError | null {
    return this.#lost;
  }

  /**
   * Runs a query or mutation. Requests are sent in the order of the calls.
   * @throws VerbatimError what the server answered, or `CONNECTION_LOST`; and what `read` throws
   */
  async request<T>(document: string, variables: Record<string, unknown>, read: (data: Answer) => T): Promise<T> {
    const answers: T[] = [];
    await this.subscribe(document, variables, read, (value) => answers.push(value));
    const [first] = answers;
    if (first === undefined) throw new VerbatimError('UNREADABLE_ANSWER', 'the server gave no answer');
    return first;
  }

  /**
   * Runs a subscription; resolves when the server completes it.
   * @param onItem what it throws ends the subscription and is thrown on.
   * @throws VerbatimError as `request`
   */
  subscribe<T>(
    document: string,
    variables: Record<string, unknown>,
    read: (data: Answer) => T,
    onItem: (item: T) => void,
  ): Promise<void> {
    // Asked again, the library would open another socket, of which the present operations know nothing.
    if (this.#lost !== null) return Promise.reject(this.#lost);
    return new Promise((resolve, reject) => {
      let hasFailed = false;
      const unsubscribe = this.#client.subscribe(
        { query: document, variables },
        {
          next: ({ data, errors }) => {
            if (hasFailed) return;
            try {
              if (errors !== undefined) throw apiError(errors);
              onItem(read(new Answer(data)));
            } catch (error) {
              hasFailed = true;
              reject(asError(error));
              // When the server's own end of the operation is behind this answer already, the library would count the end
              // twice, and close the socket under the other operations.
              setTimeout(unsubscribe);
            }
          },
          error: (error) => reject(Array.isArray(error) ? apiError(error) : (this.#lost ?? asError(error))),
          // The library also completes what a lost connection has cut off.
          complete: () => (this.#lost === null ? resolve() : reject(this.#lost)),
        },
      );
    });
  }

  close(): void {
    this.#lose(new VerbatimError('CONNECTION_LOST', 'the connection was closed'));
  }

  #lose(error: VerbatimError): void {
    if (this.#lost !== null) return;
    this.#lost = error;
    void this.#dispose();
    this.onLost();
  }

  /** Also keeps the library from opening another socket. */
  async #dispose(): Promise<void> {
    try {
      await this.#client.dispose();
    } catch {
      // There never was a socket.
    }
  }
}

function apiError(errors: unknown): VerbatimError {
  const first: unknown = Array.isArray(errors) ? errors[0] : null;
  const answer = new Answer(first);
  const extensions = answer.objectOrNull('extensions');
  return new VerbatimError(extensions?.stringOrNull('code') ?? 'UNREADABLE_ANSWER', answer.string('message'), {
    retryAfterMs: extensions?.numberOrNull('retryAfterMs') ?? null,
  });
}

/** What ended a connection: for good when the server said so, else worth another try. */
function connectionError(cause: unknown, url: URL, wasOpen: boolean): VerbatimError {
  const { code: closeCode, text } = describe(cause);
  const server = `the server at ${url.href}`;
  if ((closeCode !== null && REFUSALS.includes(closeCode)) || /Unexpected server response: 401/u.test(text)) {
    return new VerbatimError('UNAUTHENTICATED', `${server} refuses the connection: its token is missing or wrong`);
  }
  if (/Unexpected server response: 403/u.test(text)) {
    return new VerbatimError('FORBIDDEN', `${server} refuses connections by this name, or from this place`);
  }
  if (closeCode === MESSAGE_TOO_BIG) {
    return new VerbatimError('AUDIO_TOO_LARGE', `a message is too large for ${server}: set smaller chunks`);
  }
  return wasOpen
    ? new VerbatimError('CONNECTION_LOST', `the connection to ${server} was lost (${text})`, { closeCode, cause })
    : new VerbatimError('UNREACHABLE', `there is no Verbatim server at ${url.href} (${text})`, { closeCode, cause });
}

/** Close events have a code and a reason; `ws` reports errors as events that carry a message, and browsers say nothing. */
function describe(cause: unknown): { code: number | null; text: string } {
  if (typeof cause !== 'object' || cause === null) return { code: null, text: 'no reason given' };
  const code = 'code' in cause && typeof cause.code === 'number' ? cause.code : null;
  const reason = 'reason' in cause && typeof cause.reason === 'string' ? cause.reason : '';
  if (code !== null) return { code, text: `${code} ${reason}`.trim() };
  const message = 'message' in cause && typeof cause.message === 'string' ? cause.message : '';
  return { code, text: message === '' ? 'it cannot be reached' : message };
}

function asError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause), { cause });
}
