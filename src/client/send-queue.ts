import { framesToMs, msToFrames, type AudioFormat } from '../audio/format.ts';
import { VerbatimError } from './errors.ts';
import { giveUp, mergeAudio } from './timeline.ts';
import type { AudioItem, AudioPiece, GapItem, QueueHead, TimelineItem } from './timeline.ts';

/** What a queue keeps, beyond what is under way. */
export interface QueueLimits {
  /** Bytes of audio that are kept in memory. */
  readonly maxBufferedBytes: number;
  /** Milliseconds of audio that has never been sent. */
  readonly maxBufferedMs: number;
  /** Longest chunk that is made of waiting ones, in milliseconds. */
  readonly maxChunkMs: number;
  /** Largest chunk that is made of waiting ones, in bytes. */
  readonly maxChunkBytes: number;
}

/** Audio that the recording lacks. */
export interface Gap {
  /** `overflow`: the buffer was full. `skip`: the program said so. `server`: the server had it, and lost it. */
  readonly reason: 'overflow' | 'skip' | 'server';
  /** Where in the recording it begins, in milliseconds. */
  readonly startMs: number;
  readonly durationMs: number;
}

/** A change of what must be kept: the items from frame `from` up to frame `to` are replaced. */
export interface QueueChange {
  readonly from: number;
  readonly to: number;
  readonly items: readonly TimelineItem[];
}

export interface QueueListener {
  readonly onChange: (change: QueueChange) => void;
  readonly onGap: (gap: Gap) => void;
}

/** An item with its number: what is sent. */
export type NumberedItem = TimelineItem & { readonly sequence: number };

/** How much is given up at a time, so that an overflow is told once a second and not with each chunk. */
const GIVE_UP_MS = 1_000;

/**
 * What was recorded and is not acknowledged, in order: first items that have a number, since they were sent and may be
 * stored, then items that were never sent.
 *
 * A number names the same bytes for good, so what has one is only ever sent again as it is. What has none may still be merged
 * into larger chunks, to catch up, or be given up when the buffer overflows; a gap is put in its place, so that the timeline
 * stays right. (Where packets of a container don't last whole milliseconds, as at 44.1 kHz, such a gap is up to one shorter
 * than they were; FLAC says itself where it goes on.)
 */
export class SendQueue {
  readonly #format: AudioFormat;
  readonly #limits: QueueLimits;
  readonly #listener: QueueListener;
  /** Where the first item stands; all before it is acknowledged. */
  #head: QueueHead;
  #items: TimelineItem[];
  /** Items from the first that have a number. */
  #numbered: number;
  /** Of those, the ones that were sent over the present connection. */
  #sent = 0;
  /** Nothing was ever sent from here: what the session has was sent by an earlier program, of which this queue knows nothing. */
  #isFresh: boolean;
  #bytes = 0;
  #unsentFrames = 0;
  #endFrame: number;

