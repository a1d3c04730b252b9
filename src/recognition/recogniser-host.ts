import { createResamplerTable, type ResamplerTable } from '../audio/resampler-table.ts';
import { DecodeQueue, type DecodeSource } from './decode-queue.ts';
import { FRAME_MS } from './endpointing.ts';
import type { Engine } from './engine.ts';
import type { FromProcess, StreamRequest, ToProcess } from './messages.ts';
import type { RecognitionListener, StreamOptions } from './recogniser.ts';
import { RecognitionSession, toFailure } from './recognition-session.ts';
import { StallWatch } from './stall-watch.ts';
import type { StreamSettings } from './stream-context.ts';
import { WorkMeter } from './work-meter.ts';

export interface HostOptions {
  readonly engine: Engine;
  readonly settings: StreamSettings;
  readonly send: (message: FromProcess) => void;
  /** Monotonic, ms. */
  readonly now: () => number;
}

interface OpenStream {
  readonly session: RecognitionSession;
  readonly watch: StallWatch;
}

/** The inside of a recogniser process: its streams share one engine and one queue of decodes. */
export class RecogniserHost {
  readonly #options: HostOptions;
  readonly #engine: Engine;
  readonly #queue: DecodeQueue;
  readonly #queueWatch = new StallWatch();
  readonly #meter: WorkMeter;
  readonly #streams = new Map<number, OpenStream>();
  readonly #tables = new Map<number, ResamplerTable>();
  /** Of streams that are over. */
  #framesHeard = 0;

  constructor(options: HostOptions) {
    this.#options = options;
    this.#meter = new WorkMeter(options.now);
    this.#engine = this.#meter.measure(options.engine);
    this.#queue = new DecodeQueue(this.#engine, options.now, () => this.#isHearing());
  }

  handle(message: Exclude<ToProcess, { type: 'shutdown' }>): void {
    if (message.type === 'ping') this.#answer();
    else this.#handleRequest(message);
  }

  #handleRequest(request: StreamRequest): void {
    if (request.type === 'open') {
      this.#open(request.streamId, request.options);
      return;
    }
    // Absent after a failure: what is still on its way then is of no use.
    const session = this.#streams.get(request.streamId)?.session;
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
        this.#forget(request.streamId);
    }
  }

  #open(streamId: number, options: StreamOptions): void {
    const { settings, send } = this.#options;
    const listener: RecognitionListener = {
      onInterim: (interim) => send({ type: 'interim', streamId, interim }),
      onDecision: (decision) => send({ type: 'decision', streamId, decision }),
      onProgress: (frame) => send({ type: 'progress', streamId, frame }),
      onEnded: (resume) => {
        this.#forget(streamId);
        send({ type: 'ended', streamId, resume });
      },
      onFailure: (error) => {
        this.#forget(streamId);
        send({ type: 'failure', streamId, message: error.message });
      },
    };
    try {
      const session = new RecognitionSession(options, listener, {
        engine: this.#engine,
        settings,
        queue: this.#queueOf(streamId),
        table: this.#tableOf(options.format.sampleRate),
        warn: (message) => send({ type: 'warning', message }),
        now: this.#options.now,
      });
      this.#streams.set(streamId, { session, watch: new StallWatch() });
    } catch (error) {
      listener.onFailure(toFailure(error));
    }
  }

  /** Tells whose decode is under way, so that the end of the process in the middle of it is not blamed on others. */
  #queueOf(streamId: number): Pick<DecodeQueue, 'line'> {
    const { send } = this.#options;
    const began = () => send({ type: 'decoding', streamId });
    const ended = () => send({ type: 'decoding', streamId: null });
    return { line: (source: DecodeSource) => this.#queue.line({ ...source, began, ended }) };
  }

  #forget(streamId: number): void {
    this.#framesHeard += this.#streams.get(streamId)?.session.framesHeard ?? 0;
    this.#streams.delete(streamId);
  }

  #isHearing(): boolean {
    for (const { session } of this.#streams.values()) if (session.isHearingLive) return true;
    return false;
  }

  #tableOf(rate: number): ResamplerTable {
    const table = this.#tables.get(rate) ?? createResamplerTable(rate);
    this.#tables.set(rate, table);
    return table;
  }

  #answer(): void {
    const streams = [...this.#streams.values()];
    const framesHeard = streams.reduce((sum, { session }) => sum + session.framesHeard, this.#framesHeard);
    const done = { heardMs: framesHeard * FRAME_MS, busyMs: this.#meter.busyMs };
    this.#options.send({ type: 'pong', stalledMs: this.#stalledMs(streams), done });
  }

  /**
   * Looked at with each ping, which is often enough to notice a promise that never settles. Each on its own: a decode that
   * never ends is not excused by audio that is still being heard.
   */
  #stalledMs(streams: readonly OpenStream[]): number {
    const now = this.#options.now();
    return Math.max(
      this.#queueWatch.stalledMs(this.#queue.isBusy, this.#queue.decodesEnded, now),
      ...streams.map(({ session, watch }) => watch.stalledMs(session.isBusy, session.framesHeard, now)),
    );
  }
}
