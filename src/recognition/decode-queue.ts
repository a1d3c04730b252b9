import type { Engine, Hypothesis } from './engine.ts';

/**
 * `final`: someone waits for it. `speculative`: a final if the silence that began lasts. `interim`: a draft.
 */
export type DecodeUrgency = 'final' | 'speculative' | 'interim';

export interface DecodeRequest {
  readonly urgency: DecodeUrgency;
  readonly language: string;
  /** Asked for when the decode begins, so that a draft hears the latest audio. */
  audio(): Float32Array;
  /** Called around the decode itself, also of one that is cancelled meanwhile. */
  began?(): void;
  ended?(): void;
  /** Called once, unless cancelled; neither may throw. */
  decoded(hypothesis: Hypothesis): void;
  failed(error: Error): void;
}

export interface DecodeTicket {
  /** True until the decode begins. */
  readonly isWaiting: boolean;
  /** What was speculative has become certain: it takes its place among the finals. */
  promote(): void;
  /** Forgets the request; what is already being decoded is thrown away. */
  cancel(): void;
}

interface Entry {
  readonly request: DecodeRequest;
  urgency: DecodeUrgency;
  cancelled: boolean;
}

/**
 * The decodes of one process, one at a time: finals first, then speculation, then interims, each in order of arrival.
 * Finals are never dropped. The rest gives way by itself under load: every stream has at most one interim and one
 * speculation per channel waiting, and they run only while no final waits.
 */
export class DecodeQueue {
  readonly #engine: Pick<Engine, 'decode'>;
  readonly #waiting: Record<DecodeUrgency, Entry[]> = { final: [], speculative: [], interim: [] };
  #running: Entry | null = null;
  #decodesEnded = 0;

  constructor(engine: Pick<Engine, 'decode'>) {
    this.#engine = engine;
  }

  /** True while something is decoded or waits for it. */
  get isBusy(): boolean {
    return this.#running !== null;
  }

  /** Counts decodes that came to an end: the sign of life of a process that has work. */
  get decodesEnded(): number {
    return this.#decodesEnded;
  }

  add(request: DecodeRequest): DecodeTicket {
    const entry: Entry = { request, urgency: request.urgency, cancelled: false };
    this.#waiting[entry.urgency].push(entry);
    // Not at once: whoever adds several has them all in the queue before the first is chosen.
    queueMicrotask(() => this.#startNext());
    const waiting = this.#waiting;
    return {
      get isWaiting() {
        return waiting[entry.urgency].includes(entry);
      },
      promote: () => {
        if (this.#withdraw(entry)) {
          entry.urgency = 'final';
          this.#waiting.final.push(entry);
        }
      },
      cancel: () => {
        entry.cancelled = true;
        this.#withdraw(entry);
      },
    };
  }

  #withdraw(entry: Entry): boolean {
    const queue = this.#waiting[entry.urgency];
    const index = queue.indexOf(entry);
    if (index >= 0) queue.splice(index, 1);
    return index >= 0;
  }

  #startNext(): void {
    if (this.#running !== null) return;
    const entry = this.#waiting.final.shift() ?? this.#waiting.speculative.shift() ?? this.#waiting.interim.shift();
    if (!entry) return;
    this.#running = entry;
    void this.#decode(entry);
  }

  async #decode(entry: Entry): Promise<void> {
    const { request } = entry;
    // A speculation may become the final, so it must not take an interim's short cuts.
    const purpose = request.urgency === 'interim' ? 'interim' : 'final';
    request.began?.();
    try {
      const hypothesis = await this.#engine.decode(request.audio(), { language: request.language, purpose });
      if (!entry.cancelled) request.decoded(hypothesis);
    } catch (error) {
      if (!entry.cancelled) request.failed(error instanceof Error ? error : new Error(String(error)));
    } finally {
      request.ended?.();
      this.#running = null;
      this.#decodesEnded += 1;
      // Messages that came in while the engine held the thread are taken before the next decode is chosen.
      setImmediate(() => this.#startNext());
    }
  }
}
