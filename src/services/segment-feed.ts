import type { Segment } from '../database/session-records.ts';
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
  offerEdited(final: Segment): void;
}

export interface SegmentFeedOptions {
  /** True: no segment will come any more. @default false */
  readonly ended?: boolean;
  /** A final as it is to be shown now, by what people have changed since it was read. @default as it was read */
  readonly refresh?: (final: Segment) => Segment;
  /** By id, the revisions of the finals that were changed before. @default none was */
  readonly edited?: Iterable<readonly [id: string, revision: number]>;
}

/**
 * The live segments of one session, in order, to any number of subscribers.
 *
 * Finals are never queued per subscriber: each remembers the last sequence it was given and asks for the next, so history,
 * hand-over to live, and a slow reader are one path, without a gap or a double. Of an interim only the newest revision waits,
 * and so it is with a final that a person changes: who was given it before is given it again, as it is now.
 */
export class SegmentFeed {
  readonly #readFinals: ReadFinals;
  readonly #subscribers = new Set<Subscriber>();
  readonly #interims = new Map<string, Segment>();
  readonly #refresh: (final: Segment) => Segment;
  /** By id, which version of a changed final subscribers were told of last. */
  readonly #told: Map<string, number>;
  #recent: Segment[] = [];
  #lastSequence: number;
  #ended: boolean;
  #discarded = false;

  /** @param lastSequence of the last final that exists already. */
  constructor(
    readFinals: ReadFinals,
    lastSequence: number,
    { ended = false, refresh = (final) => final, edited = [] }: SegmentFeedOptions = {},
  ) {
    this.#readFinals = readFinals;
    this.#lastSequence = lastSequence;
    this.#ended = ended;
    this.#refresh = refresh;
    this.#told = new Map(edited);
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

  /**
   * A final that was published before, as a person has changed it; its revision is higher. Two who change it at a time may both
   * come with the newer version, or the wrong way round: nobody is given one twice, or an older one behind a newer.
   */
  publishEdited(final: Segment): void {
    if (final.revision <= (this.#told.get(final.id) ?? 0)) return;
    this.#told.set(final.id, final.revision);
    this.#recent = this.#recent.map((recent) => (recent.id === final.id ? final : recent));
    for (const subscriber of this.#subscribers) subscriber.offerEdited(final);
  }

  /** What people have changed concerns many finals. Nobody is given those again that he was given before. */
  refresh(): void {
    this.#recent = this.#recent.map(this.#refresh);
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

  /**
   * @param afterSequence finals above it come first, 0 to `lastSequence`; by default only those from now on.
   * @param readEdited for a subscriber who was away: finals up to `afterSequence` that were changed at some time. He is given
   *   them again before anything else, since nobody knows whether he has them as they are now.
   */
  subscribe(afterSequence = this.#lastSequence, readEdited: ReadFinals | null = null): AsyncIterableIterator<Segment> {
    const waiting = new Map(this.#interims);
    /** Interims that the subscriber has seen and that are neither final nor withdrawn yet. */
    const shown = new Set<string>();
    let history: Segment[] = [];
    let delivered = afterSequence;
    /** Finals that he was given, and that were changed since. */
    const edited = new Map<string, Segment>();
    /** By id: revisions that he read before subscribers were told of them. */
    const ahead = new Map<string, number>();
    let isAway = readEdited !== null;
    let missed: Segment[] = [];
    let missedSequence = 0;

    const give = (final: Segment | undefined): Pulled<Segment> => {
      if (final === undefined || final.sequence !== delivered + 1) {
        throw new Error(`Final ${delivered + 1} is missing between database and journal`);
      }
      delivered = final.sequence;
      shown.delete(final.id);
      return giveAsItIs(final);
    };
    const giveAsItIs = (read: Segment): Pulled<Segment> => {
      // What was read some time ago may have been changed meanwhile.
      const item = this.#refresh(read);
      if (this.#isUntold(item)) ahead.set(item.id, item.revision);
      return { item };
    };
    const giveAgain = (final: Segment): Pulled<Segment> => {
      const newer = edited.get(final.id);
      edited.delete(final.id);
      return giveAsItIs(newer ?? final);
    };
    const readMissed = async (read: ReadFinals): Promise<Pulled<Segment>> => {
      missed = [...(await read(missedSequence, HISTORY_PAGE))];
      missedSequence = missed.at(-1)?.sequence ?? missedSequence;
      if (missed.length < HISTORY_PAGE) isAway = false;
      return pull();
    };
    const readOn = async (): Promise<Pulled<Segment>> => {
      history = [...(await this.#readFinals(delivered, HISTORY_PAGE))];
      return give(history.shift());
    };
    const pull = (): Pulled<Segment> | Promise<Pulled<Segment>> => {
      if (this.#discarded) return 'end';
      const again = missed.shift();
      if (again !== undefined) return giveAgain(again);
      if (isAway && readEdited !== null) return readMissed(readEdited);
      for (const final of edited.values()) return giveAgain(final);
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
      offerEdited: (final) => {
        const read = ahead.get(final.id) ?? 0;
        if (read <= final.revision) ahead.delete(final.id);
        if ((final.sequence ?? 0) > delivered || read >= final.revision) return;
        edited.set(final.id, final);
        subscriber.subscription.wake();
      },
    };
    this.#subscribers.add(subscriber);
    return subscriber.subscription;
  }

  #isUntold({ id, revision, edit }: Segment): boolean {
    const told = this.#told.get(id);
    return told === undefined ? edit !== undefined : revision > told;
  }

  #recentFinal(sequence: number): Segment | undefined {
    const first = this.#recent[0]?.sequence;
    return first === undefined || first === null ? undefined : this.#recent[sequence - first];
  }
}
