import { exchange, type HttpAnswer } from './http-exchange.ts';
import { anyOperation, jsonOf, type AnyOperation } from './graphql-documents.ts';
import { GraphqlSocket } from './graphql-socket.ts';
import { judgeHttp, judgeResult } from './oracle.ts';
import type { Random } from './random.ts';
import type { Target, TargetContext } from './target.ts';

const SOCKETS = 4;

/** GraphQL documents and variables, most of them over WebSockets, some over HTTP in each of its ways. */
export function graphqlTarget({ url, port, known }: TargetContext): Target {
  const sockets = Array.from({ length: SOCKETS }, () => new GraphqlSocket(url));
  return {
    attack: async (random, describe) => {
      const operation = anyOperation(known, random);
      describe(operation.kind);
      if (random.chance(0.3))
        return (await overHttp(port, operation, random)).map(({ status, body }) => judgeHttp(status, body));
      const goesOn = /subscription/u.test(operation.query);
      const results = await random.pick(sockets).run(jsonOf(operation), { goesOn });
      return results.length === 0 ? ['no result'] : results.map(judgeResult);
    },
    close: () => {
      for (const socket of sockets) socket.close();
    },
  };
}

function overHttp(port: number, operation: AnyOperation, random: Random): Promise<HttpAnswer[]> {
  const accept = random.pick([
    '*/*',
    '*/*',
    'application/json',
    'application/graphql-response+json',
    'multipart/mixed',
    'text/event-stream',
    'text/plain',
    'application/json;q=0.1, text/event-stream;q=0.9',
    '',
  ]);
  const head = `host: 127.0.0.1\r\nconnection: close\r\naccept: ${accept}\r\n`;
  if (random.chance(0.2)) {
    const query = new URLSearchParams({ query: operation.query.slice(0, 4_000) });
    if (operation.variables !== undefined) query.set('variables', JSON.stringify(operation.variables).slice(0, 4_000));
    const pieces = [`GET /graphql?${query} HTTP/1.1\r\n${head}\r\n`];
    return exchange(port, { pieces, ending: streams(accept, operation.query) ? 'finish' : 'answer' });
  }
  const body = Buffer.from(jsonOf(operation));
  const pieces = [
    `POST /graphql HTTP/1.1\r\n${head}content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`,
    body,
  ];
  return exchange(port, { pieces, ending: streams(accept, operation.query) ? 'finish' : 'answer' });
}

/** Whether the answer may be one that never ends. */
function streams(accept: string, query: string): boolean {
  return /subscription/u.test(query) && /event-stream|multipart/u.test(accept);
}
