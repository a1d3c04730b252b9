import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ServerAddress } from '../../src/client/connection.ts';
import { readAnnouncedServer } from '../../src/database/data-directory-lock.ts';
import { startMeasured, type MeasuredProcess, type ProcessUsage } from './measured-process.ts';
import { recogniserUsage, type RecogniserUsage } from './recogniser-usage.ts';

/** A server of one benchmark: its own process, port and data. */
export interface MeasuredServer {
  readonly address: ServerAddress;
  usage(): Promise<{ readonly server: ProcessUsage; readonly recognisers: RecogniserUsage | null }>;
  /** Warnings and errors that it logged: a line each. */
  readonly complaints: readonly string[];
}

export interface ServerOptions {
  readonly entry: string;
  /** Settings as environment variables; those of the environment of the benchmark don't count. */
  readonly settings: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Fills its data directory before it starts. */
  readonly prepare?: (directory: string) => Promise<void>;
}

/** Loading the model takes seconds, on a busy machine many. */
const READY_MS = 120_000;
const LOOK_AGAIN_MS = 50;

/** Does `work` with a server of its own, which has loaded its model, and removes it with all its data afterwards. */
export async function withMeasuredServer<T>(
  options: ServerOptions,
  work: (server: MeasuredServer) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(path.join(tmpdir(), 'verbatim-bench-'));
  try {
    await options.prepare?.(directory);
    const child = await startMeasured({
      entry: options.entry,
      environment: { LOG_LEVEL: 'warn', ...options.settings, HOST: '127.0.0.1', PORT: '0', DATA_DIR: directory },
      // No other place has a file with settings that it would read.
      directory,
      signal: options.signal,
    });
    try {
      const url = await untilReady(child, directory, options.signal);
      const aborted = new Promise<never>((_resolve, reject) => {
        options.signal.addEventListener('abort', () => reject(new Error('interrupted')), { once: true });
      });
      return await Promise.race([work(measured(child, url)), aborted]);
    } finally {
      await child.stop();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function measured(child: MeasuredProcess, url: string): MeasuredServer {
  return {
    address: { url: new URL('/graphql', url), token: null },
    usage: async () => {
      const [server, recognisers] = await Promise.all([child.usage(), recogniserUsage(child.pid)]);
      return { server, recognisers };
    },
    complaints: child.output,
  };
}

/** @returns where it listens. */
async function untilReady(child: MeasuredProcess, directory: string, signal: AbortSignal): Promise<string> {
  for (const deadline = performance.now() + READY_MS; performance.now() < deadline;) {
    if (child.exit !== null) throw new Error(`the server did not start (${child.exit}): ${child.output.join('\n')}`);
    const announced = readAnnouncedServer(directory);
    if (announced !== null && (await fetch(`${announced.url}/ready`, { signal })).ok) return announced.url;
    await delay(LOOK_AGAIN_MS, undefined, { signal });
  }
  throw new Error(`the server was not ready within ${READY_MS / 1000} s`);
}
