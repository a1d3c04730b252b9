import { existsSync } from 'node:fs';
import { addressesElsewhere } from './addresses.ts';
import { startApplication } from './application.ts';
import { ConfigurationError, isLoopback, readConfig, type Config } from './config.ts';
import { createLogger } from './create-logger.ts';
import { CertificateError } from './http/certificate.ts';
import { startFailure } from './start-failure.ts';
import { watchParent, type StopCause } from './stop-signals.ts';
import type { Logger } from './services/logger.ts';

/** As of sysexits(3): a supervisor need not try again with the same settings. */
const EXIT_CONFIGURATION = 78;

/**
 * The server as a program: runs until it is asked to stop, then ends in order with exit code 0, also when it is still
 * starting. Never returns.
 *
 * @param parent id of the process that started this one
 */
export async function serve(
  { signal, request }: { readonly signal: AbortSignal; readonly request: (cause: StopCause) => void },
  parent: number,
): Promise<never> {
  const config = settings();
  const logger = createLogger(config.logLevel);
  if (config.startedByNpm) watchParent(parent, () => request('parent ended'));
  onAbort(signal, () => endInTime(signal.reason, config.shutdownLimitMs, logger));
  try {
    const application = await startApplication(config, logger, { signal });
    logger.info({ url: application.url, dataDirectory: config.dataDirectory }, `listening on ${application.url}`);
    logger.info({}, `GraphiQL, to try it in a browser: ${application.url}/graphql`);
    tellOtherMachines(application.url, config, logger);
    void application.ready.then(
      () => logger.info({ model: config.model, processes: config.recogniserProcesses }, 'ready to transcribe'),
      async (error: unknown) => {
        if (signal.aborted) return;
        explain(error, config);
        await application.stop();
        process.exit(1);
      },
    );
    await new Promise<void>((resolve) => onAbort(signal, resolve));
    await application.stop();
    logger.info({}, 'stopped');
  } catch (error) {
    // What a start says that was called off, everything undone.
    if (signal.aborted && error === signal.reason) return process.exit(0);
    if (signal.aborted) logger.error({ err: error }, 'not stopped in order');
    else explain(error, config);
    process.exit(error instanceof CertificateError ? EXIT_CONFIGURATION : 1);
  }
  process.exit(0);
}

/** Ends the process however far it has got, once it had its time: what hangs must not keep it. The next start recovers. */
function endInTime(cause: unknown, limitMs: number, logger: Logger): void {
  logger.info({ cause, limitMs }, 'stopping; a second signal stops at once');
  setTimeout(() => {
    logger.warn({ limitMs }, 'not everything stopped in time; the next start recovers');
    process.exit(0);
  }, limitMs);
}

/** What somebody with a phone needs to know, who has set HOST for it. */
function tellOtherMachines(url: string, { host, tls, allowedOrigins }: Config, logger: Logger): void {
  const { protocol, port } = new URL(url);
  for (const address of addressesElsewhere(host)) {
    logger.info({}, `for other machines, where the network lets them: ${protocol}//${address}:${port}`);
  }
  const isSecured = tls !== null || allowedOrigins.some((origin) => origin.startsWith('https:'));
  if (isSecured || isLoopback(host)) return;
  logger.info({}, 'browsers of other machines give no microphone to http addresses: set TLS_CERT and TLS_KEY for that');
}

function onAbort(signal: AbortSignal, handle: () => void): void {
  if (signal.aborted) handle();
  else signal.addEventListener('abort', handle, { once: true });
}

function explain(error: unknown, config: Config): void {
  console.error(startFailure(error, config) ?? error);
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
