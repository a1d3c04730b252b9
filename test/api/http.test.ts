import { setTimeout as delay } from 'node:timers/promises';
import { serverAudits } from 'graphql-http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dataOf } from '../support/graphql-client.ts';
import { rawRequest } from '../support/http.ts';
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
      expect(await watching).toContain('event: complete');
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
  it('are served with a policy that lets in nothing from elsewhere', async () => {
    const response = await fetch(`${server.url}/`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain('text/html');
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect((await fetch(`${server.url}/live`)).status).toBe(200);
  });

  it('do not lead out of their folder', async () => {
    for (const path of ['/../package.json', '/%2e%2e/package.json', '/..%2fpackage.json', '/.env', '/nothing']) {
      const response = await rawRequest(server.url + path, {});
      expect(response.status).toBe(404);
      expect(JSON.parse(response.body)).toMatchObject({ error: { code: 'NOT_FOUND' } });
    }
  });
});
