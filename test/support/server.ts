import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino, type Logger } from 'pino';
import { startApplication, type Application } from '../../src/application.ts';
import { readConfig, type Config } from '../../src/config.ts';
import { COMPILED_RECOGNISER } from './compiled-program.ts';
import { GraphqlClient } from './graphql-client.ts';

export interface TestServer {
  readonly url: string;
  readonly dataDirectory: string;
  readonly application: Application;
  readonly client: GraphqlClient;
  /** Stops the server and removes its data. */
  stop(): Promise<void>;
}

export interface TestServerOptions extends Partial<Config> {
  /** Used again and kept, instead of a fresh folder that `stop` removes. */
  readonly dataDirectory?: string;
  readonly logger?: Logger;
}

/**
 * The whole server in this process, on a free port and with real files, with one process of the scripted recogniser. Resolves
 * when it is ready.
 */
export async function startTestServer({ logger, ...overrides }: TestServerOptions = {}): Promise<TestServer> {
  const dataDirectory = overrides.dataDirectory ?? (await mkdtemp(join(tmpdir(), 'verbatim-test-')));
  const defaults = readConfig({ MODEL: 'scripted', PORT: '0', RECOGNISER_PROCESSES: '1', DATA_DIR: dataDirectory });
  const config: Config = { ...defaults, interimIntervalMs: 200, ...overrides };
  const application = await startApplication(config, logger ?? pino({ level: 'silent' }), {
    recogniserProgram: COMPILED_RECOGNISER,
  });
  const client = new GraphqlClient(application.url, config.authToken);
  const stop = async () => {
    await client.dispose();
    await application.stop();
    if (overrides.dataDirectory === undefined) await rm(dataDirectory, { recursive: true, force: true });
  };
  try {
    await application.ready;
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: application.url, dataDirectory, application, client, stop };
}
