import { setImmediate as endOfTurn } from 'node:timers/promises';
import type { AppendObserver, NewRecord, RecordSpan } from './append.ts';
import { AppendQueue, encodeBatch, type QueuedAppend } from './append-queue.ts';
import { nodeFileSystem, type LogFile, type LogFileSystem } from './log-file-system.ts';
import { LogReader, type DurableRecords } from './log-reader.ts';
import { createLogFile, openLogFile, openRepairedLogFile, type LogFileState } from './log-opening.ts';
import { renewFile, type RenewalEvent } from './log-renewal.ts';
import type { ByteRange, LogVisitor } from './log-scan.ts';
import { encodeRecordHeader, FILE_HEADER_BYTES, MARK_RECORD, payloadLength, type LogRecord } from './record-format.ts';
import { RecordScanner } from './record-scanner.ts';
import { LogClosedError, LogPoisonedError, StorageFullError } from './storage-errors.ts';
import { writeFully } from './write-fully.ts';

export interface FramedLogOptions {
  /** @default the real one */
  readonly fileSystem?: LogFileSystem;
  /**
   * How long to wait before each attempt to renew a poisoned log, in ms; the last counts for all further ones.
   * @default 0, then 1 s, doubled up to 30 s
   */
  readonly renewalPausesMs?: readonly [number, ...number[]];
  /** Hears how each attempt to renew the log went. Must not throw. */
  readonly onRenewal?: (event: RenewalEvent) => void;
}

const RENEWAL_PAUSES_MS = [0, 1000, 2000, 4000, 8000, 16_000, 30_000] as const;
const READ_WINDOW_BYTES = 64 * 1024;
/** Most of what was written last that is kept for readers. */
const RECENT_BYTES = 64 * 1024;

/**
 * An append-only file of checksummed records (see record-format.ts). An append resolves when its record is on stable
 * storage; appends that arrive while the disk is busy are written together and share one sync.
 *
 * After a write or sync that failed other than for want of space, the file is poisoned: nobody knows what of it is on the
 * disk, and nothing more is written to it. The log then renews itself: what was durable moves to a new file under the
 * same name, at the same positions, and the log goes on with that; its readers notice nothing.
 *
 * One instance per file at a time.
 */
export class FramedLog implements DurableRecords {
  readonly path: string;
  readonly #fileSystem: LogFileSystem;
  readonly #options: FramedLogOptions;
  readonly #queue = new AppendQueue();
  #file: LogFile;
  #durableEnd: number;
  /**
   * What became durable last, when it is little: those who follow the log are about to read it, which through the file would
   * cost as much as writing it.
   */
  #recent: { readonly start: number; readonly bytes: Buffer } | null = null;
  #damage: readonly ByteRange[];
  /** Whether the mark of an earlier closing stands at the end. */
  #isMarked: boolean;
  #writing: Promise<void> | null = null;
  #poison: LogPoisonedError | null = null;
  /** Attempts to renew the file since the last write that went well. */
  #renewalAttempts = 0;
  #renewal: { readonly stop: AbortController; readonly ended: Promise<void> } | null = null;
  #closing: Promise<void> | null = null;

  private constructor(path: string, state: LogFileState, options: FramedLogOptions) {
    this.path = path;
    this.#file = state.file;
    this.#durableEnd = state.durableEnd;
    this.#damage = state.damage;
    this.#isMarked = state.isMarked;
    this.#fileSystem = options.fileSystem ?? nodeFileSystem;
    this.#options = options;
  }

  /**
   * Makes a new log; it and its name are on stable storage when this resolves. With `first`, the log never exists without
   * that record, except after a crash in here.
   * @throws with code `EEXIST` when there is a file of that name.
   * @throws StorageFullError
   */
  static async create(
    path: string,
    first: NewRecord | null = null,
    options: FramedLogOptions = {},
  ): Promise<FramedLog> {
    return new FramedLog(path, await createLogFile(options.fileSystem ?? nodeFileSystem, path, first), options);
  }

  /**
   * Opens a log and visits all its records in one pass of bounded memory. A torn tail is cut off. What is left, and
   * the file's name, is synced again before it counts as durable: a killed process may have left them in caches only.
   * @throws LogIncompleteError when a crash cut its creation short.
   * @throws LogFormatError when it is no log.
   */
  static async open(path: string, visitor: LogVisitor, options: FramedLogOptions = {}): Promise<FramedLog> {
    return new FramedLog(path, await openLogFile(options.fileSystem ?? nodeFileSystem, path, visitor), options);
  }

