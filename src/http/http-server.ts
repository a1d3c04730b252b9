import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { toServiceError } from '../services/error-mapping.ts';
import { ServiceError } from '../services/errors.ts';
import type { Logger } from '../services/logger.ts';
import type { CertificateFiles } from './certificate.ts';
import { limitConnections } from './connection-limit.ts';
import { admit, type Door, type GuardPolicy, type Visitor } from './guard.ts';
import { rawRefusal, refuseMalformed } from './malformed-requests.ts';
import { RequestAbortedError } from './request-body.ts';
import type { ResponsesUnderWay } from './responses-under-way.ts';
import { sendRefusal, statusOf } from './responses.ts';
import { SecureServer } from './secure-server.ts';

/** One of the server's doors. */
export interface Route {
  readonly door: Door;
  handle(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> | void;
}

export interface HttpServerParts {
  readonly policy: GuardPolicy;
  /** The route of a request, or `null` when there is nothing at this place. */
  readonly route: (request: IncomingMessage, url: URL) => Route | null;
  /** Takes an upgrade to a WebSocket over; only for paths of `isSocketPath`. */
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  readonly isSocketPath: (path: string) => boolean;
  readonly responses: ResponsesUnderWay;
  /** Whether an address is one that needs no token. */
  readonly isSignedLink: (url: URL) => boolean;
  readonly settings: {
    /** Connections that are served at a time. */
    readonly maxConnections: number;
    /** Milliseconds that an answer may wait for its client to read on. */
    readonly slowReaderLimitMs: number;
    /** Milliseconds for a request's headers, and for all of it: a client that trickles is hung up on. */
    readonly headersLimitMs: number;
    readonly requestLimitMs: number;
  };
  /** `null`: without encryption. */
  readonly tls: CertificateFiles | null;
  readonly logger: Logger;
}

/** What is known of a request from the connection that it came over. */
interface Arrival extends Pick<Visitor, 'certifiedNames'> {
  /** It is above the limit of connections. */
  readonly isExcess: boolean;
}

/** How often it is looked for requests that take too long, in parts of the shorter limit. */
const LOOKS_PER_LIMIT = 4;
/**
 * Requests that a client may send ahead of the answers on one connection. Browsers send none, few programs do, and each of
 * them may have a chunk of audio.
 */
const MAX_UNDER_WAY_PER_CONNECTION = 32;
/** How often it is looked whether the certificate was renewed, in milliseconds. */
const CERTIFICATE_LOOK_MS = 10_000;
/** What is told to clients above the limit of connections, in milliseconds. */
const RETRY_WHEN_FULL_MS = 10_000;

/**
 * Node's HTTP or HTTPS server with the guard before every door.
 * @throws CertificateError
 */
export function createHttpServer(parts: HttpServerParts): Server {
  const { maxConnections } = parts.settings;
  const server = bareServer(parts);
  const isExcess = limitConnections(server, maxConnections);
  const arrivalOf = (request: IncomingMessage): Arrival => ({
    isExcess: isExcess(request),
    certifiedNames: server instanceof SecureServer ? server.names : null,
  });
  server.on('request', (request, response) => {
    parts.responses.add(response);
    if (parts.responses.countOn(request.socket) > MAX_UNDER_WAY_PER_CONNECTION) {
      parts.logger.info({ limit: MAX_UNDER_WAY_PER_CONNECTION }, 'connection cut: too many requests ahead of answers');
      request.socket.destroy();
      return;
    }
    void answer(request, response, arrivalOf(request), parts);
  });
  server.on('clientError', (error, socket) => refuseMalformed(error, socket, parts.responses.isAnsweringOn(socket)));
  server.on('upgrade', (request, socket, head) => {
    upgrade(request, socket, head, arrivalOf(request), parts);
  });
  return server;
}

function bareServer({ settings: { headersLimitMs, requestLimitMs }, tls: files, logger }: HttpServerParts): Server {
  const options = {
    headersTimeout: headersLimitMs,
    requestTimeout: requestLimitMs,
    connectionsCheckingInterval: Math.min(headersLimitMs, requestLimitMs) / LOOKS_PER_LIMIT,
  };
  if (files === null) return createServer(options);
  return new SecureServer(options, { files, logger, handshakeLimitMs: headersLimitMs, lookMs: CERTIFICATE_LOOK_MS });
}

/** @returns the address where the server really listens. @throws when it can't, for example `EADDRINUSE`. */
export function listen(server: Server, port: number, host: string): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      const address = server.address();
      if (address === null || typeof address === 'string') reject(new Error('The server listens on no port'));
      else resolve(address);
    });
  });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { isExcess, certifiedNames }: Arrival,
  parts: HttpServerParts,
): Promise<void> {
  try {
    const url = urlOf(request);
    const route = parts.route(request, url);
    if (isExcess) {
      response.setHeader('connection', 'close');
      // Whoever asks how the server is shall not take a full one for a dead one.
      if (route?.door !== 'probe') throw tooManyConnections();
    }
    const visitor = visitorOf(request, route?.door ?? 'page', parts.isSignedLink(url), certifiedNames);
    const { corsOrigin } = admit(visitor, parts.policy);
    if (corsOrigin !== null) allowOrigin(response, corsOrigin);
    if (route === null) throw new ServiceError('NOT_FOUND', `There is nothing at ${url.pathname.slice(0, 100)}.`);
    if (request.method === 'OPTIONS') {
      response.writeHead(204).end();
      return;
    }
    await route.handle(request, response, url);
    // Without a listener it ends the connection; any byte that leaves starts it anew.
    if (!response.writableFinished) response.setTimeout(parts.settings.slowReaderLimitMs);
  } catch (error) {
    if (error instanceof RequestAbortedError) return;
    const refusal = toServiceError(error) ?? unexpected(error, parts.logger);
    if (response.headersSent) response.destroy();
    else sendRefusal(request, response, refusal);
  }
}

