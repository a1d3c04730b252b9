import { spawnServer, type LogEvent, type SpawnedServer } from '../../support/server-process.ts';
import type { Findings } from './findings.ts';
import type { Network } from './network.ts';

export interface HostParts {
  readonly dataDirectory: string;
  /** What node runs. */
  readonly serverArguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly network: Network;
  readonly findings: Findings;
  /** Messages of level error that the faults of this scenario may cause. */
  readonly expectedErrors: readonly string[];
}

const ERROR_LEVEL = 50;
const START_LIMIT_MS = 30_000;

/** The machine that the server runs on: starts it on the same data again and again, and ends it in various ways. */
export class Host {
  readonly #parts: HostParts;
  #server: SpawnedServer | null = null;
  /** Where the server listens itself, without the network in between. */
  url = '';

  constructor(parts: HostParts) {
    this.#parts = parts;
  }

  /** Starts the server without waiting for it. */
  spawn(): SpawnedServer {
    const { dataDirectory, environment, serverArguments } = this.#parts;
    const server = spawnServer(dataDirectory, environment, {
      arguments: serverArguments,
      onLog: (event) => this.#judge(event),
    });
    this.#server = server;
    void this.#watch(server);
    return server;
  }

  /** Starts the server; clients don't reach it yet. @throws when it does not listen soon. */
  async start(): Promise<void> {
    const server = this.spawn();
    const limit = setTimeout(() => void server.kill(), START_LIMIT_MS);
    this.url = await server.listening;
    clearTimeout(limit);
  }

  /** From now on clients reach the server. */
  connect(): void {
    this.#parts.network.target = this.url;
  }

  /** `kill -9` of the server and its recogniser processes. */
  async kill(): Promise<void> {
    const server = this.#leave();
    await server?.kill();
  }

  /** Asks the server to end. @returns its exit code */
  async terminate(): Promise<number | null> {
    const server = this.#leave();
    server?.send('SIGTERM');
    return (await server?.exited) ?? null;
  }

  /** Asks again after `pauseMs` milliseconds, if it is still there. */
  async terminateTwice(pauseMs: number): Promise<void> {
    const server = this.#leave();
    server?.send('SIGTERM');
    const again = setTimeout(() => server?.send('SIGTERM'), pauseMs);
    await server?.exited;
    clearTimeout(again);
  }

  /**
   * Those that are there once the server has started: one that dies before all of them have loaded their model tells the
   * server that it can't start.
   */
  async recogniserPids(): Promise<number[]> {
    await this.#server?.ready;
    return (await this.#server?.recogniserPids()) ?? [];
  }

  /** What happens to the server from now on is meant to happen. */
  #leave(): SpawnedServer | null {
    const server = this.#server;
    this.#server = null;
    this.#parts.network.target = null;
    return server;
  }

  async #watch(server: SpawnedServer): Promise<void> {
    const code = await server.exited;
    if (this.#server !== server) return;
    this.#parts.findings.add('broken promise', `the server ended by itself, with exit code ${code}`);
  }

  #judge({ level, msg, ...details }: LogEvent): void {
    const { findings, expectedErrors } = this.#parts;
    if (typeof level !== 'number' || level < ERROR_LEVEL || expectedErrors.includes(String(msg))) return;
    findings.add('broken promise', `the server logged "${String(msg)}": ${JSON.stringify(details).slice(0, 600)}`);
  }
}
