import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { GraphqlClient } from '../support/graphql-client.ts';
import { rawRequest, type RawResponse } from '../support/http.ts';
import { startSession } from '../support/operations.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const TOKEN = 'correct-horse-battery-staple';
const FRIEND = 'https://captions.example';
const UPGRADE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-protocol': 'graphql-transport-ws',
};
const QUERY = JSON.stringify({ query: '{ __typename }' });
const JSON_BODY = { 'content-type': 'application/json' };

let open: TestServer;
let guarded: TestServer;
beforeAll(async () => {
  open = await startTestServer({ allowedOrigins: [FRIEND] });
  guarded = await startTestServer({ authToken: TOKEN, allowedOrigins: [FRIEND] });
});
afterAll(async () => {
  await open.stop();
  await guarded.stop();
});

interface DoorUnderTest {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
}

/** Every way into the server. */
const DOORS: readonly DoorUnderTest[] = [
  { name: 'GraphQL by POST', method: 'POST', path: '/graphql', headers: JSON_BODY, body: QUERY },
  { name: 'GraphQL by GET', method: 'GET', path: '/graphql?query={__typename}', headers: {} },
  {
    name: 'server-sent events',
    method: 'POST',
    path: '/graphql',
    headers: { ...JSON_BODY, accept: 'text/event-stream' },
    body: JSON.stringify({ query: 'subscription { segmentAdded(sessionId: "x") { id } }' }),
  },
  { name: 'the WebSocket', method: 'GET', path: '/graphql', headers: UPGRADE },
  {
    name: 'raw audio',
    method: 'POST',
    path: '/sessions/x/audio?sequence=0',
    headers: { 'content-type': 'application/octet-stream' },
    body: 'x',
  },
  { name: 'GraphiQL', method: 'GET', path: '/graphql', headers: { accept: 'text/html', 'accept-encoding': 'gzip' } },
  { name: 'pages', method: 'GET', path: '/', headers: {} },
  { name: 'the health probe', method: 'GET', path: '/health', headers: {} },
  { name: 'the readiness probe', method: 'GET', path: '/ready', headers: {} },
  { name: 'what is not there', method: 'GET', path: '/nothing-here', headers: {} },
];
const DATA_DOORS = DOORS.slice(0, 5).filter(({ name }) => name !== 'the WebSocket');

function knock(server: TestServer, door: DoorUnderTest, headers: Record<string, string>): Promise<RawResponse> {
  return rawRequest(server.url + door.path, {
    method: door.method,
    headers: { ...door.headers, ...headers },
    body: door.body,
  });
}

function errorCode({ body }: RawResponse): unknown {
  return (JSON.parse(body) as { error: { code: string } }).error.code;
}

