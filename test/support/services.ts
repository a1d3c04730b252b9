import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { openDatabase, type Database } from '../../src/database/open-database.ts';
import { createServices, type Services, type ServicesParts } from '../../src/services/create-services.ts';
import { InProcessRecogniser } from './in-process-recogniser.ts';

const SETTINGS: ServicesParts['settings'] = {
  batchSize: 5,
  batchIntervalMs: 10_000,
  maxChunkBytes: 1024 * 1024,
  maxOpenSessions: 100,
  maxSkipMs: 60_000,
  idleTimeoutMs: 900_000,
  maxDurationMs: 86_400_000,
  retentionDays: null,
  dataDirectory: '',
  storageReserveBytes: 0,
};

/** In-process recognition of a few seconds of tones needs far less. */
const STOP_LIMIT_MS = 5_000;

export interface TestServices extends Services {
  readonly directory: string;
  readonly database: Database;
  readonly recogniser: InProcessRecogniser;
  /** Stops the services as they are (nothing is completed), and starts new ones on the same folder. */
  restart(settings?: Partial<ServicesParts['settings']>): Promise<TestServices>;
}

/** The services over a real database and real logs in a folder of their own, new for each test. */
export function useServices(
  settings: Partial<ServicesParts['settings']> = {},
  parts: Pick<ServicesParts, 'fileSystem' | 'now'> = {},
): () => TestServices {
  let current: TestServices;
  const open = async (directory: string, changes: Partial<ServicesParts['settings']>): Promise<TestServices> => {
    const database = await openDatabase({ url: `file:${path.join(directory, 'verbatim.db')}` });
    const recogniser = new InProcessRecogniser();
    const silent = () => {};
    const services = createServices({
      ...parts,
      store: database.store,
      recogniser,
      logger: { debug: silent, info: silent, warn: silent, error: silent },
      settings: { ...SETTINGS, ...settings, ...changes, dataDirectory: directory },
    });
    await services.start();
    current = {
      ...services,
      directory,
      database,
      recogniser,
      restart: async (changed = {}) => {
        await close();
        return open(directory, { ...changes, ...changed });
      },
    };
    return current;
  };
  const close = async () => {
    await current.stop(STOP_LIMIT_MS);
    await current.database.close();
  };
  beforeEach(async () => {
    await open(await mkdtemp(path.join(tmpdir(), 'verbatim-services-')), {});
  });
  afterEach(async () => {
    await close();
    await rm(current.directory, { recursive: true, force: true });
  });
  return () => current;
}
