import type { PooledStream } from './pooled-stream.ts';
import type { RecognitionFailure } from './recogniser.ts';
import type { ProcessOwner, RecogniserLogger, SupervisedProcess } from './supervised-process.ts';

interface Isolated {
  readonly stream: PooledStream;
  readonly process: SupervisedProcess;
  /** Runs from when the process is ready. */
  turn: NodeJS.Timeout | null;
  turnIsOver: boolean;
}

/**
 * Gives streams a process of their own, one stream after the other, since each process has a model in memory. The process
 * begins and ends with its stream: what an earlier stream left behind in it could otherwise be blamed on the next one.
 *
 * A stream whose audio does not come (its client lost its connection) must not keep the others waiting until its session is
 * ended: after its turn it fails, blamed on nobody, as soon as another one waits, and is opened again behind that one.
 */
export class IsolatedStreams {
  readonly #startProcess: (owner: ProcessOwner) => SupervisedProcess;
  readonly #turnMs: number;
  readonly #logger: RecogniserLogger;
  readonly #waiting = new Set<PooledStream>();
  #current: Isolated | null = null;
  #stopped = false;

  /** @param turnMs see `ProcessTiming.isolatedTurnMs` */
  constructor(startProcess: (owner: ProcessOwner) => SupervisedProcess, turnMs: number, logger: RecogniserLogger) {
    this.#startProcess = startProcess;
    this.#turnMs = turnMs;
    this.#logger = logger;
  }

  /** `undefined` while no stream is isolated. */
  get pid(): number | undefined {
    return this.#current?.process.pid;
  }

  add(stream: PooledStream): void {
    if (this.#stopped) return;
    this.#waiting.add(stream);
    this.#startNext();
    this.#giveWay();
  }

  /** The stream ended, failed or was closed: the next one has its turn when the process is gone. */
  remove(stream: PooledStream): void {
    this.#waiting.delete(stream);
    if (this.#current?.stream === stream) void this.#end(this.#current);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#waiting.clear();
    clearTimeout(this.#current?.turn ?? undefined);
    await this.#current?.process.stop();
    this.#current = null;
  }

  #startNext(): void {
    if (this.#current) return;
    const [stream] = this.#waiting;
    if (!stream) return;
    this.#waiting.delete(stream);
    const process = this.#startProcess({
      onReady: () => {
        isolated.turn = setTimeout(() => {
          isolated.turnIsOver = true;
          this.#giveWay();
        }, this.#turnMs).unref();
      },
      onWork: () => {},
      onGone: (error) => this.#tellLost(error),
    });
    const isolated: Isolated = { stream, process, turn: null, turnIsOver: false };
    this.#current = isolated;
    stream.attach(process);
  }

  #giveWay(): void {
    if (this.#current?.turnIsOver && this.#waiting.size > 0) {
      this.#current.stream.interrupt('nothing was decided for long, and another stream waits for the process');
    }
  }

  /** Its stream is told of it, and removed for it. */
  #tellLost(error: RecognitionFailure): void {
    const process = this.#current?.process;
    if (process?.streams)
      this.#logger.error({ processId: process.pid, err: error }, 'isolated recogniser process lost');
  }

  async #end(isolated: Isolated): Promise<void> {
    clearTimeout(isolated.turn ?? undefined);
    await isolated.process.stop();
    if (this.#current === isolated) this.#current = null;
    this.#startNext();
  }
}
