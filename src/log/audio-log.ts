import type { ChunkFraming, FramedChunk } from '../audio/chunk-framing.ts';
import { createFraming } from '../audio/create-framing.ts';
import type { NewRecord, RecordSpan } from './append.ts';
import { AudioIndex } from './audio-index.ts';
import { PendingAppends } from './audio-pending.ts';
import { AudioLogReader, type DurableTimeline } from './audio-log-reader.ts';
import { scanAudioLog, type AudioLogState, type FrameRange } from './audio-log-scan.ts';
import {
  chunkContent,
  contentOf,
  decodeAudioRecord,
  encodeChunk,
  encodeEnd,
  encodeHeader,
  encodeLost,
  encodeMark,
  encodeSkip,
  HEADER_RECORD,
  MAX_CHUNK_BYTES,
  sameContent,
  type AudioLogEnd,
  type AudioLogHeader,
  type StoredContent,
  type TimelineExtent,
} from './audio-records.ts';
import { FramedLog, type FramedLogOptions } from './framed-log.ts';
import { SequenceConflictError, SequenceGapError } from './storage-errors.ts';

export interface AudioLogOptions extends FramedLogOptions {
  /** Stands in when the log's own header turns out to be damaged; without it, such a log can't be opened. */
  readonly headerIfDamaged?: AudioLogHeader;
}

export interface AppendOutcome {
  /** The same item had been stored before; it was not stored again. */
  readonly duplicate: boolean;
}

/** Items in order, and how the bytes of the first chunk among them are to be understood. */
export interface FramedReader {
  readonly items: AudioLogReader;
  readonly framing: ChunkFraming;
}

const MAX_SEQUENCE = 2 ** 32 - 2;

/**
 * What one session received, in the order of its sequence numbers: chunks of audio, skips (the client lost that much),
 * ends, and stretches given up as lost. What was acknowledged is on stable storage. Sending is idempotent: a number names the same content for good.
 */
export class AudioLog implements DurableTimeline {
  readonly header: AudioLogHeader;
  readonly #log: FramedLog;
  readonly #index: AudioIndex;
  readonly #listeners = new Set<() => void>();

  // What is durable.
  #nextSequence: number;
  #receivedFrames: number;
  #framing: ChunkFraming;
  #end: AudioLogEnd | null;
  #damagedRanges: readonly FrameRange[];

  readonly #pending: PendingAppends;

  private constructor(log: FramedLog, state: AudioLogState) {
    this.#log = log;
    this.#index = state.index;
    this.header = state.header;
    this.#damagedRanges = state.damagedRanges;
    this.#framing = state.framing;
    this.#nextSequence = state.nextSequence;
    this.#receivedFrames = state.receivedFrames;
    this.#end = state.end;
    this.#pending = new PendingAppends(state);
  }

  /** @throws see `FramedLog.create` */
  static async create(path: string, header: AudioLogHeader, options: AudioLogOptions = {}): Promise<AudioLog> {
    const log = await FramedLog.create(path, encodeHeader(header), options);
    const framing = createFraming(header.format);
    const empty = { nextSequence: 0, receivedFrames: 0, framing, end: null, damagedRanges: [] };
    return new AudioLog(log, { header, index: new AudioIndex(), ...empty });
  }

  /**
   * Opens a session's log: everything acknowledged is there.
   * @throws LogIncompleteError when a crash cut its creation short (nothing was acknowledged).
   * @throws LogDamagedError when its header is damaged and `headerIfDamaged` not given.
   * @throws LogFormatError when it is no audio log.
   */
  static async open(path: string, options: AudioLogOptions = {}): Promise<AudioLog> {
    const { log, state } = await scanAudioLog(path, options, options.headerIfDamaged ?? null);
    return new AudioLog(log, state);
  }

  get path(): string {
    return this.#log.path;
  }

  /** The sequence number expected next; all below are on stable storage. */
  get nextSequence(): number {
    return this.#nextSequence;
  }

  /** Length of the durable timeline in source frames, chunks and skips together. */
  get receivedFrames(): number {
    return this.#receivedFrames;
  }

  /** How the chunk that follows the durable timeline is to be understood. */
  get framing(): ChunkFraming {
    return this.#framing;
  }

  /** Bytes; all items before this position of the file are on stable storage. */
  get durablePosition(): number {
    return this.#log.durableEnd;
  }

  /** Set while the last durable record is an end. */
  get end(): AudioLogEnd | null {
    return this.#end;
  }

  /** Bytes of appends that have not settled yet. */
  get pendingBytes(): number {
    return this.#log.pendingBytes;
  }

  /**
   * What was found damaged when the log was opened, and what was given up as lost, in ascending order; it stays part of the
   * timeline.
   */
  get damagedRanges(): readonly FrameRange[] {
    return this.#damagedRanges;
  }