  /**
   * Opens a log whose records can be had again from elsewhere, but only in their order: when there is damage, only what
   * stands before it is visited and kept, at its positions, in a new file; the old one is kept as `<path>.damaged-<n>`. So
   * is a file that is no log at all. Without damage, as `open`.
   * @returns `droppedFrom`: where records are missing now, or `null` when none are. It is told only once: a crash right
   *   after the repair leaves a log that is short, and nothing else.
   * @throws LogIncompleteError when a crash cut its creation short.
   * @throws LogFormatError when it is of an unknown version.
   */
  static async openRepaired(
    path: string,
    visit: (record: LogRecord) => void,
    options: FramedLogOptions = {},
  ): Promise<{ log: FramedLog; droppedFrom: number | null }> {
    const state = await openRepairedLogFile(options.fileSystem ?? nodeFileSystem, path, visit);
    return { log: new FramedLog(path, state, options), droppedFrom: state.droppedFrom };
  }

  /** Position of the first record. */
  get start(): number {
    return FILE_HEADER_BYTES;
  }

  /** All records before this position are on stable storage; the next one begins here or, while appends wait, later. */
  get durableEnd(): number {
    return this.#durableEnd;
  }

  /** What was found damaged when the log was opened or renewed last. */
  get damage(): readonly ByteRange[] {
    return this.#damage;
  }

  /** Payload bytes of appends that have not settled yet. */
  get pendingBytes(): number {
    return this.#queue.pendingBytes;
  }

  /**
   * Resolves when the record is on stable storage; in the order of the calls. When one append fails, those behind it fail
   * with it, so that the log never has a hole.
   * @throws StorageFullError when there is no space: the record is not stored, later appends may succeed.
   * @throws LogPoisonedError when a write or sync failed otherwise, now or before: the record is not stored, later appends
   *   may succeed.
   * @throws LogClosedError
   * @throws RangeError when the payload is longer than 16 MiB, or the type not from 1 to 255.
   */
  append(type: number, payload: readonly Uint8Array[]): Promise<RecordSpan> {
    return new Promise((resolve, reject) => {
      this.enqueue({ type, payload }, { stored: resolve, failed: reject });
    });
  }

  /** Like `append`, for those who keep state beside the log. @throws at once what `assertWritable` throws. */
  enqueue(record: NewRecord, observer: AppendObserver): void {
    const bytes = payloadLength(record.payload);
    if (record.type === MARK_RECORD) throw new RangeError('Type 0 is that of marks');
    this.assertWritable();
    this.#queue.add(record, bytes, observer);
    this.#writing ??= this.#writeQueue();
  }

