import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Engine, Hypothesis } from './engine.ts';

/**
 * `final`: someone waits for it. `speculative`: a final if the silence that began lasts. `interim`: a draft.
 */
export type DecodeUrgency = 'final' | 'speculative' | 'interim';

export interface DecodeRequest {
  readonly urgency: DecodeUrgency;
  readonly language: string;
  /** For an interim: see `DecodeOptions.seed`. */
  readonly seed?: unknown;
  /** Asked for when the decode begins, so that a draft hears the latest audio. */
  audio(): Float32Array;
  /** Called once, unless cancelled; neither may throw. */
  decoded(hypothesis: Hypothesis): void;
  failed(error: Error): void;
}

export interface DecodeTicket {
  /** True until the decode begins. */
  readonly isWaiting: boolean;
  /** What was speculative has become certain: it takes its place among the finals. */
  promote(): void;
  /** What was speculative has come to nothing: it is forgotten, or once it has begun goes on as a draft. */
  demote(): void;
  /** Forgets the request; what is already being decoded is broken off. */
  cancel(): void;
}

/** One stream, as far as the queue is concerned. */
export interface DecodeSource {
  /** True while it is far from live: a file that is sent as fast as it goes, or a stream that catches up. */
  isBehind(): boolean;
  /** Called when one of its decodes begins or goes on, and when it ends or is interrupted. */
  began?(): void;
  ended?(): void;
}

/** The way of one stream into the queue. */
export interface DecodeLine {
  add(request: DecodeRequest): DecodeTicket;
}

/** A line's share of the engine's time so far, ms. */
interface Share {
  readonly source: DecodeSource;
  usedMs: number;
  /** Decodes that wait or run. */
  entries: number;
}

interface Entry {
  readonly request: DecodeRequest;
  readonly share: Share;
  urgency: DecodeUrgency;
  cancelled: boolean;
  /** When it began or went on. */
  since: number;
}

/** So many turns are spent on hearing at most before a step: hearing must not hold up decoding for good, either. */
const MOST_TURNS_OF_HEARING = 32;

/** Ranks; the lowest goes first. From `SHARED` on lines take turns by the time that they have used. */
const FINAL = 0;
const SPECULATIVE = 1;
const SHARED = 2;
const LAST = 3;

/** Nobody wants the decode any more. */
class CancelledDecode extends Error {
  override readonly name = 'CancelledDecode';
}

/**
 * The decodes of one process, one at a time. Finals of live streams go first, in order of arrival, then their speculation in the
 * same way. Interims of live streams and finals of those that are behind share what time is left: next is the stream that has
 * used the least of it, so that neither a long speech nor a file at full speed takes it all. At last come speculation and
 * interims of streams that are behind.
 *
 * A decode that runs gives way, between its steps, to whatever ranks before it, and goes on afterwards; and before each step live
 * audio that has come is heard, which takes next to nothing and tells what is to be decided. Finals are never dropped. Interims
 * give way by themselves under load: at most one for each channel waits, and hears what there is when its turn comes.
 */
export class DecodeQueue {
  readonly #engine: Pick<Engine, 'decode'>;
  readonly #now: () => number;
  readonly #isHearing: () => boolean;
  /** In order of arrival. */
  readonly #waiting: Entry[] = [];
  #isWorking = false;
  #decodesEnded = 0;
  /** What the latest line had used when it was chosen: one that comes back from a pause has no older claims. */
  #turnMs = 0;

  /**
   * @param now monotonic, ms.
   * @param isHearing true while live audio waits to be heard; turns of the event loop get the streams on by a frame each, as soon
   *   as their detectors have answered.
   */
  constructor(
    engine: Pick<Engine, 'decode'>,
    now: () => number = () => performance.now(),
    isHearing: () => boolean = () => false,
  ) {
    this.#engine = engine;
    this.#now = now;
    this.#isHearing = isHearing;
  }

  /** True while something is decoded or waits for it. */
  get isBusy(): boolean {
    return this.#isWorking;
  }

  /** Counts decodes that came to an end: the sign of life of a process that has work. */
  get decodesEnded(): number {
    return this.#decodesEnded;
  }

