import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Beside src and dist, wherever this file runs from. */
const FOLDER = fileURLToPath(new URL('../../pages', import.meta.url));

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
};

/** Only what this server itself serves: no inline code, nothing from elsewhere, in nobody's frame. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "media-src 'self' blob:",
  "worker-src 'self' blob:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

interface PageFile {
  readonly body: Buffer;
  readonly type: string;
  readonly etag: string;
}

/** The static pages: all files of the folder `pages`, read once, so that no request ever touches the file system. */
export class Pages {
  readonly #files = new Map<string, PageFile>();

  constructor(folder = FOLDER) {
    if (!existsSync(folder)) return;
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const type = TYPES[extname(entry.name)];
      if (!entry.isFile() || type === undefined) continue;
      const body = readFileSync(join(folder, entry.name));
      const etag = `"${createHash('sha256').update(body).digest('base64url')}"`;
      this.#files.set(`/${entry.name}`, { body, type, etag });
    }
  }

  /** Whether there is a page at this path. */
  has(path: string): boolean {
    return this.#files.has(fileOf(path));
  }

  serve(request: IncomingMessage, response: ServerResponse, path: string): void {
    const file = this.#files.get(fileOf(path));
    if (file === undefined) throw new Error(`There is no page ${path}`);
    response.setHeader('content-security-policy', CONTENT_SECURITY_POLICY);
    response.setHeader('x-content-type-options', 'nosniff');
    response.setHeader('referrer-policy', 'no-referrer');
    response.setHeader('cache-control', 'no-cache');
    response.setHeader('etag', file.etag);
    if (request.headers['if-none-match'] === file.etag) {
      response.writeHead(304).end();
      return;
    }
    response.writeHead(200, { 'content-type': file.type, 'content-length': file.body.byteLength });
    response.end(request.method === 'HEAD' ? undefined : file.body);
  }
}

/** `/` is index.html, `/live` is live.html. */
function fileOf(path: string): string {
  if (path === '/') return '/index.html';
  return extname(path) === '' ? `${path}.html` : path;
}
