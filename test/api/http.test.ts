import { setTimeout as delay } from 'node:timers/promises';
import { serverAudits } from 'graphql-http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeGlobalId } from '../../src/schema/global-ids.ts';
import { dataOf } from '../support/graphql-client.ts';
import { rawRequest, type RawResponse } from '../support/http.ts';
import {
  endSession,
  SEGMENT_ADDED,
  sendChunks,
  speechChunks,
  startSession,
  type SegmentView,
} from '../support/operations.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ maxChunkBytes: 8_192 });
});
afterAll(() => server.stop());

describe('GraphQL over HTTP, as its specification asks', () => {
  // The list needs no server; the address is read when an audit runs.
  const audits = serverAudits({ url: () => `${server.url}/graphql` });
  it.each(audits)('$name', async (audit) => {
    const result = await audit.fn();
    expect(result.status === 'ok' ? '' : result.reason).toBe('');
  });
});

describe('GraphQL over HTTP', () => {
  it('refuses a body that is larger than any operation may be', async () => {
    const query = `{ __typename } # ${'x'.repeat(1_000_000)}`;
    const response = await rawRequest(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
    });
    expect(response.status).toBe(413);
  });

  it('refuses documents that are too long or nest too deeply, but not those that describe the schema', async () => {
    const deep = `{ sessions { edges { node { ${'segments { edges { node { session { '.repeat(4)} id ${'} } } }'.repeat(4)} } } } }`;
    const long = `{ ${Array.from({ length: 1_000 }, (_, index) => `a${index}: __typename `).join('')} }`;
    for (const query of [deep, long]) {
      const { errors } = await server.client.request(query);
      expect(errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
    }
    const fragments = `{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }`;
    expect((await server.client.request(fragments)).errors?.length).toBeGreaterThan(0);
    const type = `type { name ${'ofType { name '.repeat(9)} ${'}'.repeat(9)} }`;
    await server.client.data(`{ __schema { types { fields { args { ${type} } } } } }`);
  });

  it('delivers subscriptions as server-sent events, to their end', async () => {
    const { client, url } = server;
    const sessionId = await startSession(client);
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query: SEGMENT_ADDED, variables: { sessionId, fromStart: true } }),
    });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const watching = response.text();
    await sendChunks(client, sessionId, speechChunks(['alpha', 'bravo', { silenceMs: 1_000 }], 50));
    await endSession(client, sessionId);
    const events = await watching;
    expect(events).toContain('event: complete');
    const segments = [...events.matchAll(/^data: (\{.*\})$/gmu)].map(
      ([, data]) => dataOf<{ segmentAdded: SegmentView }>(JSON.parse(data ?? '')).segmentAdded,
    );
    expect(segments.filter(({ kind }) => kind === 'FINAL').map(({ text }) => text)).toEqual(['alpha bravo']);
  });
});

/** A POST with exactly this `Accept`. */
function post(accept: string, query: string, variables: object = {}): Promise<RawResponse> {
  return rawRequest(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept },
    body: JSON.stringify({ query, variables }),
  });
}

describe('the media type of an answer', () => {
  const json = 'application/json; charset=utf-8';
  const result = 'application/graphql-response+json; charset=utf-8';

  it.each([
    ['*/*', json],
    ['application/json', json],
    ['application/graphql-response+json', result],
    ['application/graphql-response+json, application/json;q=0.9', result],
    ['application/json, application/graphql-response+json', json],
    ['text/event-stream', 'text/event-stream'],
    ['application/json, text/event-stream', json],
  ])('is what the client accepts: %s', async (accept, type) => {
    const response = await post(accept, '{ __typename }');
    expect([response.status, response.headers['content-type']]).toEqual([200, type]);
  });

  it.each(['text/plain', 'image/png, text/css', 'application/graphql'])(
    'cannot be another one, which is said with a code: %s',
    async (accept) => {
      const { status, body } = await post(accept, '{ __typename }');
      expect(status).toBe(406);
      expect(JSON.parse(body)).toMatchObject({ error: { code: 'BAD_USER_INPUT' } });
    },
  );

  it.each(['application/graphql-response+json', 'application/json', '*/*', 'multipart/mixed'])(
    'must be a stream for subscriptions, which are refused when it is not: %s',
    async (accept) => {
      const { status, body } = await post(accept, SEGMENT_ADDED, { sessionId: await startSession(server.client) });
      // Those who take anything get the stream only when they ask for it.
      expect(status).toBe(400);
      expect(body).toContain('Accept: text/event-stream');
      expect(body).toContain('"code":"BAD_USER_INPUT"');
    },
  );

  it('decides about the status of a result without data: 400 in the new one, 200 in the old one', async () => {
    const query = 'query ($first: Int!) { sessions(first: $first) { edges { cursor } } }';
    for (const variables of [{}, { first: 'many' }]) {
      const strict = await post('application/graphql-response+json', query, variables);
      const old = await post('application/json', query, variables);
      expect([strict.status, old.status]).toEqual([400, 200]);
      for (const { body } of [strict, old])
        expect(JSON.parse(body)).toMatchObject({ errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] });
      expect(strict.body).toContain('Variable \\"$first\\"');
    }
  });
});

