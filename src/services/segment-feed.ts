import type { Segment } from '../database/session-store.ts';
import { PullSubscription, type Pulled } from './pull-subscription.ts';

/** Finals of the session with a sequence above `afterSequence`, ascending, at most `limit`, without a hole. */
export type ReadFinals = (afterSequence: number, limit: number) => Promise<readonly Segment[]>;

/** Finals kept at hand for subscribers that are nearly up to date; others read from the database and the journal. */
const RECENT_FINALS = 64;
const HISTORY_PAGE = 50;

interface Subscriber {
  readonly subscription: PullSubscription<Segment>;
  offerInterim(interim: Segment): void;
  forgetInterim(id: string): void;
}

/**
 * The live segments of one session, in order, to any number of subscribers.
 *
 * Finals are never queued per subscriber: each remembers the last sequence it was given and asks for the next, so history,
 * hand-over to live, and a slow reader are one path, without a gap or a double. Of an interim only the newest revision waits.
 */
export class SegmentFeed {
  readonly #readFinals: ReadFinals;
  readonly #subscribers = new Set<Subscriber>();
  readonly #interims = new Map<string, Segment>();
  #recent: Segment[] = [];
  #lastSequence: number;
  #ended: boolean;
  #discarded = false;

  /** @param lastSequence of the last final that exists already. @param ended true: no segment will come any more. */
  constructor(readFinals: ReadFinals, lastSequence: number, ended = false) {
    this.#readFinals = readFinals;
    this.#lastSequence = lastSequence;
    this.#ended = ended;
  }

  get lastSequence(): number {
    return this.#lastSequence;
  }

  /** The open utterances, at most one per channel. */
  get interims(): Segment[] {
    return [...this.#interims.values()].filter((interim) => interim.text !== '');
  }

  /** A new revision of an interim; an empty text withdraws it. */
  publishInterim(interim: Segment): void {
    for (const [id, other] of this.#interims) if (other.channel === interim.channel) this.#interims.delete(id);
    if (interim.text !== '') this.#interims.set(interim.id, interim);
    for (const subscriber of this.#subscribers) subscriber.offerInterim(interim);
  }

  /** The next final: already durable, its sequence follows the last one. It replaces the interim of its id. */
  publishFinal(final: Segment): void {
    if (final.sequence !== this.#lastSequence + 1) {
      throw new Error(`Final ${final.sequence} of session ${final.sessionId} does not follow ${this.#lastSequence}`);
    }
    this.#lastSequence = final.sequence;
    this.#recent.push(final);
    if (this.#recent.length > RECENT_FINALS) this.#recent.shift();
    this.#interims.delete(final.id);
    for (const subscriber of this.#subscribers) {
      subscriber.forgetInterim(final.id);
      subscriber.subscription.wake();
    }
  }

  /** Nothing more will come: subscriptions complete after the last final. */
  end(): void {
    this.#ended = true;
    this.#interims.clear();
    for (const subscriber of this.#subscribers) subscriber.subscription.wake();
  }

  /** The session is deleted: subscriptions complete where they are. */
  discard(): void {
    this.#discarded = true;
    this.end();
  }

  /** Opens again after `end`, for those who subscribe from now on. */
  reopen(): void {
    this.#ended = false;
  }

  /** @param afterSequence finals above it come first, 0 to `lastSequence`; by default only those from now on. */
  subscribe(afterSequence = this.#lastSequence): AsyncIterableIterator<Segment> {
    const waiting = new Map(this.#interims);
    /** Interims that the subscriber has seen and that are neither final nor withdrawn yet. */
    const shown = new Set<string>();
    let history: Segment[] = [];
    let delivered = afterSequence;

    const give = (final: Segment | undefined): Pulled<Segment> => {
      if (final === undefined || final.sequence !== delivered + 1) {
        throw new Error(`Final ${delivered + 1} is missing between database and journal`);
      }
      delivered = final.sequence;
      shown.delete(final.id);
      return { item: final };
    };
    const readOn = async (): Promise<Pulled<Segment>> => {
      history = [...(await this.#readFinals(delivered, HISTORY_PAGE))];
      return give(history.shift());
    };
    const pull = (): Pulled<Segment> | Promise<Pulled<Segment>> => {
      if (this.#discarded) return 'end';
      if (delivered < this.#lastSequence) {
        const final = this.#recentFinal(delivered + 1) ?? history.shift();
        return final === undefined ? readOn() : give(final);
      }
      history = [];
      for (const [id, interim] of waiting) {
        waiting.delete(id);
        if (interim.text === '') shown.delete(id);
        else shown.add(id);
        return { item: interim };
      }
      return this.#ended ? 'end' : 'nothing-yet';
    };

    const subscriber: Subscriber = {
      subscription: new PullSubscription(pull, () => this.#subscribers.delete(subscriber)),
      offerInterim: (interim) => {
        // What was never shown needs no withdrawal.
        if (interim.text === '' && !shown.has(interim.id)) waiting.delete(interim.id);
        else waiting.set(interim.id, interim);
        subscriber.subscription.wake();
      },
      forgetInterim: (id) => waiting.delete(id),
    };
    this.#subscribers.add(subscriber);
    return subscriber.subscription;
  }

  #recentFinal(sequence: number): Segment | undefined {
    const first = this.#recent[0]?.sequence;
    return first === undefined || first === null ? undefined : this.#recent[sequence - first];
  }
}
