import { createResamplerTable, type ResamplerTable } from '../audio/resampler-table.ts';
import { DecodeQueue } from './decode-queue.ts';
import type { Engine } from './engine.ts';
import type { FromProcess, StreamRequest, ToProcess } from './messages.ts';
import type { RecognitionListener, StreamOptions } from './recogniser.ts';
import { RecognitionSession, toFailure } from './recognition-session.ts';
import type { StreamSettings } from './stream-context.ts';

export interface HostOptions {
  readonly engine: Engine;
  readonly settings: StreamSettings;
  readonly send: (message: FromProcess) => void;
  /** Monotonic, ms. */
  readonly now: () => number;
}

/** The inside of a recogniser process: its streams share one engine and one queue of decodes. */
export class RecogniserHost {
  readonly #options: HostOptions;
  readonly #queue: DecodeQueue;
  readonly #sessions = new Map<number, RecognitionSession>();
  readonly #tables = new Map<number, ResamplerTable>();
  #progressSeen = -1;
  #progressSeenAt: number;

  constructor(options: HostOptions) {
    this.#options = options;
    this.#queue = new DecodeQueue(options.engine);
    this.#progressSeenAt = options.now();
  }

  handle(message: Exclude<ToProcess, { type: 'shutdown' }>): void {
    if (message.type === 'ping') this.#options.send({ type: 'pong', stalledMs: this.#stalledMs() });
    else this.#handleRequest(message);
  }

  #handleRequest(request: StreamRequest): void {
    if (request.type === 'open') {
      this.#open(request.streamId, request.options);
      return;
    }
    // Absent after a failure: what is still on its way then is of no use.
    const session = this.#sessions.get(request.streamId);
    switch (request.type) {
      case 'audio':
        session?.writeAudio(request.startFrame, request.bytes);
        return;
      case 'gap':
        session?.writeGap(request.startFrame, request.frames);
        return;
      case 'end':
        session?.end();
        return;
      case 'close':
        session?.close();
        this.#sessions.delete(request.streamId);
    }
  }

  #open(streamId: number, options: StreamOptions): void {
    const { engine, settings, send } = this.#options;
    const listener: RecognitionListener = {
      onInterim: (interim) => send({ type: 'interim', streamId, interim }),
      onDecision: (decision) => send({ type: 'decision', streamId, decision }),
      onProgress: (frame) => send({ type: 'progress', streamId, frame }),
      onEnded: (resume) => {
        this.#sessions.delete(streamId);
        send({ type: 'ended', streamId, resume });
      },
      onFailure: (error) => {
        this.#sessions.delete(streamId);
        send({ type: 'failure', streamId, message: error.message });
      },
    };
    try {
      const session = new RecognitionSession(options, listener, {
        engine,
        settings,
        queue: this.#queue,
        table: this.#tableOf(options.format.sampleRate),
        warn: (message) => send({ type: 'warning', message }),
      });
      this.#sessions.set(streamId, session);
    } catch (error) {
      listener.onFailure(toFailure(error));
    }
  }

  #tableOf(rate: number): ResamplerTable {
    const table = this.#tables.get(rate) ?? createResamplerTable(rate);
    this.#tables.set(rate, table);
    return table;
  }

  /** Looked at with each ping, which is often enough to notice that a promise never settles. */
  #stalledMs(): number {
    const sessions = [...this.#sessions.values()];
    const isBusy = this.#queue.isBusy || sessions.some((session) => session.isBusy);
    const progress = sessions.reduce((sum, session) => sum + session.framesHeard, this.#queue.decodesEnded);
    if (!isBusy || progress !== this.#progressSeen) {
      this.#progressSeen = progress;
      this.#progressSeenAt = this.#options.now();
    }
    return this.#options.now() - this.#progressSeenAt;
  }
}