function upgrade(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  { isExcess, certifiedNames }: Arrival,
  parts: HttpServerParts,
): void {
  socket.on('error', (error) => parts.logger.debug({ err: error }, 'connection broken'));
  try {
    const { pathname } = urlOf(request);
    if (!parts.isSocketPath(pathname)) throw new ServiceError('NOT_FOUND', 'WebSockets are at /graphql.');
    if (isExcess) throw tooManyConnections();
    admit(visitorOf(request, 'socket', false, certifiedNames), parts.policy);
    parts.upgrade(request, socket, head);
  } catch (error) {
    const refusal = toServiceError(error) ?? unexpected(error, parts.logger);
    // Node looks after it no longer: a client that does not hang up would keep its connection for ever.
    socket.once('finish', () => socket.destroy());
    socket.end(rawRefusal(statusOf(refusal), refusal));
  }
}

function tooManyConnections(): ServiceError {
  return new ServiceError('OVERLOADED', 'The server has all the connections that it takes; try again later.', {
    retryAfterMs: RETRY_WHEN_FULL_MS,
  });
}

/** Only path and query matter. */
function urlOf(request: IncomingMessage): URL {
  const target = `http://server${request.url ?? '/'}`;
  if (!URL.canParse(target)) throw new ServiceError('BAD_USER_INPUT', 'The address is malformed.');
  return new URL(target);
}

function visitorOf(
  { method, headers }: IncomingMessage,
  door: Door,
  isSignedLink: boolean,
  certifiedNames: readonly string[] | null,
): Visitor {
  return {
    door,
    isSignedLink,
    certifiedNames,
    method: method ?? 'GET',
    host: headers.host,
    origin: headers.origin,
    fetchSite: oneOf(headers['sec-fetch-site']),
    fetchMode: oneOf(headers['sec-fetch-mode']),
    authorization: headers.authorization,
  };
}

function oneOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(', ') : header;
}

/** https://fetch.spec.whatwg.org/#http-cors-protocol */
function allowOrigin(response: ServerResponse, origin: string): void {
  response.setHeader('access-control-allow-origin', origin);
  response.setHeader('access-control-allow-methods', 'GET, POST');
  response.setHeader('access-control-allow-headers', 'authorization, content-type');
  response.setHeader('access-control-max-age', '600');
  response.setHeader('vary', 'origin');
}

function unexpected(error: unknown, logger: Logger): ServiceError {
  logger.error({ err: error }, 'request failed');
  return new ServiceError('INTERNAL_SERVER_ERROR', 'Something went wrong on the server; its log says more.');
}
