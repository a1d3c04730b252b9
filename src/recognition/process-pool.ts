import { CapacityEstimate } from './capacity-estimate.ts';
import { IsolatedStreams } from './isolated-streams.ts';
import type { ProcessSettings } from './messages.ts';
import { PooledStream } from './pooled-stream.ts';
import type { ProcessTiming } from './process-timing.ts';
import type {
  Recogniser,
  RecogniserCapabilities,
  RecogniserIdentity,
  RecognitionFailure,
  RecognitionListener,
  RecognitionStream,
  StreamOptions,
} from './recogniser.ts';
import type { NodeProgram } from '../node-program.ts';
import { SupervisedProcess, type ProcessOwner, type RecogniserLogger } from './supervised-process.ts';

export interface PoolOptions {
  readonly capabilities: RecogniserCapabilities;
  readonly identity: RecogniserIdentity;
  readonly processes: number;
  readonly program: NodeProgram;
  readonly settings: ProcessSettings;
  readonly timing: ProcessTiming;
  readonly logger: RecogniserLogger;
}

interface Slot {
  /** `null` during the pause before a replacement. */
  process: SupervisedProcess | null;
  failuresInARow: number;
  restart: NodeJS.Timeout | null;
}

/** A start gives up when one of its processes was lost so often in a row before any had its model loaded. */
const MOST_LOSSES_AT_START = 5;

/**
 * The recogniser's processes. Each stream belongs to the process that had the fewest when it was opened; a process that
 * ends or hangs is replaced, and its streams fail, to be opened again by their owners. Isolated streams have nothing to do
 * with these processes.
 */
export class ProcessPool implements Recogniser {
  readonly capabilities: RecogniserCapabilities;
  readonly identity: RecogniserIdentity;
  readonly #options: PoolOptions;
  readonly #slots: Slot[];
  /** Opened while no process was there. */
  readonly #waiting = new Set<PooledStream>();
  readonly #isolated: IsolatedStreams;
  readonly #estimate = new CapacityEstimate();
  #starting: { resolve(): void; reject(error: Error): void } | null = null;
  /** One process at least has had its model loaded, so it can be. */
  #loadedOnce = false;
  #stopped = false;
  #lastStreamId = 0;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.capabilities = options.capabilities;
    this.identity = options.identity;
    this.#slots = Array.from({ length: Math.max(1, options.processes) }, () => ({
      process: null,
      failuresInARow: 0,
      restart: null,
    }));
    this.#isolated = new IsolatedStreams((owner) => this.#fork(owner), options.timing.isolatedTurnMs, options.logger);
  }

  get ready(): boolean {
    return this.#slots.some((slot) => slot.process?.isReady);
  }

  get capacity(): number | null {
    return this.#estimate.streams(this.#slots.length);
  }

  /** Process ids, for diagnosis. */
  get pids(): number[] {
    return [...this.#slots.map((slot) => slot.process?.pid), this.#isolated.pid].filter((pid) => pid !== undefined);
  }

  async start(): Promise<void> {
    const started = new Promise<void>((resolve, reject) => {
      this.#starting = { resolve, reject };
    });
    for (const slot of this.#slots) this.#startProcess(slot);
    try {
      await started;
    } catch (error) {
      await this.stop();
      throw error;
    } finally {
      this.#starting = null;
    }
  }

  openStream(options: StreamOptions, listener: RecognitionListener): RecognitionStream {
    this.#lastStreamId += 1;
    const stream = new PooledStream(this.#lastStreamId, options, listener, () => {
      this.#waiting.delete(stream);
      this.#isolated.remove(stream);
    });
    if (options.isolated) {
      this.#isolated.add(stream);
      return stream;
    }
    const process = this.#leastLoaded();
    if (process) stream.attach(process);
    else this.#waiting.add(stream);
    return stream;
  }

  /** Ends all processes. Streams that are still open hear no more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#starting?.reject(new Error('the recogniser was stopped while it started'));
    this.#waiting.clear();
    const processes = this.#slots.flatMap((slot) => slot.process ?? []);
    for (const slot of this.#slots) if (slot.restart) clearTimeout(slot.restart);
    await Promise.all([this.#isolated.stop(), ...processes.map((process) => process.stop())]);
  }

  #startProcess(slot: Slot): void {
    slot.restart = null;
    let readyAt = Infinity;
    const { timing, logger } = this.#options;
    const process = this.#fork({
      onReady: () => {
        readyAt = performance.now();
        this.#loadedOnce = true;
        logger.info({ processId: process.pid }, 'recogniser process ready');
        if (this.#slots.every((other) => other.process?.isReady)) this.#starting?.resolve();
      },
      onWork: (done) => this.#estimate.add(done),
      onGone: (error, couldNotLoad) => {
        const proven = performance.now() - readyAt >= timing.provenMs;
        slot.failuresInARow = proven ? 1 : slot.failuresInARow + 1;
        this.#replace(slot, process, error, couldNotLoad);
      },
    });
    slot.process = process;
    for (const stream of this.#waiting) stream.attach(process);
    this.#waiting.clear();
  }

  #fork(owner: ProcessOwner): SupervisedProcess {
    const { program, settings, timing, logger } = this.#options;
    return new SupervisedProcess({ program, settings, timing, logger, owner });
  }

  #replace(slot: Slot, process: SupervisedProcess, error: RecognitionFailure, couldNotLoad: boolean): void {
    slot.process = null;
    if (this.#stopped) return;
    // A process that is killed while others load, or because memory is short, must not take the server with it.
    if (!this.#loadedOnce && (couldNotLoad || slot.failuresInARow >= MOST_LOSSES_AT_START)) {
      this.#starting?.reject(error);
      return;
    }
    const { firstRestartMs, longestRestartMs } = this.#options.timing;
    const pauseMs = Math.min(longestRestartMs, firstRestartMs * 2 ** (slot.failuresInARow - 1));
    this.#options.logger.error(
      { processId: process.pid, streams: process.streams, pauseMs, err: error },
      'recogniser process lost',
    );
    slot.restart = setTimeout(() => this.#startProcess(slot), pauseMs);
  }

  /** One that is ready if there is one, else one that is loading. */
  #leastLoaded(): SupervisedProcess | null {
    const processes = this.#slots.flatMap((slot) => slot.process ?? []);
    const ready = processes.filter((process) => process.isReady);
    const candidates = ready.length > 0 ? ready : processes;
    return candidates.reduce<SupervisedProcess | null>(
      (best, process) => (best && best.streams <= process.streams ? best : process),
      null,
    );
  }
}
