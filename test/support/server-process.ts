import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface ServerProcess {
  readonly url: string;
  /** `kill -9` of the server and of its recogniser processes, as a power cut takes them all. */
  kill(): Promise<void>;
  /** @returns the exit code. */
  signal(name: NodeJS.Signals): Promise<number | null>;
}

/** The real server as a process of its own, with the scripted recogniser; resolves when it is ready. */
export async function startServerProcess(
  dataDirectory: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<ServerProcess> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/main.ts'], {
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
  try {
    return { url: await untilReady(child), kill: () => killGroup(child), signal: (name) => signal(child, name) };
  } catch (error) {
    await killGroup(child);
    throw error;
  }
}

/** The address in the log, once it says that the server is ready. */
async function untilReady({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error('The server has no output');
  const lines = createInterface({ input: stdout });
  let url: string | null = null;
  for await (const line of lines) {
    const event: unknown = JSON.parse(line);
    if (typeof event !== 'object' || event === null || !('msg' in event)) continue;
    if ('url' in event && typeof event.url === 'string') url = event.url;
    if (url !== null && event.msg === 'ready to transcribe') {
      // Read on, or the pipe fills and the server waits.
      stdout.resume();
      return url;
    }
  }
  throw new Error('The server ended before it was ready');
}

async function killGroup(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  process.kill(-child.pid, 'SIGKILL');
  await exited;
}

async function signal(child: ChildProcess, name: NodeJS.Signals): Promise<number | null> {
  const exited = once(child, 'exit');
  child.kill(name);
  await exited;
  return child.exitCode;
}