  /** @throws LogClosedError | LogPoisonedError when no record can be appended now. */
  assertWritable(): void {
    if (this.#closing !== null) throw new LogClosedError(this.path);
    if (this.#poison !== null) throw this.#poison;
  }

  /** A reader that begins at a record's position. */
  readerAt(position: number): LogReader {
    if (position < this.start || position > this.#durableEnd) {
      throw new RangeError(`Position ${position} of ${this.path} is outside of ${this.start}..${this.#durableEnd}`);
    }
    return new LogReader(this, position);
  }

  newScanner(): RecordScanner {
    // A renewal exchanges the file under its readers.
    return new RecordScanner({ read: (target, from) => this.#read(target, from) }, READ_WINDOW_BYTES);
  }

  /**
   * Waits for what is queued, marks the end, and lets go of the file; a renewal is given up.
   * @param describe called when nothing is queued any more; gives what the visitor of the next opening finds in the mark.
   */
  close(describe: () => readonly Uint8Array[] = () => []): Promise<void> {
    this.#closing ??= (async () => {
      await this.#writing;
      this.#renewal?.stop.abort();
      await this.#renewal?.ended;
      if (this.#poison === null && !this.#isMarked) await this.#writeMark(describe());
      await this.#file.close();
    })();
    return this.#closing;
  }

  async #read(target: Buffer, from: number): Promise<number> {
    const recent = this.#recent;
    if (recent !== null && from >= recent.start && from + target.length <= recent.start + recent.bytes.length) {
      return recent.bytes.copy(target, 0, from - recent.start);
    }
    return this.#file.read(target, from);
  }

  /** Runs while there is something to write; a failure is told to the appends, not to its caller. */
  async #writeQueue(): Promise<void> {
    // What else has arrived already is read in this turn of the event loop, and shares the write and its sync.
    await endOfTurn();
    for (let batch = this.#queue.takeBatch(); batch.length > 0; batch = this.#queue.takeBatch()) {
      const { parts, ends } = encodeBatch(batch, this.#durableEnd);
      const failure = await this.#writeDurably(parts);
      this.#queue.settle(batch);
      if (failure === null) {
        const bytes = (ends.at(-1) ?? this.#durableEnd) - this.#durableEnd;
        this.#recent = bytes > RECENT_BYTES ? null : { start: this.#durableEnd, bytes: Buffer.concat(parts, bytes) };
        this.#announce(batch, ends);
      } else this.#refuse(batch, failure);
    }
    this.#writing = null;
    if (this.#poison !== null && this.#closing === null) this.#renew();
  }

  /**
   * Says that all up to the durable end is durable. Neither synced nor retried: it is true in any case, and without it the
   * next opening is as after a crash.
   */
  async #writeMark(payload: readonly Uint8Array[]): Promise<void> {
    const place = { type: MARK_RECORD, position: this.#durableEnd, durable: this.#durableEnd };
    const parts = [encodeRecordHeader(place, payload), ...payload];
    await writeFully(this.#file, parts, this.#durableEnd, this.path).catch(() => undefined);
  }

  #announce(batch: readonly QueuedAppend[], ends: readonly number[]): void {
    let position = this.#durableEnd;
    this.#durableEnd = ends.at(-1) ?? position;
    this.#renewalAttempts = 0;
    for (const [index, { observer }] of batch.entries()) {
      const end = ends[index] ?? position;
      observer.stored({ position, end });
      position = end;
    }
  }

  #refuse(batch: readonly QueuedAppend[], failure: Error): void {
    const behind = this.#queue.takeAll();
    this.#queue.settle(behind);
    for (const { observer } of [...batch, ...behind]) observer.failed(failure);
  }

  /** Puts the bytes on stable storage behind the durable end; gives why they don't count, when they don't. */
  async #writeDurably(parts: readonly Uint8Array[]): Promise<Error | null> {
    this.#isMarked = false;
    try {
      await writeFully(this.#file, parts, this.#durableEnd, this.path);
    } catch (error) {
      return this.#cutBack(error instanceof StorageFullError ? error : this.#poisonWith(error));
    }
    try {
      await this.#file.datasync();
    } catch (error) {
      // Even for want of space: after a failed sync nobody knows which pages are on the disk, and a second sync may lie.
      return this.#cutBack(this.#poisonWith(error));
    }
    return null;
  }

  /**
   * Brings the file back to its durable end after a failed write. A poisoned log is cut too: its unacknowledged pages may
   * be in the cache only, and must not be found by the next opening.
   */
  async #cutBack(failure: StorageFullError | LogPoisonedError): Promise<Error> {
    try {
      await this.#file.truncate(this.#durableEnd);
      return failure;
    } catch (error) {
      return this.#poisonWith(new AggregateError([failure.cause, error], 'Cutting off a failed write failed too'));
    }
  }

  #poisonWith(cause: unknown): LogPoisonedError {
    this.#poison = new LogPoisonedError(this.path, cause);
    return this.#poison;
  }

  /** Nothing is queued, and nothing comes in while the log is poisoned: only readers use the old file meanwhile. */
  #renew(): void {
    const stop = new AbortController();
    const exchange = async (): Promise<void> => {
      const { path } = this;
      const old = this.#file;
      const tell = this.#options.onRenewal;
      const renewed = await renewFile({
        fileSystem: this.#fileSystem,
        path,
        old,
        durableEnd: this.#durableEnd,
        knownDamage: this.#damage,
        pausesMs: this.#options.renewalPausesMs ?? RENEWAL_PAUSES_MS,
        attemptsBefore: this.#renewalAttempts,
        onFailure: (attempts, error) => tell?.({ kind: 'failed', path, attempts, error }),
        signal: stop.signal,
      });
      if (renewed === null) return;
      const { file, damage, newDamage, attempts } = renewed;
      this.#file = file;
      this.#damage = damage;
      this.#renewalAttempts += attempts;
      this.#poison = null;
      tell?.({ kind: 'renewed', path, attempts, newDamage });
      // It has no name any more; what closing it may complain about is nobody's concern.
      await old.close().catch(() => undefined);
    };
    this.#renewal = { stop, ended: exchange() };
  }
}
