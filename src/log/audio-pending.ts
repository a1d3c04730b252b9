import type { ChunkFraming } from '../audio/chunk-framing.ts';
import type { StoredContent, TimelineExtent } from './audio-records.ts';

/** The timeline's end, and how the next chunk is to be understood. */
export interface FramedExtent extends TimelineExtent {
  readonly framing: ChunkFraming;
}

/** An item on its way to the disk. */
export interface PendingItem {
  readonly content: StoredContent;
  readonly stored: Promise<void>;
}

/** What an audio log will hold when all that is on its way to the disk has gone well. */
export class PendingAppends implements FramedExtent {
  readonly #items = new Map<number, PendingItem>();
  #lost: Promise<void> | null = null;
  #end: Promise<void> | null = null;
  #nextSequence: number;
  #receivedFrames: number;
  #framing: ChunkFraming;

  constructor(durable: FramedExtent) {
    this.#nextSequence = durable.nextSequence;
    this.#receivedFrames = durable.receivedFrames;
    this.#framing = durable.framing;
  }

  get nextSequence(): number {
    return this.#nextSequence;
  }

  get receivedFrames(): number {
    return this.#receivedFrames;
  }

  get framing(): ChunkFraming {
    return this.#framing;
  }

  /** Whether part of the timeline (not only an end) is on its way. */
  get extendsTimeline(): boolean {
    return this.#items.size > 0 || this.#lost !== null;
  }

  /** The end, when it comes last. */
  get end(): Promise<void> | null {
    return this.#end;
  }

  item(sequence: number): PendingItem | undefined {
    return this.#items.get(sequence);
  }

  /** The last stretch given up as lost: numbers that are neither durable nor an item's are taken with it or one before it. */
  get lost(): Promise<void> | null {
    return this.#lost;
  }

  /** Adds the item of `nextSequence`. @param framing behind it */
  addItem(frames: number, framing: ChunkFraming, item: PendingItem): void {
    this.#items.set(this.#nextSequence, item);
    const receivedFrames = this.#receivedFrames + frames;
    this.#advance({ nextSequence: this.#nextSequence + 1, receivedFrames, framing });
  }

  addLost(to: FramedExtent, stored: Promise<void>): void {
    this.#lost = stored;
    this.#advance(to);
  }

  addEnd(stored: Promise<void>): void {
    this.#end = stored;
  }

  removeItem(sequence: number): void {
    this.#items.delete(sequence);
  }

  /** Does nothing when another one was added since. */
  removeLost(stored: Promise<void>): void {
    if (this.#lost === stored) this.#lost = null;
  }

  /** Does nothing when another one was added since. */
  removeEnd(stored: Promise<void>): void {
    if (this.#end === stored) this.#end = null;
  }

  /** An append failed, and all behind it with it: what is expected next is what follows the durable part. */
  fallBack(durable: FramedExtent): void {
    this.#items.clear();
    this.#lost = null;
    this.#advance(durable);
  }

  /** Resolves when all that is on its way now has been stored or has failed; an end does not count. */
  async settled(): Promise<void> {
    const appends = [...this.#items.values()].map(async ({ stored }) => stored);
    await Promise.allSettled([...appends, this.#lost]);
  }

  #advance(to: FramedExtent): void {
    this.#end = null;
    this.#nextSequence = to.nextSequence;
    this.#receivedFrames = to.receivedFrames;
    this.#framing = to.framing;
  }
}
