import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { until } from '../support/wait.ts';

/** A line of the server's log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly level: number; readonly msg: string };

export interface Memory {
  readonly rss: number;
  readonly heapUsed: number;
  /** Buffers and what native code holds. */
  readonly external: number;
}

export interface Descriptors {
  readonly all: number;
  readonly sockets: number;
}

export interface WatchedServerOptions {
  readonly dataDirectory: string;
  /** The compiled server (`npm run build` makes it), or the sources through a transpiler. */
  readonly built: boolean;
  readonly environment?: Readonly<Record<string, string>>;
  /** @default 60,000 ms */
  readonly readyWithinMs?: number;
}

const ROOT = path.resolve(import.meta.dirname, '../..');
const PROBE = path.join(import.meta.dirname, 'memory-probe.mjs');
const BUILT_ENTRY = path.join(ROOT, 'dist/main.js');
const WARN = 40;
export const ERROR = 50;

/** The real server as a process of its own, with the scripted recogniser, of which log, memory and open files are watched. */
export class WatchedServer {
  readonly pid: number;
  /** Its log's lines from `warn` on, and the output that is no log. */
  readonly complaints: LogLine[] = [];
  readonly noise: string[] = [];
  readonly #child: ChildProcess;
  readonly #probes: string;
  #url = '';
  #ready = false;

  private constructor(child: ChildProcess, probes: string) {
    if (child.pid === undefined || child.stdout === null || child.stderr === null) {
      throw new Error('The server could not be started');
    }
    this.#child = child;
    this.#probes = probes;
    this.pid = child.pid;
    createInterface({ input: child.stdout }).on('line', (line) => this.#read(line));
    createInterface({ input: child.stderr }).on('line', (line) => this.noise.push(line));
  }

  /** Resolves when the server is ready to transcribe. */
  static async start(options: WatchedServerOptions): Promise<WatchedServer> {
    const { dataDirectory, built, environment = {}, readyWithinMs = 60_000 } = options;
    if (built && !existsSync(BUILT_ENTRY)) throw new Error('There is no dist/main.js: run "npm run build" first');
    const probes = await mkdtemp(path.join(tmpdir(), 'verbatim-probes-'));
    const entry = built ? [BUILT_ENTRY] : ['--import', 'tsx', path.join(ROOT, 'src/main.ts')];
    const child = spawn(process.execPath, ['--expose-gc', '--import', PROBE, ...entry], {
      // A process group of its own, so that one signal reaches all of it.
      detached: true,
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        MODEL: 'scripted',
        RECOGNISER_PROCESSES: '1',
        HOST: '127.0.0.1',
        PORT: '0',
        LOG_LEVEL: 'info',
        DATA_DIR: dataDirectory,
        MEMORY_PROBE_DIR: probes,
        ...environment,
      },
    });
    const server = new WatchedServer(child, probes);
    try {
      await until(() => server.exit !== null || server.#ready, { timeoutMs: readyWithinMs, what: 'the start' });
      if (server.exit !== null)
        throw new Error(`The server did not start (${server.exit}): ${server.noise.join('\n')}`);
      return server;
    } catch (error) {
      await server.kill();
      throw error;
    }
  }

  get url(): string {
    return this.#url;
  }

  get port(): number {
    return Number(new URL(this.#url).port);
  }

  /** How it ended; `null` while it runs. */
  get exit(): string | null {
    const { exitCode, signalCode } = this.#child;
    return signalCode ?? (exitCode === null ? null : `exit code ${exitCode}`);
  }

  /** The server's own, and that of its recogniser processes, after a garbage collection. */
  async memory(): Promise<{ server: Memory; recogniser: Memory }> {
    const [server, ...recognisers] = await Promise.all(
      [this.pid, ...(await this.#children())].map((pid) => this.#ask(pid)),
    );
    if (server === undefined) throw new Error('The server has no memory');
    const sum = (of: keyof Memory) => recognisers.reduce((total, memory) => total + memory[of], 0);
    return { server, recogniser: { rss: sum('rss'), heapUsed: sum('heapUsed'), external: sum('external') } };
  }

  /** Files and sockets that it has open. */
  async descriptors(): Promise<Descriptors> {
    const names = await readdir(`/proc/${this.pid}/fd`);
    const targets = await Promise.all(names.map((name) => readlink(`/proc/${this.pid}/fd/${name}`).catch(() => null)));
    const open = targets.filter((target) => target !== null);
    return { all: open.length, sockets: open.filter((target) => target.startsWith('socket:')).length };
  }

  /** `kill -9` of the server and of its recogniser processes, as a power cut takes them all. */
  async kill(): Promise<void> {
    if (this.exit === null) {
      const exited = once(this.#child, 'exit');
      process.kill(-this.pid, 'SIGKILL');
      await exited;
    }
    await rm(this.#probes, { recursive: true, force: true });
  }

  async #ask(pid: number): Promise<Memory> {
    const file = path.join(this.#probes, `${pid}.json`);
    await rm(file, { force: true });
    process.kill(pid, 'SIGUSR2');
    return until(async () => JSON.parse(await readFile(file, 'utf8').catch(() => 'null')) as Memory | null, {
      timeoutMs: 30_000,
      what: `the memory of process ${pid}`,
    });
  }

  /** Its recogniser processes; others, as a transpiler's, answer no probe. */
  async #children(): Promise<number[]> {
    const threads = await readdir(`/proc/${this.pid}/task`);
    const lists = await Promise.all(
      threads.map((thread) => readFile(`/proc/${this.pid}/task/${thread}/children`, 'utf8').catch(() => '')),
    );
    const pids = lists.flatMap((list) => list.split(' ').filter(Boolean)).map(Number);
    const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
    return pids.filter((_, index) => commands[index]?.includes('recogniser-process'));
  }

  #read(text: string): void {
    const line = parseLine(text);
    if (line === null) {
      this.noise.push(text);
      return;
    }
    if (line.level >= WARN) this.complaints.push(line);
    if (typeof line['url'] === 'string') this.#url = line['url'];
    if (line.msg === 'ready to transcribe') this.#ready = true;
  }
}

function parseLine(text: string): LogLine | null {
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return null;
  }
}