/** The events of a stream, as they stand in it. https://html.spec.whatwg.org/multipage/server-sent-events.html */
function eventsIn(stream: string): { event: string; data: unknown }[] {
  return stream
    .split('\n\n')
    .filter((block) => block !== '' && !block.startsWith(':'))
    .map((block) => {
      const [, event = '', data = ''] = /^event: (\w+)\ndata:(.*)$/u.exec(block) ?? [];
      return { event, data: data === '' ? null : JSON.parse(data) };
    });
}

// https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md, distinct connections mode
describe('server-sent events', () => {
  const stream = 'text/event-stream';

  it('carry the result of any operation as one event, then say that there is no more', async () => {
    const { status, headers, body } = await post(stream, '{ __typename }');
    expect([status, headers['content-type'], headers['cache-control']]).toEqual([200, stream, 'no-cache']);
    expect(eventsIn(body)).toEqual([
      { event: 'next', data: { data: { __typename: 'Query' } } },
      { event: 'complete', data: null },
    ]);
    const started = await post(stream, 'mutation { startSession(input: {}) { session { status } } }');
    expect(eventsIn(started.body)[0]?.data).toEqual({ data: { startSession: { session: { status: 'ACTIVE' } } } });
  });

  it('answer queries by GET, as browsers ask', async () => {
    const query = encodeURIComponent('{ __typename }');
    const { status, body } = await rawRequest(`${server.url}/graphql?query=${query}`, { headers: { accept: stream } });
    expect([status, eventsIn(body).map(({ event }) => event)]).toEqual([200, ['next', 'complete']]);
  });

  it.each([
    ['a syntax error', 'subscription {', {}, 'BAD_USER_INPUT'],
    ['a field that there is not', 'subscription { nothing }', {}, 'BAD_USER_INPUT'],
    ['a variable that is missing', SEGMENT_ADDED, {}, 'BAD_USER_INPUT'],
    ['an id that is none', SEGMENT_ADDED, { sessionId: 'x' }, 'BAD_USER_INPUT'],
    [
      'a cursor that is none',
      SEGMENT_ADDED,
      { sessionId: encodeGlobalId('Session', 'x'), after: 'x' },
      'BAD_USER_INPUT',
    ],
    ['a session that there is not', SEGMENT_ADDED, { sessionId: encodeGlobalId('Session', 'x') }, 'NOT_FOUND'],
  ])('tell what is wrong before anything is streamed, since browsers do not show a refusal: %s', async (...row) => {
    const [, query, variables, code] = row;
    const { status, headers, body } = await post(stream, query, variables);
    expect([status, headers['content-type']]).toEqual([200, stream]);
    expect(eventsIn(body)).toMatchObject([
      { event: 'next', data: { errors: [{ extensions: { code } }] } },
      { event: 'complete', data: null },
    ]);
  });
});

