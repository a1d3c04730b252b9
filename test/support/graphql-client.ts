import { createClient, type Client, type FormattedExecutionResult } from 'graphql-ws';
import { WebSocket } from 'ws';

interface GraphqlFailure {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions: Readonly<Record<string, unknown>> & { readonly code: string };
}

/** The result of an operation, as it came. `Data` is what the test's own document asks for. */
export interface GraphqlResult<Data> {
  readonly data?: Data | null;
  readonly errors?: readonly GraphqlFailure[];
}

/** A plain client of the API: HTTP for operations, one WebSocket for those that shall go over it. */
export class GraphqlClient {
  readonly #url: string;
  readonly #token: string | null;
  #socket: Client | null = null;

  constructor(url: string, token: string | null = null) {
    this.#url = url;
    this.#token = token;
  }

  /** The result of an operation over HTTP. */
  async request<Data>(query: string, variables: object = {}): Promise<GraphqlResult<Data>> {
    const response = await fetch(`${this.#url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...this.#headers },
      body: JSON.stringify({ query, variables }),
    });
    // What comes is what the document of the test asked for; its assertions look at the rest.
    return (await response.json()) as GraphqlResult<Data>;
  }

  /** The data of an operation over HTTP. @throws when it has errors. */
  async data<Data>(query: string, variables: object = {}): Promise<Data> {
    return dataOf(await this.request<Data>(query, variables));
  }

  /** The result of one operation over the WebSocket. */
  async overSocket<Data>(query: string, variables: object = {}): Promise<GraphqlResult<Data>> {
    for await (const result of this.results<Data>(query, variables)) return result;
    throw new Error('The operation ended without a result');
  }

  /** The results of an operation over the WebSocket, as they come; leaving the loop ends a subscription. */
  results<Data>(query: string, variables: object = {}): AsyncIterableIterator<GraphqlResult<Data>> {
    const results = this.socket.iterate<Data>({ query, variables: { ...variables } });
    return results as AsyncIterableIterator<FormattedExecutionResult<Data> & GraphqlResult<Data>>;
  }

  /** What a subscription delivers, until it completes. @throws when a result has errors. */
  async *events<Data>(query: string, variables: object = {}): AsyncGenerator<Data, void> {
    for await (const result of this.results<Data>(query, variables)) yield dataOf(result);
  }

  get socket(): Client {
    this.#socket ??= createClient({
      url: `${this.#url.replace(/^http/u, 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
      connectionParams: this.#token === null ? {} : { authorization: `Bearer ${this.#token}` },
    });
    return this.#socket;
  }

  async dispose(): Promise<void> {
    await this.#socket?.dispose();
  }

  get #headers(): Record<string, string> {
    return this.#token === null ? {} : { authorization: `Bearer ${this.#token}` };
  }
}

/** @throws when there are errors. */
export function dataOf<Data>({ data, errors }: GraphqlResult<Data>): Data {
  if (errors !== undefined) throw new Error(`The operation failed: ${JSON.stringify(errors)}`);
  if (data === undefined || data === null) throw new Error('The operation gave no data');
  return data;
}

/** The code of an operation's only error. @throws when it has none or several. */
export function codeOf({ errors }: GraphqlResult<unknown>): string {
  const [error, ...others] = errors ?? [];
  if (error === undefined || others.length > 0) throw new Error(`Not one error: ${JSON.stringify(errors)}`);
  return error.extensions.code;
}
