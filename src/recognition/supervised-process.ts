import { fork, type ChildProcess } from 'node:child_process';
import {
  isFromProcess,
  type FromProcess,
  type ProcessSettings,
  type StreamReport,
  type ToProcess,
} from './messages.ts';
import type { ProcessTiming } from './process-timing.ts';
import { RecognitionFailure, type FailureBlame, type RecognitionListener } from './recogniser.ts';
import type { NodeProgram } from '../node-program.ts';
import type { WorkDone } from './work-meter.ts';

/** By these the system ends a process for what its own code did. Any other signal was sent by somebody. */
const FAULT_SIGNALS: ReadonlySet<string> = new Set([
  'SIGABRT',
  'SIGBUS',
  'SIGFPE',
  'SIGILL',
  'SIGSEGV',
  'SIGSYS',
  'SIGTRAP',
]);

/** What the recogniser says about its processes; the interface is pino's. */
export interface RecogniserLogger {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

export interface ProcessOwner {
  onReady(): void;
  /** With each heartbeat: what it did since the one before. */
  onWork(done: WorkDone): void;
  /**
   * Called once; the streams of the process are told afterwards.
   * @param couldNotLoad it said that the model can't be loaded
   */
  onGone(error: RecognitionFailure, couldNotLoad: boolean): void;
}

/** One child process: its start, its streams' messages, its heartbeats, and its end. */
export class SupervisedProcess {
  readonly #child: ChildProcess;
  readonly #timing: ProcessTiming;
  readonly #owner: ProcessOwner;
  readonly #logger: RecogniserLogger;
  readonly #listeners = new Map<number, RecognitionListener>();
  readonly #heartbeat: NodeJS.Timeout;
  readonly #loadDeadline: NodeJS.Timeout;
  readonly #exited: Promise<void>;
  #ready = false;
  #couldNotLoad = false;
  #gone = false;
  #missedHeartbeats = 0;
  /** The stream whose audio it decodes, as far as it has said. */
  #decoding: number | null = null;
  #done: WorkDone = { heardMs: 0, busyMs: 0 };
  /** Why it is being killed or ends, when that is known before its exit. */
  #reason: string | null = null;

  constructor(options: {
    readonly program: NodeProgram;
    readonly settings: ProcessSettings;
    readonly timing: ProcessTiming;
    readonly owner: ProcessOwner;
    readonly logger: RecogniserLogger;
  }) {
    this.#timing = options.timing;
    this.#owner = options.owner;
    this.#logger = options.logger;
    this.#child = forkRecogniser(options.program, options.settings);
    this.#child.on('message', (message: unknown) => {
      if (isFromProcess(message)) this.#receive(message);
    });
    this.#child.on('error', (error) => {
      this.#reason ??= error.message;
      // A process that could not even be started has no exit.
      if (this.#child.pid === undefined) this.#leave(`could not be started: ${error.message}`, 'outside');
    });
    this.#exited = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        const blame = signal === null || FAULT_SIGNALS.has(signal) ? 'process' : 'outside';
        this.#leave(this.#reason ?? `ended (${signal ?? `exit code ${code}`})`, blame);
        resolve();
      });
      this.#child.once('error', () => {
        if (this.#child.pid === undefined) resolve();
      });
    });
    this.#heartbeat = setInterval(() => this.#beat(), this.#timing.heartbeatMs);
    this.#loadDeadline = setTimeout(() => this.#kill('took too long to load its model'), this.#timing.loadMs);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get isReady(): boolean {
    return this.#ready && !this.#gone;
  }

  /** Streams that it works for. */
  get streams(): number {
    return this.#listeners.size;
  }

  addListener(streamId: number, listener: RecognitionListener): void {
    this.#listeners.set(streamId, listener);
  }

  removeListener(streamId: number): void {
    this.#listeners.delete(streamId);
  }

  send(message: ToProcess): void {
    // When it has gone, its exit says so.
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  /** Ends it, by force if it does not do so by itself. Its streams hear no more. */
  async stop(): Promise<void> {
    this.#listeners.clear();
    this.#reason ??= 'was stopped';
    this.send({ type: 'shutdown' });
    const force = setTimeout(() => this.#child.kill('SIGKILL'), this.#timing.stopMs);
    await this.#exited;
    clearTimeout(force);
  }

  #receive(message: FromProcess): void {
    this.#missedHeartbeats = 0;
    switch (message.type) {
      case 'ready':
        this.#ready = true;
        clearTimeout(this.#loadDeadline);
        this.#owner.onReady();
        return;
      case 'decoding':
        this.#decoding = message.streamId;
        return;
      case 'load-failed':
        this.#couldNotLoad = true;
        this.#reason = message.message;
        return;
      case 'pong':
        this.#takeWork(message.done);
        if (message.stalledMs > this.#timing.stalledMs) this.#kill('hung: its work did not move');
        return;
      case 'warning':
        this.#logger.warn({ processId: this.pid }, message.message);
        return;
      case 'interim':
      case 'decision':
      case 'progress':
      case 'ended':
      case 'failure':
        this.#report(message);
    }
  }

  #takeWork(done: WorkDone): void {
    const { heardMs, busyMs } = this.#done;
    this.#done = done;
    this.#owner.onWork({ heardMs: done.heardMs - heardMs, busyMs: done.busyMs - busyMs });
  }

  #report(report: StreamReport): void {
    const listener = this.#listeners.get(report.streamId);
    if (!listener) return;
    switch (report.type) {
      case 'interim':
        listener.onInterim(report.interim);
        return;
      case 'decision':
        listener.onDecision(report.decision);
        return;
      case 'progress':
        listener.onProgress(report.frame);
        return;
      case 'ended':
        this.#listeners.delete(report.streamId);
        listener.onEnded(report.resume);
        return;
      case 'failure':
        this.#listeners.delete(report.streamId);
        listener.onFailure(new RecognitionFailure(report.message, 'stream'));
    }
  }

  #beat(): void {
    // While it loads its model it can't answer.
    if (!this.#ready) return;
    if (this.#missedHeartbeats >= this.#timing.missedHeartbeats) {
      this.#kill('hung: it did not answer');
      return;
    }
    this.#missedHeartbeats += 1;
    this.send({ type: 'ping' });
  }

  #kill(reason: string): void {
    this.#reason ??= reason;
    this.#child.kill('SIGKILL');
    this.#leave(this.#reason, 'process');
  }

  /** @param blame of a process that had its model loaded; what happens before that says nothing about audio. */
  #leave(reason: string, blame: FailureBlame): void {
    if (this.#gone) return;
    this.#gone = true;
    clearInterval(this.#heartbeat);
    clearTimeout(this.#loadDeadline);
    const message = this.#ready
      ? `the recogniser process ${reason}`
      : `the recogniser process did not start: ${reason}`;
    const failure = new RecognitionFailure(message, this.#ready ? blame : 'outside');
    this.#owner.onGone(failure, this.#couldNotLoad);
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    for (const [streamId, listener] of listeners) {
      const isSuspect = this.#decoding === null || this.#decoding === streamId;
      listener.onFailure(isSuspect ? failure : new RecognitionFailure(message, 'outside'));
    }
  }
}

function forkRecogniser({ file, nodeArguments }: NodeProgram, settings: ProcessSettings): ChildProcess {
  // A process that is meant to run out of memory must not take the machine's.
  const limits = settings.scriptedFaults === false ? [] : ['--max-old-space-size=128'];
  return fork(file, [JSON.stringify(settings)], {
    serialization: 'advanced',
    execArgv: [...nodeArguments, ...limits],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
}
