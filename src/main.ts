import { existsSync } from 'node:fs';
import { startApplication, type Application } from './application.ts';
import { ConfigurationError, readConfig, type Config } from './config.ts';
import { createLogger } from './create-logger.ts';
import { startFailure } from './start-failure.ts';

/** As of sysexits(3): a supervisor need not try again with the same settings. */
const EXIT_CONFIGURATION = 78;

const config = settings();
const logger = createLogger(config.logLevel);
let application: Application | null = null;
let stopping = false;

process.on('SIGINT', shutDown);
process.on('SIGTERM', shutDown);

try {
  application = await startApplication(config, logger);
  logger.info({ url: application.url, dataDirectory: config.dataDirectory }, `listening on ${application.url}`);
  logger.info({}, `GraphiQL, to try it in a browser: ${application.url}/graphql`);
  await application.ready;
  logger.info({ model: config.model, processes: config.recogniserProcesses }, 'ready to transcribe');
} catch (error) {
  if (!stopping) await fail(error);
}

/** The first signal ends in order, the second at once: the next start recovers either way. */
function shutDown(signal: NodeJS.Signals): void {
  if (stopping) process.exit(1);
  stopping = true;
  logger.info({ signal }, 'stopping; a second signal stops at once');
  void (application?.stop() ?? Promise.resolve()).then(
    () => process.exit(0),
    (error: unknown) => {
      logger.error({ err: error }, 'not stopped in order');
      process.exit(1);
    },
  );
}

async function fail(error: unknown): Promise<never> {
  const message = startFailure(error, config);
  if (message === null) console.error(error);
  else console.error(message);
  await application?.stop();
  process.exit(1);
}

function settings(): Config {
  try {
    // What is set in the environment already goes before what the file says.
    if (existsSync('.env')) process.loadEnvFile('.env');
    return readConfig(process.env);
  } catch (error) {
    console.error(error instanceof ConfigurationError ? error.message : error);
    process.exit(EXIT_CONFIGURATION);
  }
}
