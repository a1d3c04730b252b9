import type { z } from 'zod';
import { Connection } from '../client/connection.ts';
import { webSocketOf, withAdvice, type ServerDoor } from './server-door.ts';

/** One connection to the GraphQL API, with answers of any shape. */
export class ApiConnection {
  readonly #connection: Connection;

  private constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** @throws CommandLineError when the server refuses the connection; VerbatimError when it cannot be reached */
  static async open(server: ServerDoor): Promise<ApiConnection> {
    try {
      return new ApiConnection(await Connection.open(server, { webSocket: webSocketOf(server) }));
    } catch (error) {
      throw withAdvice(error, server);
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
