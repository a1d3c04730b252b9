import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { codeOf } from '../support/graphql-client.ts';
import { rawRequest } from '../support/http.ts';
import { START } from '../support/operations.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { until } from '../support/wait.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

/** A list in a list in a list …, so many levels deep. */
function nested(levels: number): unknown {
  return JSON.parse('['.repeat(levels) + ']'.repeat(levels));
}

describe('a malformed request is a bad request, and never a failure of the server', () => {
  it.each(['variables=[', 'variables=[1]', 'variables=1', 'extensions=x'])(
    'a query by GET with %s',
    async (parameter) => {
      const { status, body } = await rawRequest(`${server.url}/graphql?query={__typename}&${parameter}`, {});
      expect(status).toBe(400);
      expect(JSON.parse(body)).toMatchObject({ error: { code: 'BAD_USER_INPUT' } });
    },
  );

  it('a Host header with a port that there is not', async () => {
    const headers = { host: '127.0.0.1:99999', accept: 'text/plain' };
    const { status, body } = await rawRequest(`${server.url}/graphql?query={__typename}`, { headers });
    expect(status).toBe(403);
    expect(JSON.parse(body)).toMatchObject({ error: { code: 'FORBIDDEN' } });
  });

  it.each(['connection_ack', 'next', 'error'])('a message over WebSocket that only servers send: %s', async (type) => {
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
    let closedWith: number | null = null;
    socket.on('close', (code) => {
      closedWith = code;
    });
    socket.on('open', () => {
      socket.send('{"type":"connection_init"}');
      socket.send(JSON.stringify({ type, id: '1', payload: type === 'error' ? [{ message: 'x' }] : { data: {} } }));
    });
    expect(await until(() => closedWith)).toBe(4400);
  });

  it.each([101, 100_000])('metadata of %d levels', async (levels) => {
    // Written by hand: what is too deep for the server to write is too deep for the test.
    const body = JSON.stringify({ query: START, variables: { input: { metadata: 0 } } });
    const { status, body: answer } = await rawRequest(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: body.replace('"metadata":0', `"metadata":${'['.repeat(levels)}${']'.repeat(levels)}`),
    });
    expect(status).toBe(200);
    expect(codeOf(JSON.parse(answer))).toBe('BAD_USER_INPUT');
  });

  it('whereas metadata of 100 levels is kept', async () => {
    const query = 'mutation ($input: StartSessionInput!) { startSession(input: $input) { session { metadata } } }';
    const metadata = nested(100);
    expect(await server.client.data(query, { input: { metadata } })).toEqual({
      startSession: { session: { metadata } },
    });
  });

  it.each([
    ['sessions', 'titleContains'],
    ['segments', 'textContains'],
  ])('%s that contain more than anybody searches for', async (list, condition) => {
    const query = `query ($text: String) { ${list}(filter: { ${condition}: $text }) { edges { cursor } } }`;
    expect(codeOf(await server.client.request(query, { text: '%'.repeat(30_000) }))).toBe('BAD_USER_INPUT');
    expect(await server.client.data(query, { text: '%'.repeat(1_000) })).toEqual({ [list]: { edges: [] } });
  });
});
