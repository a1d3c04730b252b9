import { mkdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from './config.ts';
import { announceServer, lockDataDirectory } from './database/data-directory-lock.ts';
import { openDatabase } from './database/open-database.ts';
import type { NodeProgram } from './node-program.ts';
import { readCertificate } from './http/certificate.ts';
import { createRecogniser } from './recognition/create-recogniser.ts';
import { createServer } from './server.ts';
import { createServices } from './services/create-services.ts';
import type { Logger } from './services/logger.ts';

export interface Application {
  /** Where it listens, without a slash at the end. */
  readonly url: string;
  /**
   * Resolves when the model is loaded; the server takes audio before that, and recognises it then.
   * @throws when the model can't be loaded; stop the application then.
   */
  readonly ready: Promise<void>;
  /** Ends it in order; sessions that are not over go on at the next start. Asking again waits for the same end. */
  stop(): Promise<void>;
}

/** What clients may take for their goodbye, and what closing the parts takes at the end, in milliseconds and at most. */
const GOODBYE_MS = 2_000;
const CLOSING_MS = 1_000;

export interface StartOptions {
  /** Calls the start off while it is under way. */
  readonly signal?: AbortSignal;
  /** @default the one that belongs to this program */
  readonly recogniserProgram?: NodeProgram;
}

/**
 * The whole server in this process: listens when it resolves.
 *
 * @throws when it can't start, or the signal's reason when it was called off; nothing is left behind then
 */
export async function startApplication(
  config: Config,
  logger: Logger,
  options: StartOptions = {},
): Promise<Application> {
  // Undone from the last to the first, whether a later step fails or the application stops.
  const undo: (() => unknown)[] = [];
  let stopped: Promise<void> | null = null;
  const undoAll = async () => {
    for (let last = undo.pop(); last !== undefined; last = undo.pop()) await last();
  };
  const stop = () => (stopped ??= undoAll());
  try {
    return await start(config, logger, undo, stop, options);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function start(
  config: Config,
  logger: Logger,
  undo: (() => unknown)[],
  stop: () => Promise<void>,
  { signal, recogniserProgram }: StartOptions,
): Promise<Application> {
  signal?.throwIfAborted();
  // Before anything is opened that a wrong setting would have to close again.
  if (config.tls !== null) readCertificate(config.tls);
  await mkdir(config.dataDirectory, { recursive: true });
  const lock = lockDataDirectory(config.dataDirectory);
  undo.push(() => lock.release());

  const database = await openDatabase({ url: config.databaseUrl });
  undo.push(() => database.close());
  signal?.throwIfAborted();

  const recogniser = createRecogniser({
    model: config.model,
    processes: config.recogniserProcesses,
    interimIntervalMs: config.interimIntervalMs,
    endSilenceMs: config.endSilenceMs,
    sentenceEndSilenceMs: config.sentenceEndSilenceMs,
    scriptedFaults: config.scriptedFaults,
    ...(recogniserProgram !== undefined && { program: recogniserProgram }),
    logger,
  });
  undo.push(() => recogniser.stop());

  const services = createServices({
    store: database.store,
    recogniser,
    logger,
    settings: {
      dataDirectory: config.dataDirectory,
      storageReserveBytes: config.storageReserveBytes,
      batchSize: config.batchSize,
      batchIntervalMs: config.batchIntervalMs,
      maxChunkBytes: config.maxChunkBytes,
      maxOpenSessions: config.maxOpenSessions,
      retentionDays: config.retentionDays,
      maxSkipMs: config.sessionMaxMs,
      idleTimeoutMs: config.sessionIdleTimeoutMs,
      maxDurationMs: config.sessionMaxMs,
    },
  });
  const time = stopTimes(config.shutdownLimitMs);
  undo.push(() => {
    const drainMs = time.left();
    return withinLimit(services.stop(drainMs), drainMs + time.closingMs / 2, logger);
  });

  // The model loads while the sessions that a crash interrupted are opened; nobody is let in before they are, so that nobody
  // reads less than was shown.
  const ready = recogniser.start();
  // Whoever does not wait for it is not taken down by its failure.
  ready.catch(() => undefined);
  await services.start();
  signal?.throwIfAborted();

  const server = createServer({
    services,
    database: database.client,
    logger,
    settings: config,
  });
  const { url } = await server.start();
  undo.push(() => {
    time.begin();
    services.sessions.stopAccepting();
    return server.stop(time.goodbyeMs);
  });
  announceServer(config.dataDirectory, { url });
  return { url, ready, stop };
}

/**
 * Shares the time to stop out, in milliseconds: a part of it for the clients, a part for closing at the end, and what then is
 * left for what the server has received and not finished yet.
 */
function stopTimes(limitMs: number) {
  const goodbyeMs = Math.min(GOODBYE_MS, limitMs / 4);
  const closingMs = Math.min(CLOSING_MS, limitMs / 8);
  let beganAt: number | null = null;
  return {
    goodbyeMs,
    closingMs,
    begin: () => {
      beganAt = performance.now();
    },
    left: () => limitMs - closingMs - (beganAt === null ? 0 : performance.now() - beganAt),
  };
}

async function withinLimit(stopping: Promise<void>, limitMs: number, logger: Logger): Promise<void> {
  const limit = new AbortController();
  const late = delay(limitMs, 'late' as const, { signal: limit.signal }).catch(() => 'in time' as const);
  if ((await Promise.race([stopping.then(() => 'in time' as const), late])) === 'late') {
    logger.warn({ limitMs }, 'what was received is not finished; the next start goes on with it');
  }
  limit.abort();
}