describe.each(DOORS)('the door of $name', (door) => {
  it('is closed to a name that is not an address of the server (DNS rebinding)', async () => {
    for (const host of [
      'attacker.example',
      '127.0.0.1.attacker.example',
      'localhost.attacker.example:4000',
      '10.0.0.1',
    ]) {
      const response = await knock(open, door, { host });
      expect(response.status).toBe(403);
      expect(errorCode(response)).toBe('FORBIDDEN');
    }
  });

  it('is closed to pages of other origins', async () => {
    for (const origin of ['https://attacker.example', 'null', 'http://127.0.0.1:1', `${FRIEND}.attacker.example`]) {
      const response = await knock(open, door, { origin });
      expect(response.status).toBe(403);
      expect(errorCode(response)).toBe('FORBIDDEN');
      expect(response.headers['access-control-allow-origin']).toBeUndefined();
    }
  });

  it('is closed to requests that pages of other sites make without an origin', async () => {
    const response = await knock(open, door, { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' });
    expect(response.status).toBe(403);
  });

  it('is open to its own pages, to allowed origins and to programs', async () => {
    const usual = await knock(open, door, {});
    expect(usual.status).not.toBe(403);
    const own = await knock(open, door, { origin: open.url, 'sec-fetch-site': 'same-origin' });
    expect(own.status).toBe(usual.status);
    const friend = await knock(open, door, { origin: FRIEND, 'sec-fetch-site': 'cross-site' });
    expect(friend.status).toBe(usual.status);
    // An upgraded connection is no answer that a browser would show to a page.
    const shownTo = friend.status === 101 ? FRIEND : friend.headers['access-control-allow-origin'];
    expect(shownTo).toBe(FRIEND);
  });
});

describe('links from other sites', () => {
  it('lead to pages, but not to data', async () => {
    const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
    expect((await rawRequest(`${open.url}/graphql`, { headers: { ...link, accept: 'text/html' } })).status).toBe(200);
    const data = await rawRequest(`${open.url}/graphql?query={__typename}`, { headers: link });
    expect(data.status).toBe(403);
  });
});

describe('cross-origin requests', () => {
  it('are announced and permitted for allowed origins only', async () => {
    const preflight = (origin: string) =>
      rawRequest(`${guarded.url}/graphql`, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
      });
    const friend = await preflight(FRIEND);
    expect(friend.status).toBe(204);
    expect(friend.headers).toMatchObject({
      'access-control-allow-origin': FRIEND,
      'access-control-allow-headers': 'authorization, content-type',
      vary: 'origin',
    });
    expect((await preflight('https://attacker.example')).status).toBe(403);
  });

  it('that need no announcement are refused, and so are mutations by GET', async () => {
    for (const contentType of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      '',
    ]) {
      const headers: Record<string, string> = contentType === '' ? {} : { 'content-type': contentType };
      const graphql = await rawRequest(`${open.url}/graphql`, { method: 'POST', headers, body: QUERY });
      expect(graphql.status).toBe(415);
      const audio = await rawRequest(`${open.url}/sessions/x/audio?sequence=0`, { method: 'POST', headers, body: 'x' });
      expect(audio.status).toBe(415);
    }
    const query = encodeURIComponent('mutation { startSession(input: {}) { session { id } } }');
    expect((await rawRequest(`${open.url}/graphql?query=${query}`, {})).status).toBe(405);
  });
});

describe('with AUTH_TOKEN', () => {
  it.each(DATA_DOORS)('$name asks for the token', async (door) => {
    for (const authorization of [
      '',
      'Bearer',
      'Bearer wrong',
      `Bearer ${TOKEN}x`,
      `Bearer ${TOKEN.slice(1)}`,
      `Basic ${TOKEN}`,
    ]) {
      const response = await knock(guarded, door, authorization === '' ? {} : { authorization });
      expect(response.status).toBe(401);
      expect(errorCode(response)).toBe('UNAUTHENTICATED');
      expect(response.headers['www-authenticate']).toBe('Bearer');
      expect(response.body).not.toContain(TOKEN);
    }
    const admitted = await knock(guarded, door, { authorization: `Bearer ${TOKEN}` });
    expect(admitted.status).not.toBe(401);
  });

  it('probes and pages stay open: they hold no data', async () => {
    for (const door of DOORS.slice(5, 9)) expect((await knock(guarded, door, {})).status).not.toBe(401);
  });

  it('a WebSocket is closed with 4403 unless its first message has the token', async () => {
    const closeCode = (connectionParams: Record<string, unknown>) =>
      new Promise<unknown>((resolve) => {
        const client = createClient({
          url: `${guarded.url.replace('http', 'ws')}/graphql`,
          webSocketImpl: WebSocket,
          retryAttempts: 0,
          lazy: false,
          connectionParams,
          onNonLazyError: () => undefined,
          on: {
            closed: (event) => resolve((event as { code: number }).code),
            connected: () => {
              resolve('connected');
              void client.dispose();
            },
          },
        });
      });
    expect(await closeCode({})).toBe(4403);
    expect(await closeCode({ authorization: 'Bearer wrong' })).toBe(4403);
    expect(await closeCode({ authorization: 17 })).toBe(4403);
    expect(await closeCode({ authorization: `Bearer ${TOKEN}` })).toBe('connected');
    expect(await closeCode({ authorization: TOKEN })).toBe('connected');
    expect(await closeCode({ Authorization: `Bearer ${TOKEN}` })).toBe('connected');
  });

  it('everything works for those who have it', async () => {
    const id = await startSession(guarded.client);
    const anonymous = new GraphqlClient(guarded.url);
    const query = `{ session(id: "${id}") { id } }`;
    expect(await guarded.client.data(query)).toEqual({ session: { id } });
    expect(await anonymous.request(query)).toMatchObject({ error: { code: 'UNAUTHENTICATED' } });
  });
});
