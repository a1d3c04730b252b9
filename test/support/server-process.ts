import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readdir } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { compiled } from './compiled-program.ts';

export interface ServerProcess {
  readonly url: string;
  /** `kill -9` of the server and of its recogniser processes, as a power cut takes them all. */
  kill(): Promise<void>;
  /** @returns the exit code; `null` when a signal ended it. */
  signal(name: NodeJS.Signals): Promise<number | null>;
}

/** A server that was started, but may not have come far yet. */
export interface SpawnedServer {
  readonly pid: number;
  /** Resolves with its address when it listens. @throws when it ends before. */
  readonly listening: Promise<string>;
  /** Resolves with its address when its model is loaded, too. @throws when it ends before. */
  readonly ready: Promise<string>;
  /** Resolves with the exit code, `null` when a signal ended it. */
  readonly exited: Promise<number | null>;
  readonly hasExited: boolean;
  kill(): Promise<void>;
  /** Sends a signal to the server alone, if it is still there. */
  send(name: NodeJS.Signals): void;
  /** Ids of its recogniser processes, ascending; Linux only. */
  recogniserPids(): Promise<number[]>;
}

export interface SpawnOptions {
  /** What node runs; by default the server as it was compiled before the tests. */
  readonly arguments?: readonly string[];
  /** Called with each line of its log. */
  readonly onLog?: (event: LogEvent) => void;
}

/** A line of the server's log. */
export interface LogEvent {
  /** As of pino: 30 info, 40 warn, 50 error. */
  readonly level?: unknown;
  readonly msg?: unknown;
  readonly [detail: string]: unknown;
}

export const SERVER_PROGRAM = [compiled('main.ts')];

/** The real server as a process of its own, with the scripted recogniser; resolves when it is ready. */
export async function startServerProcess(
  dataDirectory: string,
  environment: Readonly<Record<string, string>> = {},
  options: SpawnOptions = {},
): Promise<ServerProcess> {
  const server = spawnServer(dataDirectory, environment, options);
  try {
    const url = await server.ready;
    return { url, kill: () => server.kill(), signal: (name) => (server.send(name), server.exited) };
  } catch (error) {
    await server.kill();
    throw error;
  }
}

/** The same, without waiting for anything. It does not outlive this process, unless that is killed without warning. */
export function spawnServer(
  dataDirectory: string,
  environment: Readonly<Record<string, string>> = {},
  { arguments: serverArguments = SERVER_PROGRAM, onLog = () => undefined }: SpawnOptions = {},
): SpawnedServer {
  const child = spawn(process.execPath, serverArguments, {
    // A process group of its own, so that one signal reaches all of it.
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      MODEL: 'scripted',
      RECOGNISER_PROCESSES: '1',
      INTERIM_INTERVAL_MS: '200',
      HOST: '127.0.0.1',
      PORT: '0',
      LOG_LEVEL: 'info',
      DATA_DIR: dataDirectory,
      ...environment,
    },
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('The server could not be started');
  const killGroup = () => {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // Nobody is left of it.
    }
  };
  const exited = once(child, 'exit').then(() => {
    process.off('exit', killGroup);
    return child.exitCode;
  });
  process.on('exit', killGroup);
  return {
    pid,
    ...watchStart(child, onLog),
    exited,
    get hasExited() {
      return hasExited(child);
    },
    kill: async () => {
      killGroup();
      await exited;
    },
    send: (name) => void child.kill(name),
    recogniserPids: () => recogniserPids(pid),
  };
}

/** Reads the log to its end, or the pipe would fill and the server wait. */
function watchStart({ stdout }: ChildProcess, onLog: NonNullable<SpawnOptions['onLog']>) {
  if (stdout === null) throw new Error('The server has no output');
  const lines = createInterface({ input: stdout });
  let url: string | null = null;
  const urlOnce = (condition: (event: LogEvent) => boolean) =>
    new Promise<string>((resolve, reject) => {
      lines.on('line', (line) => {
        const event = parseLine(line);
        if (event === null) return;
        if (typeof event['url'] === 'string') url ??= event['url'];
        if (url !== null && condition(event)) resolve(url);
      });
      lines.on('close', () => reject(new Error('The server ended before it was ready')));
    });
  const listening = urlOnce(() => true);
  const ready = urlOnce(({ msg }) => msg === 'ready to transcribe');
  // Whoever waits for neither is not taken down by their failure.
  for (const start of [listening, ready]) start.catch(() => undefined);
  lines.on('line', (line) => {
    const event = parseLine(line);
    if (event !== null) onLog(event);
  });
  return { listening, ready };
}

/** A line of the log; `null` for what a process that was killed left unfinished. */
function parseLine(line: string): LogEvent | null {
  try {
    const event: unknown = JSON.parse(line);
    return typeof event === 'object' && event !== null ? { ...event } : null;
  } catch {
    return null;
  }
}

/** The recogniser processes among the children of each thread of a server, as in proc_pid_task_tid_children(5); Linux only. */
export async function recogniserPids(serverPid: number): Promise<number[]> {
  const tasks = `/proc/${serverPid}/task`;
  const threads = await readdir(tasks).catch(() => []);
  const lists = await Promise.all(
    threads.map((thread) => readFile(`${tasks}/${thread}/children`, 'utf8').catch(() => '')),
  );
  const children = lists.flatMap((list) => list.split(' ').filter((pid) => pid !== ''));
  const commands = await Promise.all(children.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  // A loader for TypeScript has children, too.
  return children
    .filter((_, index) => commands[index]?.includes('recogniser-process'))
    .map(Number)
    .toSorted((a, b) => a - b);
}

function hasExited({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}
