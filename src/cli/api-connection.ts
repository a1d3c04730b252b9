import { WebSocket } from 'ws';
import type { z } from 'zod';
import { Connection, type ServerAddress } from '../client/connection.ts';
import { VerbatimError } from '../client/errors.ts';
import { CommandLineError } from './errors.ts';

/** One connection to the GraphQL API, with answers of any shape. */
export class ApiConnection {
  readonly #connection: Connection;

  private constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** @throws CommandLineError when the server refuses the connection; VerbatimError when it cannot be reached */
  static async open(address: ServerAddress): Promise<ApiConnection> {
    try {
      return new ApiConnection(await Connection.open(address, { webSocket: WebSocket }));
    } catch (error) {
      throw withAdvice(error, address);
    }
  }

  /**
   * Runs a query or mutation. Requests are sent in the order of the calls.
   * @throws VerbatimError
   */
  request<T>(document: string, variables: Record<string, unknown>, answer: z.ZodType<T>): Promise<T> {
    return this.#connection.request(document, variables, (data) => answer.parse(data.value));
  }

  /**
   * Runs a subscription; resolves when the server completes it.
   * @param onItem what it throws ends the subscription and is thrown on.
   * @throws VerbatimError
   */
  subscribe<T>(
    document: string,
    variables: Record<string, unknown>,
    item: z.ZodType<T>,
    onItem: (item: T) => void,
  ): Promise<void> {
    return this.#connection.subscribe(document, variables, (data) => item.parse(data.value), onItem);
  }

  close(): void {
    this.#connection.close();
  }
}

/** The same error, or one that says what to do at the command line. */
export function withAdvice(error: unknown, { url }: ServerAddress): unknown {
  if (!(error instanceof VerbatimError) || error.code !== 'UNAUTHENTICATED') return error;
  return new CommandLineError(
    `the server at ${url.href} refuses the connection: give its token with --token, or in the variable AUTH_TOKEN`,
    { cause: error },
  );
}
