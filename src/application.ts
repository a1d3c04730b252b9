import { mkdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from './config.ts';
import { announceServer, lockDataDirectory } from './database/data-directory-lock.ts';
import { openDatabase } from './database/open-database.ts';
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

/** What the domain may take to stop before it is left as it is, in milliseconds: the next start recovers. */
const STOP_LIMIT_MS = 10_000;

/** The whole server in this process: listens when it resolves. @throws when it can't start; nothing is left behind then. */
export async function startApplication(config: Config, logger: Logger): Promise<Application> {
  // Undone from the last to the first, whether a later step fails or the application stops.
  const undo: (() => unknown)[] = [];
  let stopped: Promise<void> | null = null;
  const undoAll = async () => {
    for (let last = undo.pop(); last !== undefined; last = undo.pop()) await last();
  };
  const stop = () => (stopped ??= undoAll());
  try {
    return await start(config, logger, undo, stop);
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
): Promise<Application> {
  await mkdir(config.dataDirectory, { recursive: true });
  const lock = lockDataDirectory(config.dataDirectory);
  undo.push(() => lock.release());

  const database = await openDatabase({ url: config.databaseUrl });
  undo.push(() => database.close());

  const recogniser = createRecogniser({
    model: config.model,
    processes: config.recogniserProcesses,
    interimIntervalMs: config.interimIntervalMs,
    endSilenceMs: config.endSilenceMs,
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
      maxSkipMs: config.sessionMaxMs,
      idleTimeoutMs: config.sessionIdleTimeoutMs,
      maxDurationMs: config.sessionMaxMs,
    },
  });
  undo.push(() => withinLimit(services.stop(), logger));

  // The model loads while the sessions that a crash interrupted are opened; nobody is let in before they are, so that nobody
  // reads less than was shown.
  const ready = recogniser.start();
  // Whoever does not wait for it is not taken down by its failure.
  ready.catch(() => undefined);
  await services.start();

  const server = createServer({
    services,
    database: database.client,
    logger,
    settings: config,
  });
  const { url } = await server.start();
  undo.push(() => server.stop());
  announceServer(config.dataDirectory, { url });
  return { url, ready, stop };
}

async function withinLimit(stopping: Promise<void>, logger: Logger): Promise<void> {
  const limit = new AbortController();
  const late = delay(STOP_LIMIT_MS, 'late' as const, { signal: limit.signal }).catch(() => 'in time' as const);
  if ((await Promise.race([stopping.then(() => 'in time' as const), late])) === 'late') {
    logger.warn({ limitMs: STOP_LIMIT_MS }, 'not everything stopped in time; the next start recovers');
  }
  limit.abort();
}
