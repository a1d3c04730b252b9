import diagnostics from 'node:diagnostics_channel';
import { once } from 'node:events';
import { request as httpsRequest } from 'node:https';
import { connect as connectPlainly, Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { ApiConnection } from '../../src/cli/api-connection.ts';
import { doorNearby } from '../../src/cli/server-door.ts';
import { VerbatimClient } from '../../src/client/index.ts';
import { readAnnouncedServer } from '../../src/database/data-directory-lock.ts';
import { TEST_AUTHORITY, TEST_CERTIFICATE } from '../support/certificates.ts';
import { speechChunks } from '../support/operations.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { until } from '../support/wait.ts';

const SLOW_READER_LIMIT_MS = 200;
const JSON_HEADERS = { 'content-type': 'application/json' };

/** One that trusts the test's certificate, as a browser does whose user has installed its authority. */
class TrustingWebSocket extends WebSocket {
  constructor(url: string, protocols?: string | string[]) {
    super(url, protocols, { ca: TEST_AUTHORITY });
  }
}

function ask(
  address: string,
  { method = 'GET', headers = {}, body = '' }: { method?: string; headers?: Record<string, string>; body?: string },
): Promise<{ status: number | undefined; headers: Record<string, unknown>; body: string }> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest(address, { method, headers, ca: TEST_AUTHORITY, agent: false }, (response) => {
      let text = '';
      response.on('data', (piece: Buffer) => (text += piece.toString()));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: text }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

async function secureConnection(url: string): Promise<TLSSocket> {
  const socket = connect({ port: portOf(url), host: '127.0.0.1', ca: TEST_AUTHORITY });
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  return socket;
}

/** What is answered to bytes without encryption, until the server hangs up. */
async function say(url: string, bytes: string): Promise<string> {
  const socket = connectPlainly(portOf(url), '127.0.0.1');
  socket.on('error', () => undefined);
  let received = '';
  socket.on('data', (data) => (received += data.toString()));
  socket.write(bytes);
  await once(socket, 'close');
  return received;
}

/** The servers' ends of all connections, beneath the encryption. */
const accepted: Socket[] = [];
const noteAccepted = (message: unknown) => {
  if (typeof message === 'object' && message !== null && 'socket' in message && message.socket instanceof Socket) {
    accepted.push(message.socket);
  }
};
beforeAll(() => diagnostics.subscribe('net.server.socket', noteAccepted));
afterAll(() => void diagnostics.unsubscribe('net.server.socket', noteAccepted));

function portOf(url: string): number {
  return Number(new URL(url).port);
}

describe('a server with a certificate', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer({ tls: TEST_CERTIFICATE, slowReaderLimitMs: SLOW_READER_LIMIT_MS });
  });
  afterAll(() => server.stop());

  it('says https where it says where it is, and is found there by the command line', async () => {
    expect(server.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/u);
    const announced = readAnnouncedServer(server.dataDirectory);
    expect(announced?.url).toBe(server.url);
    const connection = await ApiConnection.open(doorNearby(new URL(`${announced?.url}/graphql`), null));
    connection.close();
  });

  it('records, and shows what was said, over WebSockets', async () => {
    const client = new VerbatimClient({ url: `${server.url}/graphql`, webSocket: TrustingWebSocket });
    const audio = { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 1 } as const;
    const session = await client.startSession({ audio });
    const finals: string[] = [];
    session.on('final', ({ text }) => finals.push(text));
    for (const chunk of speechChunks(['alpha', 'bravo', { silenceMs: 700 }])) session.write(chunk);
    await session.end();
    expect(finals).toEqual(['alpha bravo']);
  });

  it('has its pages and probes, and promises nothing for other servers of the same name', async () => {
    const page = await ask(`${server.url}/live`, { headers: { accept: 'text/html' } });
    expect(page.status).toBe(200);
    expect(page.headers['strict-transport-security']).toBeUndefined();
    expect((await ask(`${server.url}/ready`, {})).status).toBe(200);
  });

  it('is used by its own pages, and by no others', async () => {
    const { host } = new URL(server.url);
    const query = { method: 'POST', body: JSON.stringify({ query: '{ __typename }' }) };
    const as = async (origin: string) => {
      const { status } = await ask(`${server.url}/graphql`, { ...query, headers: { ...JSON_HEADERS, origin } });
      return status;
    };
    expect(await as(`https://${host}`)).toBe(200);
    expect(await as(`http://${host}`)).toBe(403);
    expect(await as('https://attacker.example')).toBe(403);
  });

  it('leads a browser there that asks without TLS, and tells a program no more than that', async () => {
    const { port } = new URL(server.url);
    const page = await say(server.url, `GET /live?a=b HTTP/1.1\r\nhost: verbatim.test:${port}\r\n\r\n`);
    expect(page).toMatch(/^HTTP\/1\.1 307 .*\r\n/u);
    expect(page).toContain(`\r\nlocation: https://verbatim.test:${port}/live?a=b\r\n`);
    for (const head of [
      'POST /graphql HTTP/1.1\r\nhost: localhost\r\n\r\n{}',
      'GET /live HTTP/1.1\r\nhost: a b\r\n\r\n',
      'GET http://attacker.example/ HTTP/1.1\r\nhost: localhost\r\n\r\n',
      'hello\r\n\r\n',
      'x'.repeat(20_000),
    ]) {
      expect(await say(server.url, head)).toMatch(/^HTTP\/1\.1 400 [^]*speaks HTTPS/u);
    }
    expect((await ask(`${server.url}/health`, {})).status).toBe(200);
  });

  it('hangs up on a client that does not read', async () => {
    accepted.length = 0;
    const socket = await secureConnection(server.url);
    socket.pause();
    const page = 'GET /graphql HTTP/1.1\r\nhost: localhost\r\naccept: text/html\r\n\r\n';
    socket.write(page.repeat(4));
    await until(() => accepted.length > 0 && accepted.every(({ destroyed }) => destroyed), { what: 'the hang-up' });
    expect(socket.closed).toBe(false);
    socket.destroy();
  });

  it('tells a command line that does not trust its certificate what to do', async () => {
    const opening = ApiConnection.open({ url: new URL(`${server.url}/graphql`), token: null });
    await expect(opening).rejects.toThrow(/self-signed certificate.*NODE_EXTRA_CA_CERTS/u);
    const byHttp = server.url.replace('https', 'http');
    const byMistake = ApiConnection.open({ url: new URL(`${byHttp}/graphql`), token: null });
    await expect(byMistake).rejects.toThrow(/no Verbatim server/u);
  });
});

describe('a server with a certificate and all the connections that it takes', () => {
  it('tells more of them so, takes new ones when one has left, and stops though a client has said nothing yet', async () => {
    const full = await startTestServer({ tls: TEST_CERTIFICATE, maxConnections: 2, shutdownLimitMs: 1_000 });
    const query = `${full.url}/graphql?query=%7B__typename%7D`;
    const silent = connectPlainly(portOf(full.url), '127.0.0.1');
    silent.on('error', () => undefined);
    try {
      const served = [await secureConnection(full.url), await secureConnection(full.url)];
      expect(await ask(query, {})).toMatchObject({ status: 503, headers: { 'retry-after': '10' } });
      expect((await ask(`${full.url}/ready`, {})).status).toBe(200);
      served[0]?.destroy();
      await until(async () => (await ask(query, { headers: { connection: 'close' } })).status === 200);
      served[1]?.destroy();
    } finally {
      await full.stop();
    }
    await until(() => silent.destroyed, { what: 'the hang-up' });
  });
});