  /** @param kept what an earlier page or program has left; `null`: a new session. */
  constructor(
    format: AudioFormat,
    limits: QueueLimits,
    listener: QueueListener,
    kept: { readonly head: QueueHead; readonly items: readonly TimelineItem[] } | null = null,
  ) {
    this.#format = format;
    this.#limits = limits;
    this.#listener = listener;
    this.#head = kept?.head ?? { sequence: 0, frame: 0 };
    this.#items = [...(kept?.items ?? [])];
    this.#endFrame = this.#head.frame;
    this.#numbered = 0;
    for (const item of this.#items) this.#checkAndCount(item);
    this.#isFresh = this.nextSequence === 0 && this.#head.frame === 0;
  }

  get head(): QueueHead {
    return this.#head;
  }

  /** Everything was acknowledged. */
  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  /** How many chunks were sent: the number of the next one. */
  get nextSequence(): number {
    return this.#head.sequence + this.#numbered;
  }

  /** Length of the recording, in milliseconds. */
  get writtenMs(): number {
    return this.#toMs(this.#endFrame);
  }

  get acknowledgedMs(): number {
    return this.#toMs(this.#head.frame);
  }

  /** Audio that was never sent, in milliseconds. */
  get unsentMs(): number {
    return this.#toMs(this.#unsentFrames);
  }

  /** @param piece its bytes must not change any more. */
  write(piece: AudioPiece): void {
    this.#append({ ...piece, kind: 'audio', frame: this.#endFrame, sequence: null });
    this.#enforceLimits();
  }

  /** Audio that was lost before it came here. @param durationMs a whole number, at least 1 */
  skip(durationMs: number): void {
    const frame = this.#endFrame;
    const frames = msToFrames(durationMs, this.#format.sampleRate);
    this.#append({ kind: 'gap', frame, frames, sequence: null, durationMs, reason: 'skip' });
    this.#listener.onGap({ reason: 'skip', startMs: this.#toMs(frame), durationMs });
  }

  /**
   * The next item to send over the present connection, with its number; `null` when there is none now. What was sent over an
   * earlier connection comes first.
   * @param merge whether audio that waits may be put together
   */
  take(merge = true): NumberedItem | null {
    const item = this.#items[this.#sent];
    if (item === undefined) return null;
    if (item.sequence !== null) {
      this.#sent += 1;
      return { ...item, sequence: item.sequence };
    }
    const run = merge && item.kind === 'audio' ? this.#mergeable(item) : [];
    const merged = { ...(item.kind === 'audio' ? mergeAudio(item, run) : item), sequence: this.nextSequence };
    this.#items.splice(this.#numbered, Math.max(1, run.length), merged);
    if (merged.kind === 'audio') this.#unsentFrames -= merged.frames;
    this.#numbered += 1;
    this.#sent += 1;
    this.#changed(merged.frame, merged.frame + merged.frames, [merged]);
    return merged;
  }

  /**
   * Everything below `nextSequence` is stored.
   * @throws VerbatimError `AUDIO_CONFLICT` when that is more than was sent
   */
  acknowledge(nextSequence: number): void {
    if (nextSequence > this.nextSequence) throw conflict(nextSequence, this.nextSequence);
    const count = nextSequence - this.#head.sequence;
    if (count <= 0) return;
    const before = this.#head.frame;
    const acknowledged = this.#items.splice(0, count);
    let { frame } = this.#head;
    for (const item of acknowledged) {
      frame += item.frames;
      if (item.kind === 'audio') this.#bytes -= item.bytes.length;
    }
    this.#head = { sequence: nextSequence, frame };
    this.#numbered -= count;
    this.#sent = Math.max(0, this.#sent - count);
    this.#isFresh = false;
    this.#changed(before, frame, []);
  }

  /**
   * On a new connection: the server says what it has, and the rest will be sent again.
   * @throws VerbatimError `AUDIO_CONFLICT` when it has more than was sent
   */
  synchronise({ nextSequence, receivedMs }: { readonly nextSequence: number; readonly receivedMs: number }): void {
    this.#sent = 0;
    if (this.#isFresh && this.#numbered === 0) this.#continueAt(nextSequence, receivedMs);
    else if (nextSequence < this.#head.sequence) this.#declareLost(nextSequence, receivedMs);
    else this.acknowledge(nextSequence);
    this.#isFresh = false;
  }

  /** A session that an earlier program began, of which nothing is left here: what is recorded now goes behind it. */
  #continueAt(sequence: number, receivedMs: number): void {
    if (sequence === 0 && receivedMs === 0) return;
    const shift = msToFrames(receivedMs, this.#format.sampleRate) - this.#head.frame;
    const oldEnd = this.#endFrame;
    this.#head = { sequence, frame: this.#head.frame + shift };
    this.#items = this.#items.map((item) => ({ ...item, frame: item.frame + shift }));
    this.#endFrame += shift;
    this.#changed(0, Math.max(oldEnd, this.#endFrame), this.#items);
  }

  /**
   * The server has less than it had acknowledged: its disk was damaged, or a backup was restored. What is missing was
   * dropped here when it was acknowledged; each number of it is declared lost, so that the session can go on.
   */
  #declareLost(nextSequence: number, receivedMs: number): void {
    const { sampleRate } = this.#format;
    const count = this.#head.sequence - nextSequence;
    // A skip has one millisecond at least.
    const lostMs = Math.max(count, Math.round((this.#head.frame * 1000) / sampleRate) - receivedMs);
    const gaps: GapItem[] = [];
    let { frame } = this.#head;
    for (let sequence = this.#head.sequence - 1; sequence >= nextSequence; sequence--) {
      const durationMs = sequence === nextSequence ? lostMs - count + 1 : 1;
      const frames = msToFrames(durationMs, sampleRate);
      frame -= frames;
      gaps.unshift({ kind: 'gap', frame, frames, sequence, durationMs, reason: 'server' });
    }
    const to = this.#head.frame;
    this.#items = [...gaps, ...this.#items];
    this.#numbered += count;
    this.#head = { sequence: nextSequence, frame };
    this.#changed(frame, to, gaps);
    this.#listener.onGap({ reason: 'server', startMs: receivedMs, durationMs: lostMs });
  }

  /** Audio from `first` on that makes one chunk. */
  #mergeable(first: AudioItem): AudioItem[] {
    const maxFrames = msToFrames(this.#limits.maxChunkMs, this.#format.sampleRate);
    const run: AudioItem[] = [first];
    let { frames } = first;
    let bytes = first.bytes.length;
    for (let index = this.#numbered + 1; index < this.#items.length; index++) {
      const item = this.#items[index];
      if (item?.kind !== 'audio') break;
      frames += item.frames;
      bytes += item.bytes.length;
      if (frames > maxFrames || bytes > this.#limits.maxChunkBytes) break;
      run.push(item);
    }
    return run;
  }

  #enforceLimits(): void {
    const { maxBufferedBytes, maxBufferedMs } = this.#limits;
    const maxFrames = msToFrames(maxBufferedMs, this.#format.sampleRate);
    while (this.#bytes > maxBufferedBytes || this.#unsentFrames > maxFrames) {
      if (!this.#giveUpOldest()) return;
    }
  }

  /** Puts a gap in the place of the oldest audio that was never sent. @returns false when none can be given up. */
  #giveUpOldest(): boolean {
    const { maxBufferedBytes, maxBufferedMs } = this.#limits;
    const { sampleRate } = this.#format;
    const enough = {
      frames: msToFrames(Math.min(GIVE_UP_MS, maxBufferedMs / 4), sampleRate),
      bytes: maxBufferedBytes / 4,
    };
    for (let start = this.#numbered; start < this.#items.length; start++) {
      const given = giveUp(this.#items, start, this.#numbered, enough, sampleRate);
      if (given === null) continue;
      this.#items.splice(given.index, given.count, ...given.items);
      this.#bytes -= given.lostBytes;
      this.#unsentFrames -= given.lostFrames;
      const [first] = given.items;
      const last = given.items.at(-1);
      if (first !== undefined && last !== undefined) this.#changed(first.frame, last.frame + last.frames, given.items);
      this.#listener.onGap({
        reason: 'overflow',
        startMs: this.#toMs(given.lostFrom),
        durationMs: given.lostMs,
      });
      return true;
    }
    return false;
  }

  #append(item: TimelineItem): void {
    this.#items.push(item);
    this.#count(item);
    this.#changed(item.frame, item.frame + item.frames, [item]);
  }

  #count(item: TimelineItem): void {
    this.#endFrame += item.frames;
    if (item.kind !== 'audio') return;
    this.#bytes += item.bytes.length;
    if (item.sequence === null) this.#unsentFrames += item.frames;
  }

  /** What comes from a store must be what this class has put there. */
  #checkAndCount(item: TimelineItem): void {
    const isNext = item.sequence === null || item.sequence === this.nextSequence;
    const isInOrder = item.sequence === null || this.#unsentFrames === 0;
    if (item.frame !== this.#endFrame || !isNext || !isInOrder) {
      throw new VerbatimError('STORE_FAILED', 'the stored recording is damaged: a part of it is missing');
    }
    if (item.sequence !== null) this.#numbered += 1;
    this.#count(item);
  }

  #changed(from: number, to: number, items: readonly TimelineItem[]): void {
    this.#listener.onChange({ from, to, items });
  }

  #toMs(frames: number): number {
    return framesToMs(frames, this.#format.sampleRate);
  }
}

function conflict(received: number, sent: number): VerbatimError {
  return new VerbatimError(
    'AUDIO_CONFLICT',
    `the server has ${received} chunks of the session, and this program sent ${sent}: another one is sending to it`,
  );
}
