import { rawRequest } from './http.ts';
import { RawSocket } from './raw-socket.ts';

/** What a client is told of a request that was refused. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly status?: number;
}

/** The ways to send an operation, each of which gives the refusal that it is answered with. @throws when it is taken. */
export interface Doors {
  readonly http: SendOperation;
  readonly socket: SendOperation;
  /** A body to a path of the server, as it is. */
  readonly post: (path: string, body: Buffer | string, headers?: Record<string, string>) => Promise<Refusal>;
}
type SendOperation = (query: string, variables?: object) => Promise<Refusal>;

const JSON_TYPE = { 'content-type': 'application/json' };

export async function openDoors(url: string): Promise<Doors & { close(): void }> {
  const socket = await new RawSocket(url).open();
  let lastId = 0;
  const post = async (path: string, body: Buffer | string, headers: Record<string, string> = JSON_TYPE) => {
    const response = await rawRequest(url + path, { method: 'POST', headers, body });
    return { ...refusalIn(JSON.parse(response.body)), status: response.status };
  };
  return {
    post,
    http: (query, variables = {}) => post('/graphql', JSON.stringify({ query, variables })),
    socket: async (query, variables = {}) => {
      const id = String((lastId += 1));
      socket.subscribe(id, query, variables);
      const answer = await socket.received((message) => message.id === id);
      return refusalIn(Array.isArray(answer.payload) ? { errors: answer.payload } : answer.payload);
    },
    close: () => socket.socket.close(),
  };
}

interface ToldError {
  readonly message: string;
  readonly code?: string;
  readonly extensions?: { readonly code: string };
}

/** Refused requests have one `error`, operations have `errors`, of which the first counts. */
function refusalIn(answer: unknown): Refusal {
  const { error, errors = [] } = answer as { error?: ToldError; errors?: ToldError[] };
  const told = error ?? errors[0];
  if (told === undefined) throw new Error(`Not refused: ${JSON.stringify(answer).slice(0, 500)}`);
  return { code: told.code ?? told.extensions?.code ?? 'no code', message: told.message };
}