  /** Frames of `damagedRanges`. */
  get damagedFrames(): number {
    return this.damagedRanges.reduce((sum, range) => sum + range.frames, 0);
  }

  /**
   * Stores a chunk; resolves when it, or the same one sent before, is on stable storage. Chunks may be sent without waiting
   * for the one before: the order of the calls counts. When one fails, those behind it fail as well and are to be sent
   * again. A number whose item is lost (damage, `appendLost`) counts as a duplicate with any content.
   * @param bytes whole frames of samples, or the next piece of a container; at least one byte. They must not be changed before
   *   the promise has settled.
   * @throws MalformedAudioError when the container can't go on like that.
   * @throws SequenceGapError when `sequence` is above the one expected.
   * @throws SequenceConflictError when something else was stored under `sequence`.
   * @throws StorageFullError | LogPoisonedError | LogClosedError see `FramedLog.append`
   */
  async appendChunk(sequence: number, bytes: Uint8Array): Promise<AppendOutcome> {
    if (bytes.length === 0 || bytes.length > MAX_CHUNK_BYTES) {
      throw new RangeError(`A chunk has 1 to ${MAX_CHUNK_BYTES} bytes, not ${bytes.length}`);
    }
    const content = chunkContent(bytes);
    return this.#appendItem(
      sequence,
      content,
      (framing) => framing.take(bytes),
      (place) => encodeChunk(place, content.checksum, bytes),
    );
  }

  /**
   * Stores that the client lost `frames` frames of audio; the rules are those of a chunk.
   * @throws see `appendChunk`
   */
  async appendSkip(sequence: number, frames: number): Promise<AppendOutcome> {
    if (!Number.isSafeInteger(this.appendedFrames + frames) || frames <= 0) {
      throw new RangeError(`A skip is a whole number of frames, at least one, not ${frames}`);
    }
    const lose = (framing: ChunkFraming): FramedChunk => ({ frames, items: [], next: framing.afterLoss(frames) });
    return this.#appendItem(sequence, { kind: 'skip', frames }, lose, encodeSkip);
  }

  /**
   * Stores that the session has ended; a chunk that follows opens it again. A log that has ended keeps its first end.
   * @throws StorageFullError | LogPoisonedError | LogClosedError see `FramedLog.append`
   */
  async appendEnd(reason: string, at: Date): Promise<void> {
    if (this.#pending.end !== null) return this.#pending.end;
    if (this.#end !== null && !this.#pending.extendsTimeline) return;
    const end = { reason, at };
    const { nextSequence: sequence, receivedFrames: startFrame } = this.#pending;
    const stored = this.#append(encodeEnd({ startFrame, sequence }, end), () => {
      this.#end = end;
      this.#pending.removeEnd(stored);
    });
    this.#pending.addEnd(stored);
    return stored;
  }

  /**
   * Stores that the log once had more than it has now, as somebody else knows for sure: the timeline goes on behind it, and
   * what is missing counts as damaged. Its sequence numbers are duplicates with any content. It opens a log that had ended.
   * @param to how far the log reached, at least. Frames may be lost without sequence numbers, and the other way round.
   * @throws RangeError when `to` is not beyond what was appended, or not a place that a log can have.
   * @throws StorageFullError | LogPoisonedError | LogClosedError see `FramedLog.append`
   */
  async appendLost(to: TimelineExtent): Promise<void> {
    const { nextSequence, receivedFrames } = to;
    const { nextSequence: sequence, receivedFrames: startFrame } = this.#pending;
    const frames = receivedFrames - startFrame;
    const isPlace = Number.isInteger(nextSequence) && Number.isSafeInteger(receivedFrames);
    const isBeyond = nextSequence >= sequence && frames >= 0 && (nextSequence > sequence || frames > 0);
    if (!isPlace || !isBeyond || nextSequence > MAX_SEQUENCE + 1) {
      throw new RangeError(
        `Sequence number ${nextSequence} at frame ${receivedFrames} is not beyond ${sequence} at ${startFrame}`,
      );
    }
    const framing = this.#pending.framing.afterLoss(frames);
    const stored = this.#append(encodeLost({ sequence, startFrame, frames }, nextSequence), () => {
      if (frames > 0) this.#damagedRanges = [...this.#damagedRanges, { startFrame, frames }];
      this.#pending.removeLost(stored);
      this.#nextSequence = nextSequence;
      this.#receivedFrames = receivedFrames;
      this.#framing = framing;
      this.#end = null;
    });
    this.#pending.addLost({ nextSequence, receivedFrames, framing }, stored);
    return stored;
  }

  /**
   * Reads the durable timeline from the item that contains `fromFrame` (or an end that stands there), and goes on as it
   * grows. Any number of readers may be at work.
   */
  reader(fromFrame: number): AudioLogReader {
    const entry = this.#index.entryBefore(fromFrame);
    const records = this.#log.readerAt(entry?.position ?? this.#log.start);
    return new AudioLogReader(this, records, entry?.startFrame ?? 0, fromFrame);
  }

  /**
   * Reads from an item at or before `frame` at which it is known how its bytes are to be understood, and goes on like any
   * reader; also gives what completes no frame.
   */
  framedReader(frame: number): FramedReader {
    const entry = this.#index.entryBefore(frame);
    const records = this.#log.readerAt(entry?.position ?? this.#log.start);
    return {
      items: new AudioLogReader(this, records, entry?.startFrame ?? 0, null),
      framing: entry?.framing ?? createFraming(this.header.format),
    };
  }

  /** Calls `listener` after each durable append. Gives a function that ends this. */
  onDurable(listener: () => void): () => void {
    const call = (): void => listener();
    this.#listeners.add(call);
    return () => this.#listeners.delete(call);
  }

  /** Frames of the timeline when all that is pending has gone well: the durable ones and those on their way. */
  get appendedFrames(): number {
    return this.#pending.receivedFrames;
  }

  /** Waits for what is pending at the call, stored or failed, but not for what comes after it. */
  async settled(): Promise<void> {
    await this.#pending.settled();
  }

  /** Waits for what is pending, then lets go of the file. */
  close(): Promise<void> {
    return this.#log.close(() => encodeMark(this));
  }

  /** Runs without a pause up to the append itself, so that the order of the calls is the order of the items. */
  async #appendItem(
    sequence: number,
    content: StoredContent,
    take: (framing: ChunkFraming) => FramedChunk,
    encode: (place: { sequence: number; startFrame: number; frames: number }) => NewRecord,
  ): Promise<AppendOutcome> {
    if (!Number.isInteger(sequence) || sequence < 0 || sequence > MAX_SEQUENCE) {
      throw new RangeError(`A sequence number is a whole number from 0 to ${MAX_SEQUENCE}, not ${sequence}`);
    }
    const { nextSequence: expected, receivedFrames: startFrame, framing } = this.#pending;
    if (sequence > expected) throw new SequenceGapError(sequence, expected);
    if (sequence < expected) return this.#repeat(sequence, content);

    const { frames, next } = take(framing);
    const stored = this.#append(encode({ sequence, startFrame, frames }), ({ position }) => {
      this.#index.add({ sequence, startFrame, position, framing }, content);
      this.#pending.removeItem(sequence);
      this.#nextSequence = sequence + 1;
      this.#receivedFrames = startFrame + frames;
      this.#framing = next;
      this.#end = null;
    });
    this.#pending.addItem(frames, next, { content, stored });
    await stored;
    return { duplicate: false };
  }

  /** @throws at once what `FramedLog.assertWritable` throws; nothing has changed then. */
  #append(record: NewRecord, apply: (span: RecordSpan) => void): Promise<void> {
    this.#log.assertWritable();
    return new Promise((resolve, reject) => {
      this.#log.enqueue(record, {
        stored: (span) => {
          apply(span);
          // Each on its own: one that throws must not make a durable append look failed.
          for (const listener of this.#listeners) queueMicrotask(listener);
          resolve();
        },
        failed: (error) => {
          this.#pending.fallBack(this);
          reject(error);
        },
      });
    });
  }

  /** Answers a sequence number that was taken before. */
  async #repeat(sequence: number, content: StoredContent): Promise<AppendOutcome> {
    const pending = this.#pending.item(sequence);
    if (pending === undefined && sequence >= this.#nextSequence) {
      await this.#pending.lost;
      return { duplicate: true };
    }
    const stored = pending?.content ?? this.#index.recentContent(sequence) ?? (await this.#readContent(sequence));
    if (stored !== null && !sameContent(stored, content)) throw new SequenceConflictError(sequence);
    await pending?.stored;
    return { duplicate: true };
  }

  /** What is stored under a durable sequence number; `null` when it is lost. */
  async #readContent(sequence: number): Promise<StoredContent | null> {
    const records = this.#log.readerAt(this.#index.entryBySequence(sequence)?.position ?? this.#log.start);
    const limit = this.durablePosition;
    for (let item = await records.next(limit); item !== null; item = await records.next(limit)) {
      if (item.kind === 'damage' || item.record.type === HEADER_RECORD) continue;
      const record = decodeAudioRecord(item.record);
      if (record.kind === 'end' || record.sequence < sequence) continue;
      return record.sequence === sequence && record.kind !== 'lost' ? contentOf(record) : null;
    }
    return null;
  }
}
