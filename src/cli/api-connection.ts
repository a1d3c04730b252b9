import { CloseCode, createClient, type Client } from 'graphql-ws';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { ApiError, CommandLineError, ConnectionLostError } from './errors.ts';

/** Where a server is, and what it wants to see before it answers. */
export interface ServerAddress {
  /** Of its GraphQL endpoint, `http:` or `https:`. */
  readonly url: URL;
  readonly token: string | null;
}

/** A socket that answers no ping within this time is taken for dead, in milliseconds. */
const PING_INTERVAL_MS = 10_000;
const PONG_TIMEOUT_MS = 10_000;
const ACKNOWLEDGE_TIMEOUT_MS = 10_000;

/** Close codes of a server that will not change its mind. */
const REFUSALS: readonly number[] = [CloseCode.Unauthorized, CloseCode.Forbidden];

const closeEvent = z.object({ code: z.number(), reason: z.string() });
const graphqlErrors = z.array(
  z.object({
    message: z.string(),
    extensions: z.object({ code: z.string().optional(), retryAfterMs: z.number().optional() }).optional(),
  }),
);

/**
 * One WebSocket to the GraphQL API (graphql-transport-ws). It never reconnects by itself: what to send again, and from
 * where to resume, only its user knows.
 */
export class ApiConnection {
  readonly #client: Client;
  #isOver = false;

  private constructor(client: Client) {
    this.#client = client;
    client.on('closed', () => {
      this.#isOver = true;
    });
  }

  /**
   * @throws ConnectionLostError when the server cannot be reached
   * @throws CommandLineError when it refuses the connection for good
   */
  static open({ url, token }: ServerAddress): Promise<ApiConnection> {
    const socketUrl = new URL(url);
    socketUrl.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    return new Promise((resolve, reject) => {
      let overdue: NodeJS.Timeout | undefined;
      const client = createClient({
        url: socketUrl.href,
        webSocketImpl: WebSocket,
        lazy: false,
        retryAttempts: 0,
        connectionAckWaitTimeout: ACKNOWLEDGE_TIMEOUT_MS,
        keepAlive: PING_INTERVAL_MS,
        ...(token !== null && { connectionParams: { authorization: `Bearer ${token}` } }),
        onNonLazyError: (error) => reject(connectionError(error, url)),
        on: {
          connected: () => resolve(new ApiConnection(client)),
          ping: (received) => {
            if (!received) overdue = setTimeout(() => client.terminate(), PONG_TIMEOUT_MS);
          },
          pong: (received) => {
            if (received) clearTimeout(overdue);
          },
          closed: () => clearTimeout(overdue),
        },
      });
    });
  }

  /**
   * Runs a query or mutation. Requests are sent in the order of the calls.
   * @throws ApiError, ConnectionLostError
   */
  async request<T>(document: string, variables: Record<string, unknown>, answer: z.ZodType<T>): Promise<T> {
    const answers: T[] = [];
    await this.subscribe(document, variables, answer, (value) => answers.push(value));
    const [first] = answers;
    if (first === undefined) throw new ConnectionLostError('the server gave no answer');
    return first;
  }

  /**
   * Runs a subscription; resolves when the server completes it.
   * @param onItem what it throws ends the subscription and is thrown on.
   * @throws ApiError, ConnectionLostError
   */
  subscribe<T>(
    document: string,
    variables: Record<string, unknown>,
    item: z.ZodType<T>,
    onItem: (item: T) => void,
  ): Promise<void> {
    // Asked again, the library would open another socket, of which the present operations know nothing.
    if (this.#isOver) return Promise.reject(new ConnectionLostError('the connection to the server is lost'));
    return new Promise((resolve, reject) => {
      const unsubscribe = this.#client.subscribe(
        { query: document, variables },
        {
          next: ({ data, errors }) => {
            try {
              if (errors !== undefined) throw apiError(errors);
              onItem(item.parse(data));
            } catch (error) {
              reject(asError(error));
              unsubscribe();
            }
          },
          error: (error) => reject(Array.isArray(error) ? apiError(error) : connectionError(error)),
          complete: () => resolve(),
        },
      );
    });
  }

  async close(): Promise<void> {
    await this.#client.dispose();
  }
}

function apiError(errors: unknown): Error {
  const parsed = graphqlErrors.safeParse(errors);
  const first = parsed.data?.[0];
  if (first === undefined) return new ApiError('the server answered with an error that it did not describe', null);
  return new ApiError(first.message, first.extensions?.code ?? null, first.extensions?.retryAfterMs ?? null);
}

/** What ended a connection: for good when the server said so, else worth another try. */
function connectionError(cause: unknown, url?: URL): Error {
  const at = url === undefined ? '' : ` at ${url.href}`;
  const closed = closeEvent.safeParse(cause);
  if (closed.success) {
    const { code, reason } = closed.data;
    if (REFUSALS.includes(code)) return refused(at);
    return new ConnectionLostError(`the server${at} closed the connection (${[code, reason].join(' ').trim()})`);
  }
  const message = asError(cause).message;
  if (/Unexpected server response: 40[13]/u.test(message)) return refused(at);
  return new ConnectionLostError(`there is no Verbatim server${at} (${message})`);
}

function refused(at: string): Error {
  return new CommandLineError(
    `the server${at} refuses the connection: give its token with --token, or in the variable AUTH_TOKEN`,
  );
}

/** `ws` reports errors as events that carry a message. */
function asError(cause: unknown): Error {
  if (cause instanceof Error) return cause;
  const event = z.object({ message: z.string() }).safeParse(cause);
  return new Error(event.data?.message ?? 'unknown error', { cause });
}
