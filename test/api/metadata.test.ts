import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeOf } from '../support/graphql-client.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const START = 'mutation ($input: StartSessionInput!) { startSession(input: $input) { session { id metadata } } }';

describe('metadata', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer();
  });
  afterAll(() => server.stop());

  it.each([
    { value: true },
    { value: false },
    { value: '' },
    { value: '1' },
    { value: 'null' },
    { value: [] },
    { value: [1e308] },
    { value: {} },
    { value: { a: null } },
  ])('may be $value: the session, and lists that it is in, give it back as it is', async ({ value: metadata }) => {
    const { startSession } = await server.client.data<{ startSession: { session: { id: string; metadata: unknown } } }>(
      START,
      { input: { metadata } },
    );
    expect(startSession.session.metadata).toEqual(metadata);
    const { sessions } = await server.client.data<{
      sessions: { edges: { node: { id: string; metadata: unknown } }[] };
    }>('{ sessions(first: 1) { edges { node { id metadata } } } }');
    expect(sessions.edges).toEqual([{ node: startSession.session }]);
    const { id } = startSession.session;
    await server.client.data('mutation ($id: ID!) { endSession(input: { sessionId: $id }) { session { id } } }', {
      id,
    });
    const stored = await server.client.data('query ($id: ID!) { session(id: $id) { id metadata } }', { id });
    expect(stored).toEqual({ session: { id, metadata } });
  });

  it.each([0, -1.5, 2 ** 53])(
    'is refused when it is the number %d alone, which would break the lists',
    async (metadata) => {
      expect(codeOf(await server.client.request(START, { input: { metadata } }))).toBe('BAD_USER_INPUT');
    },
  );

  it.each([{ value: '\ud800' }, { value: { a: ['x\udfff'] } }, { value: { '\udc00': 1 } }])(
    'is refused with half a character in it, which the database can’t store: $value',
    async ({ value: metadata }) => {
      expect(codeOf(await server.client.request(START, { input: { metadata } }))).toBe('BAD_USER_INPUT');
    },
  );
});
