import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { z } from 'zod';

const usage = z.object({
  /** CPU time since its start, in milliseconds. */
  cpuMs: z.number(),
  residentBytes: z.number(),
  /** Beyond the time at which the event loop should have turned, since the usage was asked for last; milliseconds. */
  loopDelayMs: z.object({ p50: z.number(), p99: z.number(), max: z.number() }),
});
export type ProcessUsage = z.infer<typeof usage>;

export interface MeasuredProcess {
  readonly pid: number;
  /** Lines that it wrote to standard output. */
  readonly output: readonly string[];
  usage(): Promise<ProcessUsage>;
  /** `null` while it runs. */
  readonly exit: string | null;
  /** Asks it to end, and makes it end when it has not within some seconds. */
  stop(): Promise<void>;
}

const STOP_MS = 15_000;

/**
 * Starts a program in a process of its own that tells about its usage and ends with this one.
 *
 * @param entry JavaScript, or TypeScript, which is then transpiled at load
 * @param environment all that it is given, besides `PATH`
 * @param directory its working directory
 * @param signal ends it at once
 */
export async function startMeasured(options: {
  readonly entry: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly directory: string;
  readonly signal: AbortSignal;
}): Promise<MeasuredProcess> {
  const { entry, environment, directory, signal } = options;
  signal.throwIfAborted();
  const loader = entry.endsWith('.ts') ? ['--import', import.meta.resolve('tsx')] : [];
  const child = fork(entry, [], {
    cwd: directory,
    execArgv: [...loader, '--import', import.meta.resolve('./probe.mjs')],
    env: { PATH: process.env['PATH'], ...environment, MEASURED_BY: String(process.pid) },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    signal,
    killSignal: 'SIGKILL',
  });
  const measured = new ForkedProcess(child);
  await once(child, 'spawn', { signal });
  return measured;
}

class ForkedProcess implements MeasuredProcess {
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  readonly #closed: Promise<void>;
  #unfinishedLine = '';
  #exit: string | null = null;

  constructor(child: ChildProcess) {
    this.#child = child;
    this.#closed = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        this.#exit = signal ?? `exit code ${code}`;
        resolve();
      });
    });
    // Being killed on purpose is reported as an error; what it means is known to who raised the signal.
    child.on('error', () => undefined);
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (this.#unfinishedLine + text).split('\n');
      this.#unfinishedLine = lines.pop() ?? '';
      this.#lines.push(...lines);
    });
  }

  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error('the process was not started');
    return pid;
  }

  get output(): readonly string[] {
    return this.#lines;
  }

  get exit(): string | null {
    return this.#exit;
  }

  usage(): Promise<ProcessUsage> {
    return new Promise((resolve, reject) => {
      const onMessage = (message: unknown) => {
        this.#child.off('close', onClose);
        const parsed = usage.safeParse(message);
        if (parsed.success) resolve(parsed.data);
        else reject(new Error(`unexpected message of the measured process: ${JSON.stringify(message)}`));
      };
      const onClose = () => {
        this.#child.off('message', onMessage);
        reject(new Error(`the measured process ended (${this.#exit})`));
      };
      this.#child.once('message', onMessage);
      this.#child.once('close', onClose);
      this.#child.send('usage', (error) => {
        if (error !== null) reject(error);
      });
    });
  }

  async stop(): Promise<void> {
    if (this.#exit !== null) return;
    this.#child.kill('SIGTERM');
    const force = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    await this.#closed;
    clearTimeout(force);
  }
}
