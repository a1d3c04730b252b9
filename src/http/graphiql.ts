import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { EXAMPLE_OPERATIONS } from './graphiql-examples.ts';

/** Its code stands in the page itself; what keeps it in is that it can talk to this server only. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
  "worker-src 'self' blob:",
  "style-src 'self' 'unsafe-inline'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

interface Rendered {
  readonly html: Buffer;
  readonly compressed: Buffer;
  readonly etag: string;
}

/** GraphiQL, complete in one page of 9 MB: works without the internet. Made at its first visit, then kept compressed. */
export class Graphiql {
  #rendered: Promise<Rendered> | null = null;

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#rendered ??= render();
    const { html, compressed, etag } = await this.#rendered;
    response.setHeader('content-security-policy', CONTENT_SECURITY_POLICY);
    response.setHeader('x-content-type-options', 'nosniff');
    response.setHeader('referrer-policy', 'no-referrer');
    response.setHeader('cache-control', 'no-cache');
    response.setHeader('vary', 'accept, accept-encoding');
    response.setHeader('etag', etag);
    if (request.headers['if-none-match'] === etag) {
      response.writeHead(304).end();
      return;
    }
    const compress = /\bgzip\b/u.test(request.headers['accept-encoding'] ?? '');
    const body = compress ? compressed : html;
    if (compress) response.setHeader('content-encoding', 'gzip');
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-length': body.byteLength });
    response.end(request.method === 'HEAD' ? undefined : body);
  }
}

/** Someone who looks at the endpoint with a browser, not a program that asks it something. */
export function wantsGraphiql(request: IncomingMessage): boolean {
  const looks = request.method === 'GET' || request.method === 'HEAD';
  return looks && /\btext\/html\b/u.test(request.headers.accept ?? '');
}

async function render(): Promise<Rendered> {
  // 9 MB that a server without visitors need not load.
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  const page = renderGraphiQL({
    title: 'Verbatim: GraphiQL',
    endpoint: '/graphql',
    subscriptionsProtocol: 'WS',
    defaultTabs: EXAMPLE_OPERATIONS.map(({ query, variables }) => ({
      query,
      variables: JSON.stringify(variables, null, 2),
    })),
  });
  const html = Buffer.from(page);
  const compressed = await promisify(gzip)(html);
  return { html, compressed, etag: `"${createHash('sha256').update(html).digest('base64url')}"` };
}
