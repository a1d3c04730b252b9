import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { compiled, PROJECT } from './compiled-program.ts';
import { descendantsOf } from './process-tree.ts';
import { until } from './wait.ts';

/** Runs the server, whatever the working directory. */
export const SERVER_COMMAND = [process.execPath, compiled('main.ts')];

const START_LIMIT_MS = 40_000;

/** The server as a command of its own, in a process group of its own, as a terminal would start it. */
export class RunningServer {
  readonly child: ChildProcess;
  readonly pid: number;
  output = '';
  readonly #ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;

  constructor(
    [program = '', ...args]: readonly string[],
    variables: Readonly<Record<string, string>>,
    directory = PROJECT,
  ) {
    this.child = spawn(program, args, {
      cwd: directory,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, MODEL: 'scripted', PORT: '0', RECOGNISER_PROCESSES: '1', ...variables },
    });
    if (this.child.pid === undefined) throw new Error(`${program} could not be started`);
    this.pid = this.child.pid;
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (data: Buffer) => {
        this.output += data.toString();
      });
    }
    this.#ended = once(this.child, 'exit').then(([code, signal]) => ({ code, signal }));
  }

  url(): Promise<string> {
    const address = () => /listening on (http:\S+?)"/u.exec(this.output)?.[1];
    return until(address, { what: 'the address', timeoutMs: START_LIMIT_MS });
  }

  async ready(): Promise<void> {
    await this.says('ready to transcribe');
  }

  async says(text: string): Promise<void> {
    await until(() => this.output.includes(text), { what: `"${text}"`, timeoutMs: START_LIMIT_MS });
  }

  /** How the command ended, which need not be the server itself. */
  ended(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    return this.#ended;
  }

  /** The server below the command. */
  get serverPid(): number {
    const [pid] = descendantsOf(this.pid, /^\S*node .*main\.(js|ts)/u);
    if (pid === undefined) throw new Error('No server runs below the command');
    return pid;
  }

  get recogniserPids(): number[] {
    return descendantsOf(this.pid, /recogniser-process/u);
  }

  /** As Ctrl-C on a terminal: to all processes of the group. */
  signalGroup(signal: NodeJS.Signals): void {
    process.kill(-this.pid, signal);
  }

  /** Ends what is left of the group. */
  cleanUp(): void {
    try {
      this.signalGroup('SIGKILL');
    } catch {
      // Nothing is left.
    }
  }
}
