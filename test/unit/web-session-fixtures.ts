import { Client, CombinedError, makeResult, type Operation } from 'urql';
import { filter, fromAsyncIterable, mergeMap, pipe, share, takeUntil, type Source } from 'wonka';

/** What a server does when it is asked: data, one after another; a refusal; or the loss of the connection. */
export type Answer = { readonly data: unknown } | { readonly code: string } | 'lost';

/** An API client of the page whose server answers as `answer` says, which is asked by the operation's name. */
export function clientThat(
  answer: (name: string, variables: Readonly<Record<string, unknown>>) => AsyncIterable<Answer>,
): { client: Client; open: () => number } {
  let open = 0;
  const client = new Client({
    url: 'http://server.example/graphql',
    requestPolicy: 'network-only',
    preferGetMethod: false,
    exchanges: [
      () => (incoming) => {
        const operations = pipe(incoming, share);
        return pipe(
          operations,
          filter((operation) => operation.kind !== 'teardown'),
          mergeMap((operation) => {
            if (operation.kind === 'subscription') open += 1;
            const isOver = pipe(
              operations,
              filter(({ kind, key }) => kind === 'teardown' && key === operation.key),
              filter(() => {
                if (operation.kind === 'subscription') open -= 1;
                return true;
              }),
            );
            return pipe(resultsOf(operation, answer), takeUntil(isOver));
          }),
        );
      },
    ],
  });
  return { client, open: () => open };
}

function resultsOf(
  operation: Operation,
  answer: (name: string, variables: Readonly<Record<string, unknown>>) => AsyncIterable<Answer>,
): Source<ReturnType<typeof makeResult>> {
  const [definition] = operation.query.definitions.filter((one) => one.kind === 'OperationDefinition');
  const name = definition !== undefined && 'name' in definition ? (definition.name?.value ?? '') : '';
  async function* results() {
    for await (const one of answer(name, operation.variables as Record<string, unknown>)) {
      if (one !== 'lost' && 'data' in one) {
        yield makeResult(operation, { data: one.data as Record<string, unknown> });
        continue;
      }
      const error =
        one === 'lost'
          ? new CombinedError({ networkError: new Error('The connection is lost') })
          : new CombinedError({ graphQLErrors: [{ message: 'Refused', extensions: { code: one.code } }] });
      yield { ...makeResult(operation, { data: undefined }), error };
    }
  }
  return fromAsyncIterable(results());
}
