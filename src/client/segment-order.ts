import type { Segment } from './segments.ts';

/** The last final that was given to the program. */
export interface LastFinal {
  readonly cursor: string;
  /** By channel: where the last final that was given of it ends, in milliseconds; 0 or absent: none was. */
  readonly endsMs: readonly number[];
}

export interface SegmentListener {
  readonly onInterim: (segment: Segment) => void;
  readonly onFinal: (segment: Segment) => void;
  /** A final that was given before, as a person has changed it. */
  readonly onEdited: (segment: Segment) => void;
  /** An interim that will not become a final. */
  readonly onWithdrawn: (segment: Segment) => void;
}

/**
 * Gives each final once and in order, over any number of subscriptions, tells of those that people change later, and settles
 * every interim: by its final, by a newer interim, or by withdrawing it.
 */
export class SegmentOrder {
  readonly #listener: SegmentListener;
  readonly #interims = new Map<string, Segment>();
  #last: LastFinal | null;
  /** Sequence of the last final that was given; `null` where only its place is known. */
  #lastSequence: number | null;
  /**
   * By channel: finals that begin before it were given already, under numbers that the server has forgotten; in milliseconds.
   * A long utterance of one channel comes after a short one of another, before whose end it began.
   */
  #givenUntilMs: readonly number[] = [];

  constructor(listener: SegmentListener, last: LastFinal | null) {
    this.#listener = listener;
    this.#last = last;
    this.#lastSequence = last === null ? 0 : null;
  }

  get last(): LastFinal | null {
    return this.#last;
  }

  /** What a subscription must ask for, to go on where the last one was cut off. */
  get position(): { readonly after: string | null; readonly fromStart: boolean } {
    return { after: this.#last?.cursor ?? null, fromStart: this.#last === null };
  }

  /**
   * The server does not know the last final any more: a backup was restored. It is asked for all of them again, and what
   * lies before the end of its channel's last final is not given a second time.
   */
  forgetPosition(): void {
    this.#givenUntilMs = this.#endsMs;
    this.#last = null;
    this.#lastSequence = 0;
  }

  receive(segment: Segment): void {
    if (segment.kind === 'INTERIM') this.#receiveInterim(segment);
    else this.#receiveFinal(segment);
  }

  /** On a new connection: interims that were given and are not open any more were withdrawn meanwhile, or are final. */
  keepOnly(openIds: readonly string[]): void {
    for (const interim of this.#interims.values()) if (!openIds.includes(interim.id)) this.#withdraw(interim);
  }

  /** No segment will come any more. */
  end(): void {
    this.keepOnly([]);
  }

  #receiveInterim(segment: Segment): void {
    // A channel has one interim at most.
    for (const other of this.#interims.values()) {
      if (other.channel === segment.channel && other.id !== segment.id) this.#withdraw(other);
    }
    if (segment.text === '') {
      this.#withdraw(segment);
      return;
    }
    this.#interims.set(segment.id, segment);
    this.#listener.onInterim(segment);
  }

  #receiveFinal(segment: Segment): void {
    const { channel, cursor } = segment;
    if (this.#isBehind(segment)) {
      // Its cursor would lead back.
      this.#listener.onEdited(segment);
      return;
    }
    this.#lastSequence = segment.sequence;
    if (cursor !== null) this.#last = { cursor, endsMs: withAt(this.#endsMs, channel, segment.endMs) };
    if (segment.startMs < (this.#givenUntilMs[channel] ?? 0)) return;
    this.#interims.delete(segment.id);
    for (const other of this.#interims.values()) {
      if (other.channel === segment.channel && other.startMs < segment.endMs) this.#withdraw(other);
    }
    this.#listener.onFinal(segment);
  }

  #isBehind({ sequence, channel, endMs }: Segment): boolean {
    if (this.#lastSequence !== null) return sequence !== null && sequence <= this.#lastSequence;
    return endMs <= (this.#last?.endsMs[channel] ?? 0);
  }

  get #endsMs(): readonly number[] {
    return this.#last?.endsMs ?? this.#givenUntilMs;
  }

  #withdraw(interim: Segment): void {
    if (this.#interims.delete(interim.id)) this.#listener.onWithdrawn(interim);
  }
}

/** The same with `value` at `index`, if that is more than what stands there. */
function withAt(values: readonly number[], index: number, value: number): number[] {
  const length = Math.max(values.length, index + 1);
  return Array.from({ length }, (_, i) => Math.max(values[i] ?? 0, i === index ? value : 0));
}
