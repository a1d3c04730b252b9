import { decodeAudioRecord, HEADER_RECORD, type AudioRecord } from './audio-records.ts';
import type { LogReader } from './log-reader.ts';
import { LogFormatError } from './storage-errors.ts';

/** A piece of the session's timeline; frames are source frames, counted from the session's first. */
export type AudioLogItem =
  | {
      readonly kind: 'chunk';
      readonly sequence: number;
      readonly startFrame: number;
      readonly frames: number;
      readonly bytes: Uint8Array;
    }
  | { readonly kind: 'skip'; readonly sequence: number; readonly startFrame: number; readonly frames: number }
  | { readonly kind: 'end'; readonly startFrame: number; readonly reason: string; readonly at: Date }
  /** Chunks or skips that were stored, but are gone or can't be read any more. */
  | { readonly kind: 'damaged'; readonly startFrame: number; readonly frames: number };

/** How far a log is durable; both figures belong together. */
export interface DurableTimeline {
  /** Position (bytes) behind the last durable item. */
  readonly durablePosition: number;
  readonly receivedFrames: number;
}

/** Reads a session's timeline in order, without holes: what is damaged is told with its length. */
export class AudioLogReader {
  readonly #timeline: DurableTimeline;
  readonly #records: LogReader;
  /** Items that end before it are left out; `null`: all are given. */
  readonly #fromFrame: number | null;
  /** Where the next item must begin. */
  #frame: number;
  /** Read, but not told yet: damage comes first, or what was told last was long enough. */
  #held: AudioRecord | null = null;

  /** @param startFrame of the item at which `records` stands. */
  constructor(timeline: DurableTimeline, records: LogReader, startFrame: number, fromFrame: number | null) {
    this.#timeline = timeline;
    this.#records = records;
    this.#frame = startFrame;
    this.#fromFrame = fromFrame;
  }

  /**
   * The next durable item, or `null` when there is none yet: call again later (`AudioLog.onDurable` tells when). One call
   * at a time. A chunk's bytes are a view of a larger buffer: copy what is to be kept for long.
   */
  async next(): Promise<AudioLogItem | null> {
    for (let item = await this.#nextItem(); item !== null; item = await this.#nextItem()) {
      if (this.#fromFrame === null || isBehind(item, this.#fromFrame)) return item;
    }
    return null;
  }

  /**
   * Like `next`, but chunks that follow one another come as one item, with the first one's sequence number: up to
   * `maxFrames`, unless a single chunk is longer, and without waiting for more.
   */
  async nextRun(maxFrames: number): Promise<AudioLogItem | null> {
    const first = await this.next();
    if (first?.kind !== 'chunk') return first;
    const parts = [first.bytes];
    let { frames } = first;
    for (
      let more = this.#loadedChunk(maxFrames - frames);
      more !== null;
      more = this.#loadedChunk(maxFrames - frames)
    ) {
      parts.push(more.bytes);
      frames += more.frames;
    }
    return parts.length === 1 ? first : { ...first, frames, bytes: Buffer.concat(parts) };
  }

  /** The next item, if it is a chunk of at most so many frames that was read with the one before. */
  #loadedChunk(maxFrames: number): (AudioRecord & { kind: 'chunk' }) | null {
    const record = this.#held ?? this.#loadedRecord();
    this.#held = record;
    if (record?.kind !== 'chunk' || record.startFrame !== this.#frame || record.frames > maxFrames) return null;
    this.#held = null;
    this.#frame += record.frames;
    return record;
  }

  #loadedRecord(): AudioRecord | null {
    const item = this.#records.nextLoaded(this.#timeline.durablePosition);
    return item?.kind === 'record' ? decodeAudioRecord(item.record) : null;
  }

  async #nextItem(): Promise<AudioLogItem | null> {
    const { durablePosition, receivedFrames } = this.#timeline;
    const record = this.#held ?? (await this.#nextRecord(durablePosition));
    this.#held = null;
    // Without a record behind it (damage at the very end, since the opening), only the log knows how long it was.
    const damaged = this.#damagedUpTo(record?.startFrame ?? receivedFrames);
    if (damaged !== null) {
      this.#held = record;
      return damaged;
    }
    if (record === null) return null;
    this.#frame = record.startFrame + record.frames;
    return toItem(record);
  }

  /** The next intact record of the timeline before `limit`. */
  async #nextRecord(limit: number): Promise<AudioRecord | null> {
    for (let item = await this.#records.next(limit); item !== null; item = await this.#records.next(limit)) {
      if (item.kind === 'record' && item.record.type !== HEADER_RECORD) return decodeAudioRecord(item.record);
    }
    return null;
  }

  #damagedUpTo(frame: number): AudioLogItem | null {
    if (frame < this.#frame) throw new LogFormatError(`An item begins at frame ${frame}, inside of the one before it`);
    if (frame === this.#frame) return null;
    const startFrame = this.#frame;
    this.#frame = frame;
    return { kind: 'damaged', startFrame, frames: frame - startFrame };
  }
}

function isBehind(item: AudioLogItem, frame: number): boolean {
  if (item.kind === 'end') return item.startFrame >= frame;
  return item.frames > 0 && item.startFrame + item.frames > frame;
}

function toItem(record: AudioRecord): AudioLogItem {
  const { sequence, startFrame, frames } = record;
  if (record.kind === 'chunk') return { kind: 'chunk', sequence, startFrame, frames, bytes: record.bytes };
  if (record.kind === 'skip') return { kind: 'skip', sequence, startFrame, frames };
  if (record.kind === 'lost') return { kind: 'damaged', startFrame, frames };
  return { kind: 'end', startFrame, reason: record.end.reason, at: record.end.at };
}
