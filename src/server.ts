import type { IncomingMessage } from 'node:http';
import { isIPv6 } from 'node:net';
import type { CertificateFiles } from './http/certificate.ts';
import { Documents } from './http/documents.ts';
import { EventStreams } from './http/event-streams.ts';
import { Graphiql, wantsGraphiql } from './http/graphiql.ts';
import { graphqlOverHttp } from './http/graphql-over-http.ts';
import type { GraphqlParts } from './http/graphql-parts.ts';
import { graphqlOverWebSocket } from './http/graphql-over-websocket.ts';
import { checkToken, type GuardPolicy } from './http/guard.ts';
import { createHttpServer, listen, type Route } from './http/http-server.ts';
import { Pages } from './http/pages.ts';
import { RAW_AUDIO_PATH, receiveRawAudio } from './http/raw-audio.ts';
import { sendRecording } from './http/recording.ts';
import { RECORDING_FILES, recordingFormatOf } from './http/recording-file.ts';
import { ResponsesUnderWay } from './http/responses-under-way.ts';
import { sendJson } from './http/responses.ts';
import { SignedLinks } from './http/signed-links.ts';
import type { Context } from './schema/builder.ts';
import { createSchema, UNCHANGING_TYPES } from './schema/create-schema.ts';
import { toClientError } from './schema/errors.ts';
import { idOf } from './schema/global-ids.ts';
import { createLoaders } from './schema/loaders.ts';
import type { Services } from './services/create-services.ts';
import type { Logger } from './services/logger.ts';
import type { RecordingFormat } from './services/recordings/recordings.ts';

export interface ServerParts {
  readonly services: Services;
  readonly database: Context['database'];
  readonly logger: Logger;
  readonly settings: {
    readonly host: string;
    /** 0: any free port. */
    readonly port: number;
    /** `null`: without encryption. */
    readonly tls: CertificateFiles | null;
    readonly authToken: string | null;
    readonly allowedOrigins: readonly string[];
    /** Largest chunk of audio, in bytes. */
    readonly maxChunkBytes: number;
    /** Connections that are served at a time, WebSockets among them. */
    readonly maxConnections: number;
    /** Milliseconds that what is sent to a client may wait for it to read on. */
    readonly slowReaderLimitMs: number;
  };
}

export interface VerbatimServer {
  /** @returns where it listens. @throws when it can't, for example because another program has the port. */
  start(): Promise<{ url: string }>;
  /**
   * Says that it is not ready, takes no more connections, answers what is under way, and says goodbye to subscribers; hangs
   * up on clients that have not left after `graceMs`.
   */
  stop(graceMs: number): Promise<void>;
}

const GRAPHQL_PATH = '/graphql';
/** What an operation may have besides a chunk of audio, in bytes. */
const MAX_DOCUMENT_BYTES = 128 * 1024;
const MAX_SUBSCRIPTIONS_PER_SOCKET = 200;
const CONNECTION_INIT_TIMEOUT_MS = 5_000;
const PING_INTERVAL_MS = 12_000;
/** Far more than the answer to a ping may wait behind what a client on a slow uplink has sent before it. */
const PONG_LIMIT_MS = 120_000;
/** A client that trickles its request is hung up on. */
const HEADERS_LIMIT_MS = 20_000;
const REQUEST_LIMIT_MS = 60_000;
/** What a client that does not read has to read the reason why it is hung up on. */
const CLOSE_LIMIT_MS = 10_000;

/**
 * Puts the doors of the service together: GraphQL over HTTP and WebSocket, raw audio, probes and pages.
 * @throws CertificateError
 */