describe('an event stream', () => {
  it('that has nothing to say for longer than a slow reader may take is not broken off', async () => {
    const slowReaderLimitMs = 200;
    const strict = await startTestServer({ slowReaderLimitMs });
    try {
      const sessionId = await startSession(strict.client);
      const response = await fetch(`${strict.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
        body: JSON.stringify({ query: SEGMENT_ADDED, variables: { sessionId, fromStart: true } }),
      });
      const watching = response.text();
      await Promise.race([watching, delay(5 * slowReaderLimitMs)]);
      await endSession(strict.client, sessionId);
      const text = await watching;
      // Comments meanwhile, so that proxies do not take it for dead.
      expect(text.split('\n\n').filter((block) => block === ':').length).toBeGreaterThan(1);
      expect(eventsIn(text).at(-1)).toEqual({ event: 'complete', data: null });
    } finally {
      await strict.stop();
    }
  });
});

describe('probes', () => {
  it('tell that the server is alive and ready, part by part', async () => {
    const health = await fetch(`${server.url}/health`);
    expect([health.status, await health.json()]).toEqual([200, { status: 'ok' }]);
    const ready = await fetch(`${server.url}/ready`);
    expect([ready.status, await ready.json()]).toEqual([
      200,
      { status: 'ready', checks: { accepting: true, database: true, recogniser: true, writer: true } },
    ]);
  });
});

describe('GraphiQL', () => {
  it('is one page without anything from elsewhere, compressed, and kept by the browser', async () => {
    const headers = { accept: 'text/html,*/*', 'accept-encoding': 'gzip' };
    const response = await fetch(`${server.url}/graphql`, { headers });
    expect(response.headers.get('content-encoding')).toBe('gzip');
    const html = await response.text();
    expect(html).toContain('YogaGraphiQL.renderYogaGraphiQL');
    expect(html).toContain('mutation StartSession {');
    expect(html).not.toMatch(/<(script|link)[^>]+(src|href)="https?:/u);
    const etag = response.headers.get('etag') ?? '';
    const again = await fetch(`${server.url}/graphql`, { headers: { ...headers, 'if-none-match': etag } });
    expect(again.status).toBe(304);
    const plain = await rawRequest(`${server.url}/graphql`, { headers: { accept: 'text/html' } });
    expect(plain.headers['content-encoding']).toBeUndefined();
    expect(plain.body).toBe(html);
  });
});

describe('pages', () => {
  it('are the web app at each of its places, with a policy that lets in nothing from elsewhere', async () => {
    for (const path of ['/', '/live', '/dashboard', '/analytics', '/sessions/U2Vzc2lvbjpub3doZXJl']) {
      const response = await fetch(server.url + path);
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toContain('text/html');
      expect(response.headers.get('cache-control')).toBe('no-cache');
      const policy = response.headers.get('content-security-policy');
      expect(policy).toContain("default-src 'none'");
      expect(policy).not.toContain('unsafe');
      const html = await response.text();
      expect(html).toContain('<div id="app">');
      expect(html).not.toMatch(/<script(?![^>]* src="\/assets\/)|<style|(src|href)="(https?:)?\/\//u);
    }
  });

  it('have scripts that browsers keep for good, compressed where that is wanted', async () => {
    const html = await (await fetch(server.url)).text();
    const script = /<script[^>]* src="([^"]+)"/u.exec(html)?.[1] ?? '';
    const response = await rawRequest(server.url + script, { headers: { 'accept-encoding': 'gzip' } });
    expect(response.status).toBe(200);
    expect(response.headers).toMatchObject({
      'content-encoding': 'gzip',
      'content-type': 'text/javascript; charset=utf-8',
    });
    expect(response.headers['cache-control']).toContain('immutable');
    const plain = await fetch(server.url + script, { headers: { 'accept-encoding': 'identity' } });
    expect(plain.headers.get('content-encoding')).toBeNull();
    expect(await plain.text()).toContain('/dashboard');
  });

  it('are not at other places, and do not lead out of their folder', async () => {
    const outside = [
      '/../package.json',
      '/%2e%2e/package.json',
      '/..%2fpackage.json',
      '/.env',
      '/assets/../../main.js',
    ];
    for (const path of [...outside, '/nothing', '/live/else', '/sessions', '/assets/nothing.js']) {
      const response = await rawRequest(server.url + path, {});
      expect(response.status).toBe(404);
      expect(JSON.parse(response.body)).toMatchObject({ error: { code: 'NOT_FOUND' } });
    }
  });

  it('tell a person who comes to a place that there is not, and find those that are written with a slash at the end', async () => {
    const asPerson = { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } };
    const nowhere = await rawRequest(`${server.url}/nowhere`, asPerson);
    expect([nowhere.status, nowhere.headers['content-type']]).toEqual([404, 'text/html; charset=utf-8']);
    expect(nowhere.headers['content-security-policy']).toContain("default-src 'none'");
    expect((await rawRequest(`${server.url}/dashboard/`, asPerson)).status).toBe(200);
    const picture = { headers: { ...asPerson.headers, 'sec-fetch-dest': 'image' } };
    expect((await rawRequest(`${server.url}/nowhere.png`, picture)).headers['content-type']).toContain('json');
  });
});