  line(source: DecodeSource): DecodeLine {
    const share: Share = { source, usedMs: 0, entries: 0 };
    return { add: (request) => this.#add(request, share) };
  }

  #add(request: DecodeRequest, share: Share): DecodeTicket {
    if (share.entries === 0) share.usedMs = Math.max(share.usedMs, this.#turnMs);
    share.entries += 1;
    const entry: Entry = { request, share, urgency: request.urgency, cancelled: false, since: 0 };
    this.#waiting.push(entry);
    // Not at once: whoever adds several has them all in the queue before the first is chosen.
    queueMicrotask(() => void this.#work());
    const cancel = (): void => {
      entry.cancelled = true;
      if (this.#withdraw(entry)) share.entries -= 1;
    };
    const isWaiting = () => this.#waiting.includes(entry);
    return {
      get isWaiting() {
        return isWaiting();
      },
      promote: () => {
        entry.urgency = 'final';
        if (this.#withdraw(entry)) this.#waiting.push(entry);
      },
      demote: () => {
        if (isWaiting()) cancel();
        else entry.urgency = 'interim';
      },
      cancel,
    };
  }

  #withdraw(entry: Entry): boolean {
    const index = this.#waiting.indexOf(entry);
    if (index >= 0) this.#waiting.splice(index, 1);
    return index >= 0;
  }

  /** @returns what is to be decoded next, which then waits no longer; `null` when nothing ranks before `rank`. */
  #takeBefore(rank: number): Entry | null {
    let best: Entry | null = null;
    for (const entry of this.#waiting) {
      if (rankOf(entry) < rank && (best === null || goesBefore(entry, best))) best = entry;
    }
    if (best === null) return null;
    this.#withdraw(best);
    if (rankOf(best) >= SHARED) this.#turnMs = Math.max(this.#turnMs, best.share.usedMs);
    return best;
  }

  /** Decodes until nothing waits. */
  async #work(): Promise<void> {
    if (this.#isWorking) return;
    this.#isWorking = true;
    // What was decided in the step that asks for a final is told before its decode can end the process.
    if (this.#waiting.some(({ urgency }) => urgency !== 'interim')) await nextTurn();
    for (let next = this.#takeBefore(Infinity); next !== null; next = this.#takeBefore(Infinity)) {
      await this.#decode(next);
      // Messages that came in while the engine held the thread are taken before the next decode is chosen.
      await nextTurn();
      await this.#letHear();
    }
    this.#isWorking = false;
  }

  async #decode(entry: Entry): Promise<void> {
    const { request } = entry;
    // A speculation may become the final, so it must not take an interim's short cuts.
    const purpose = request.urgency === 'interim' ? 'interim' : 'final';
    this.#goOn(entry);
    try {
      const betweenSteps = () => this.#giveWay(entry);
      const hypothesis = await this.#engine.decode(request.audio(), {
        language: request.language,
        purpose,
        seed: request.seed,
        betweenSteps,
      });
      if (!entry.cancelled) request.decoded(hypothesis);
    } catch (error) {
      if (!entry.cancelled) request.failed(error instanceof Error ? error : new Error(String(error)));
    } finally {
      this.#interrupt(entry);
      entry.share.entries -= 1;
      this.#decodesEnded += 1;
    }
  }

  /** @throws CancelledDecode */
  #giveWay(entry: Entry): Promise<void> | undefined {
    if (entry.cancelled) throw new CancelledDecode();
    if (this.#isHearing()) return this.#letHear().then(() => this.#giveWayIfNeeded(entry));
    return this.#giveWayIfNeeded(entry);
  }

  #giveWayIfNeeded(entry: Entry): Promise<void> | undefined {
    if (entry.cancelled) throw new CancelledDecode();
    const next = this.#takeBefore(rankOf(entry));
    return next === null ? undefined : this.#giveWayTo(next, entry);
  }

  async #letHear(): Promise<void> {
    for (let turn = 0; turn < MOST_TURNS_OF_HEARING && this.#isHearing(); turn++) await nextTurn();
  }

  async #giveWayTo(first: Entry, entry: Entry): Promise<void> {
    this.#interrupt(entry);
    for (let next: Entry | null = first; next !== null; next = this.#takeBefore(rankOf(entry))) {
      await this.#decode(next);
      await nextTurn();
    }
    this.#goOn(entry);
    if (entry.cancelled) throw new CancelledDecode();
  }

  #goOn(entry: Entry): void {
    entry.since = this.#now();
    entry.share.source.began?.();
  }

  #interrupt(entry: Entry): void {
    entry.share.usedMs += this.#now() - entry.since;
    entry.share.source.ended?.();
  }
}

function rankOf({ urgency, share }: Entry): number {
  if (share.source.isBehind()) return urgency === 'final' ? SHARED : LAST;
  if (urgency === 'final') return FINAL;
  return urgency === 'speculative' ? SPECULATIVE : SHARED;
}

/** Whether `entry`, which came later, is to be decoded first. */
function goesBefore(entry: Entry, other: Entry): boolean {
  const rank = rankOf(entry);
  const otherRank = rankOf(other);
  if (rank !== otherRank) return rank < otherRank;
  return rank >= SHARED && entry.share.usedMs < other.share.usedMs;
}
