import { setTimeout as delay } from 'node:timers/promises';
import { pino, type Logger } from 'pino';
import { PinoPretty } from 'pino-pretty';
import { readConfig, type Config } from '../config.ts';
import { DataDirectoryInUseError, readAnnouncedServer } from '../database/data-directory-lock.ts';
import { startFailure } from '../start-failure.ts';
import type { CommandContext, ServerOptions } from './context.ts';
import { CommandLineError } from './errors.ts';
import { doorNearby, type ServerDoor } from './server-door.ts';

export interface FoundServer {
  readonly address: ServerDoor;
  /** For people. */
  readonly name: string;
  /** It runs in this process, and ends with the command. */
  readonly isOwn: boolean;
  /** Resolves when it can transcribe. @throws when it never will. */
  readonly ready: Promise<void>;
  stop(): Promise<void>;
}

/** How long to wait for a server that has taken the data directory and does not listen yet, in milliseconds. */
const STARTING_MS = 30_000;
const LOOK_AGAIN_MS = 200;

/** Does `work` with a server, and stops the server afterwards if it was started for that. */
export async function withServer<T>(
  options: ServerOptions,
  context: CommandContext,
  work: (server: FoundServer) => Promise<T>,
): Promise<T> {
  const server = await findServer(options, context);
  try {
    return await work(server);
  } finally {
    await server.stop();
  }
}

/** The server of `--url`, else the one that runs on the data directory, else one that is started in this process. */
async function findServer(options: ServerOptions, { environment }: CommandContext): Promise<FoundServer> {
  const token = options.token ?? (environment['AUTH_TOKEN'] || null);
  if (options.url !== undefined) return elsewhere({ url: endpoint(options.url), token });
  const config = ownConfig(environment);
  for (const deadline = performance.now() + STARTING_MS; ;) {
    const running = readAnnouncedServer(config.dataDirectory);
    if (running !== null) return elsewhere(doorNearby(endpoint(running.url), token));
    try {
      return await startOwn(config);
    } catch (error) {
      // Another server has just been started there: it will listen in a moment.
      if (!(error instanceof DataDirectoryInUseError) || performance.now() > deadline) {
        throw new CommandLineError(startFailure(error, config) ?? `no server could be started: ${messageOf(error)}`, {
          cause: error,
        });
      }
      await delay(LOOK_AGAIN_MS);
    }
  }
}

/** The settings of the environment, but for one command: nobody else has to find this server, or to read its log. */
function ownConfig(environment: NodeJS.ProcessEnv): Config {
  return readConfig({
    ...environment,
    HOST: '127.0.0.1',
    PORT: '0',
    TLS_CERT: '',
    TLS_KEY: '',
    RECOGNISER_PROCESSES: environment['RECOGNISER_PROCESSES'] || '1',
    LOG_LEVEL: environment['LOG_LEVEL'] || 'warn',
  });
}

async function startOwn(config: Config): Promise<FoundServer> {
  // Loaded only here: most commands find a server that is running.
  const { startApplication } = await import('../application.ts');
  const application = await startApplication(config, ownLogger(config));
  return {
    address: { url: endpoint(application.url), token: config.authToken },
    name: `a server of its own (data in ${config.dataDirectory})`,
    isOwn: true,
    ready: application.ready,
    stop: () => application.stop(),
  };
}

/** Standard output is for results. */
function ownLogger({ logLevel: level }: Config): Logger {
  const stream = process.stderr.isTTY
    ? PinoPretty({ sync: true, destination: 2 })
    : pino.destination({ fd: 2, sync: true });
  return pino({ level, base: null }, stream);
}

function elsewhere(address: ServerDoor): FoundServer {
  return {
    address,
    name: address.url.origin,
    isOwn: false,
    ready: Promise.resolve(),
    stop: async () => undefined,
  };
}

/** The GraphQL endpoint of a server that is given by its address, or of the endpoint itself. */
function endpoint(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new CommandLineError(`${address} is no address of a server: give one like http://127.0.0.1:4000`);
  }
  if (url.pathname === '/') url.pathname = '/graphql';
  return url;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
