import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

/** Where the build puts the web app, wherever this file runs from. */
const FOLDER = fileURLToPath(new URL('../../dist/web', import.meta.url));

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** The places of the web app: its one page is served at all of them, and finds out by itself what to show. */
const APP_ROUTES = /^\/((live|dashboard|analytics|sessions\/[^/]+)\/?)?$/u;
const APP = '/index.html';

/** The build puts a hash of the content into these names, so that a name never means anything else. */
const HASHED = /^\/assets\//u;
const FOR_GOOD = 'public, max-age=31536000, immutable';

/** Only what this server itself serves: no inline code, nothing from elsewhere, in nobody's frame. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "media-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

interface PageFile {
  readonly body: Buffer;
  readonly compressed: Buffer;
  readonly type: string;
  readonly etag: string;
}

/** The web app's files, read once, so that no request ever touches the file system. */
export class Pages {
  readonly #files = new Map<string, PageFile>();

  constructor(folder = FOLDER) {
    if (!existsSync(folder)) return;
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      const type = TYPES[extname(entry.name)];
      if (!entry.isFile() || type === undefined) continue;
      const file = join(entry.parentPath, entry.name);
      const body = readFileSync(file);
      const etag = `"${createHash('sha256').update(body).digest('base64url')}"`;
      const name = `/${relative(folder, file).split(sep).join('/')}`;
      this.#files.set(name, { body, compressed: gzipSync(body), type, etag });
    }
  }

  /** Whether there is a page at this path. */
  has(path: string): boolean {
    return this.#files.has(fileOf(path));
  }

  /** Whether the web app is there to tell a person that there is nothing at a path: for programs, and for parts of pages, JSON does. */
  tellsOfNothing(request: IncomingMessage): boolean {
    const { accept = '', 'sec-fetch-dest': destination = 'document' } = request.headers;
    return (
      request.method === 'GET' && destination === 'document' && accept.includes('text/html') && this.#files.has(APP)
    );
  }

  /** The web app, with the status that says that there is nothing at the path that was asked for. */
  serveNothing(response: ServerResponse): void {
    const { body, type } = this.#fileAt(APP);
    setSecurityHeaders(response);
    response.setHeader('cache-control', 'no-store');
    response.writeHead(404, { 'content-type': type, 'content-length': body.byteLength }).end(body);
  }

  serve(request: IncomingMessage, response: ServerResponse, path: string): void {
    const name = fileOf(path);
    const file = this.#fileAt(name);
    setSecurityHeaders(response);
    response.setHeader('cache-control', HASHED.test(name) ? FOR_GOOD : 'no-cache');
    response.appendHeader('vary', 'accept-encoding');
    response.setHeader('etag', file.etag);
    if (request.headers['if-none-match'] === file.etag) {
      response.writeHead(304).end();
      return;
    }
    const compress = /\bgzip\b/u.test(request.headers['accept-encoding'] ?? '');
    const body = compress ? file.compressed : file.body;
    if (compress) response.setHeader('content-encoding', 'gzip');
    response.writeHead(200, { 'content-type': file.type, 'content-length': body.byteLength });
    response.end(request.method === 'HEAD' ? undefined : body);
  }

  #fileAt(name: string): PageFile {
    const file = this.#files.get(name);
    if (file === undefined) throw new Error(`There is no page ${name}`);
    return file;
  }
}

function setSecurityHeaders(response: ServerResponse): void {
  response.setHeader('content-security-policy', CONTENT_SECURITY_POLICY);
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('referrer-policy', 'no-referrer');
}

function fileOf(path: string): string {
  return APP_ROUTES.test(path) ? APP : path;
}