export function createServer({ services, database, logger, settings }: ServerParts): VerbatimServer {
  const policy: GuardPolicy = settings;
  const schema = createSchema();
  const links = new SignedLinks(settings.authToken);
  const recordingLink = (globalId: string, format: RecordingFormat) =>
    links.sign(RECORDING_FILES[format].path.of(globalId));
  const clientError = (error: unknown) => toClientError(error, logger);
  const graphql: GraphqlParts = {
    schema,
    documents: new Documents(schema, clientError),
    unchangingTypes: UNCHANGING_TYPES,
    createContext: (): Context => ({ services, database, loaders: createLoaders(services.reader), recordingLink }),
    toClientError: clientError,
  };
  // Base64 makes four bytes of three.
  const maxOperationBytes = Math.ceil((settings.maxChunkBytes * 4) / 3) + MAX_DOCUMENT_BYTES;
  const streams = new EventStreams(settings, logger);
  const overHttp = graphqlOverHttp(graphql, { maxBodyBytes: maxOperationBytes }, streams);
  const webSockets = graphqlOverWebSocket(
    graphql,
    {
      maxMessageBytes: maxOperationBytes,
      maxSubscriptionsPerSocket: MAX_SUBSCRIPTIONS_PER_SOCKET,
      connectionInitTimeoutMs: CONNECTION_INIT_TIMEOUT_MS,
      pingIntervalMs: PING_INTERVAL_MS,
      pongLimitMs: PONG_LIMIT_MS,
      slowReaderLimitMs: settings.slowReaderLimitMs,
      closeLimitMs: CLOSE_LIMIT_MS,
    },
    (authorization) => checkToken(authorization, policy),
    logger,
  );

  let isStopping = false;
  const pages = new Pages();
  const graphiql = new Graphiql();
  const routes = {
    health: { door: 'probe', handle: (_request, response) => sendJson(response, 200, { status: 'ok' }) },
    ready: {
      door: 'probe',
      handle: async (_request, response) => {
        const checks = { accepting: !isStopping, ...(await services.readiness()) };
        const ready = Object.values(checks).every(Boolean);
        sendJson(response, ready ? 200 : 503, { status: ready ? 'ready' : 'not ready', checks });
      },
    },
    graphiql: { door: 'page', handle: (request, response) => graphiql.serve(request, response) },
    graphql: { door: 'data', handle: overHttp },
    audio: {
      door: 'data',
      handle: (request, response, url) =>
        receiveRawAudio(request, response, url, {
          audio: services.audio,
          maxChunkBytes: settings.maxChunkBytes,
          sessionIdOf: (globalId) => idOf('Session', globalId),
        }),
    },
    page: { door: 'page', handle: (request, response, url) => pages.serve(request, response, url.pathname) },
    nothing: { door: 'page', handle: (_request, response) => pages.serveNothing(response) },
  } satisfies Record<string, Route>;

  const recordingIn = (format: RecordingFormat): Route => ({
    door: 'data',
    handle: (request, response, url) =>
      sendRecording(request, response, url, format, {
        recordings: services.recordings,
        slowReaderLimitMs: settings.slowReaderLimitMs,
        sessionIdOf: (globalId) => idOf('Session', globalId),
      }),
  });
  const recordings: Record<RecordingFormat, Route> = { WAV: recordingIn('WAV'), MP4_OPUS: recordingIn('MP4_OPUS') };

  const route = (request: IncomingMessage, { pathname }: URL): Route | null => {
    if (pathname === '/health') return routes.health;
    if (pathname === '/ready') return routes.ready;
    if (pathname === GRAPHQL_PATH) return wantsGraphiql(request) ? routes.graphiql : routes.graphql;
    if (RAW_AUDIO_PATH.matches(pathname)) return routes.audio;
    const recording = recordingFormatOf(pathname);
    if (recording !== null) return recordings[recording];
    if (pages.has(pathname)) return routes.page;
    return pages.tellsOfNothing(request) ? routes.nothing : null;
  };

  const responses = new ResponsesUnderWay();
  const server = createHttpServer({
    policy,
    route,
    upgrade: (request, socket, head) => webSockets.accept(request, socket, head),
    isSignedLink: (url) => recordingFormatOf(url.pathname) !== null && links.isSigned(url),
    isSocketPath: (path) => path === GRAPHQL_PATH,
    responses,
    settings: { ...settings, headersLimitMs: HEADERS_LIMIT_MS, requestLimitMs: REQUEST_LIMIT_MS },
    tls: settings.tls,
    logger,
  });

  return {
    start: async () => {
      const { port } = await listen(server, settings.port, settings.host);
      const scheme = settings.tls === null ? 'http' : 'https';
      return { url: `${scheme}://${reachableHost(settings.host)}:${port}` };
    },
    stop: async (graceMs) => {
      isStopping = true;
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      responses.letBeLast(server);
      streams.end();
      const hangUp = setTimeout(() => server.closeAllConnections(), graceMs);
      await webSockets.close(graceMs);
      await closed;
      clearTimeout(hangUp);
    },
  };
}

/** Listening on all addresses is not an address: who asks on this machine finds it at its own. */
function reachableHost(host: string): string {
  const address = { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host;
  return isIPv6(address) ? `[${address}]` : address;
}
