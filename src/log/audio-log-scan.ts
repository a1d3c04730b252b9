import type { ChunkFraming } from '../audio/chunk-framing.ts';
import { createFraming } from '../audio/create-framing.ts';
import { MalformedAudioError } from '../audio/containers/malformed-audio-error.ts';
import { isContainer } from '../audio/format.ts';
import { AudioIndex } from './audio-index.ts';
import {
  contentOf,
  decodeAudioRecord,
  decodeHeader,
  decodeMark,
  HEADER_RECORD,
  type AudioLogEnd,
  type AudioLogHeader,
  type AudioRecord,
} from './audio-records.ts';
import { FramedLog, type FramedLogOptions } from './framed-log.ts';
import type { LogVisitor } from './log-scan.ts';
import type { LogRecord } from './record-format.ts';
import { LogDamagedError, LogFormatError, LogIncompleteError } from './storage-errors.ts';

/** A stretch of the timeline in source frames. */
export interface FrameRange {
  readonly startFrame: number;
  readonly frames: number;
}

/** What is known of an audio log when it has been read once. */
export interface AudioLogState {
  readonly header: AudioLogHeader;
  readonly index: AudioIndex;
  readonly nextSequence: number;
  readonly receivedFrames: number;
  /** How the chunk that comes next is to be understood. */
  readonly framing: ChunkFraming;
  readonly end: AudioLogEnd | null;
  readonly damagedRanges: readonly FrameRange[];
}

/** Opens the file and rebuilds the log's state in the same pass. @throws see `AudioLog.open` */
export async function scanAudioLog(
  path: string,
  options: FramedLogOptions,
  headerIfDamaged: AudioLogHeader | null,
): Promise<{ log: FramedLog; state: AudioLogState }> {
  const scan = new AudioLogScan(path, headerIfDamaged);
  const log = await FramedLog.open(path, scan, options);
  try {
    return { log, state: scan.state(log.damage.length > 0 ? headerIfDamaged : null) };
  } catch (error) {
    await log.close();
    throw error;
  }
}

class AudioLogScan implements LogVisitor {
  readonly #path: string;
  readonly #index = new AudioIndex();
  readonly #damagedRanges: FrameRange[] = [];
  #header: AudioLogHeader | null = null;
  #nextSequence = 0;
  #receivedFrames = 0;
  #end: AudioLogEnd | null = null;
  #behindDamage = false;
  #empty = true;
  #framing: ChunkFraming | null = null;
  #isContainer = false;

  constructor(path: string, headerIfDamaged: AudioLogHeader | null) {
    this.#path = path;
    if (headerIfDamaged !== null) this.#begin(headerIfDamaged);
  }

  damage(): void {
    this.#behindDamage = true;
    this.#empty = false;
  }

  mark(record: LogRecord): void {
    const extent = decodeMark(record);
    // It says nothing else than what records say; where they can't, it must not contradict what they said before.
    if (extent === null || !this.#behindDamage) return;
    const { nextSequence, receivedFrames } = extent;
    if (nextSequence >= this.#nextSequence && receivedFrames >= this.#receivedFrames) {
      this.#closeHole(nextSequence, receivedFrames);
    }
  }

  record(record: LogRecord): void {
    if (record.type === HEADER_RECORD) {
      this.#header = decodeHeader(record);
      this.#begin(this.#header);
      return;
    }
    const item = decodeAudioRecord(record);
    this.#empty = false;
    this.#account(item);
    if (item.kind === 'end') {
      this.#end = item.end;
      return;
    }
    this.#end = null;
    if (item.kind === 'lost') {
      this.#closeHole(item.nextSequence, item.startFrame + item.frames);
      return;
    }
    const { sequence, startFrame } = item;
    const framing = this.#follow(item);
    this.#index.add({ sequence, startFrame, position: record.position, framing }, contentOf(item));
    this.#nextSequence = item.sequence + 1;
    this.#receivedFrames = item.startFrame + item.frames;
  }

  state(headerIfDamaged: AudioLogHeader | null): AudioLogState {
    const header = this.#header ?? headerIfDamaged;
    if (header === null) {
      throw this.#empty
        ? new LogIncompleteError(this.#path)
        : new LogDamagedError(
            `The header of ${this.#path} is damaged: its audio can't be read without knowing the format`,
          );
    }
    return {
      header,
      index: this.#index,
      nextSequence: this.#nextSequence,
      receivedFrames: this.#receivedFrames,
      framing: this.#framing ?? createFraming(header.format),
      end: this.#end,
      damagedRanges: this.#damagedRanges,
    };
  }

  #begin({ format }: AudioLogHeader): void {
    this.#framing = createFraming(format);
    this.#isContainer = isContainer(format);
  }

  /** @returns how the item's bytes are to be understood; takes note of how the next one's are. */
  #follow(item: AudioRecord & { kind: 'chunk' | 'skip' }): ChunkFraming {
    const framing = this.#framing ?? NO_FRAMING;
    if (item.kind === 'skip') this.#framing = framing.afterLoss(item.frames);
    else if (this.#isContainer) this.#framing = framingAfter(framing, item);
    return framing;
  }

  /** Checks that the record follows what came before it; behind damage, the hole tells what was lost. */
  #account(item: AudioRecord): void {
    const frames = item.startFrame - this.#receivedFrames;
    const items = item.sequence - this.#nextSequence;
    if (frames < 0 || items < 0 || (!this.#behindDamage && (frames > 0 || items > 0))) {
      throw new LogFormatError(
        `${this.#path}: item ${item.sequence} at frame ${item.startFrame} does not follow what is before it`,
      );
    }
    // An end behind damage closes the hole itself.
    this.#closeHole(item.sequence, item.startFrame);
  }

  /** What was lost ends at this place of the timeline. */
  #closeHole(sequence: number, frame: number): void {
    this.#behindDamage = false;
    const frames = frame - this.#receivedFrames;
    if (frames > 0) this.#damagedRanges.push({ startFrame: this.#receivedFrames, frames });
    if (frames > 0 || sequence > this.#nextSequence) this.#framing = this.#framing?.afterLoss(frames) ?? null;
    this.#nextSequence = sequence;
    this.#receivedFrames = frame;
  }
}

/** For a log whose header is missing: it can't be opened. */
const NO_FRAMING = createFraming({ encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 1 });

/** Behind damage a chunk may not be what it was when it was taken. */
function framingAfter(framing: ChunkFraming, item: AudioRecord & { kind: 'chunk' }): ChunkFraming {
  try {
    return framing.take(item.bytes).next;
  } catch (error) {
    if (error instanceof MalformedAudioError) return framing.afterLoss(item.frames);
    throw error;
  }
}
