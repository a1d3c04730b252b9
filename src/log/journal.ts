import type { RecordSpan } from './append.ts';
import { FramedLog, type FramedLogOptions } from './framed-log.ts';
import type { ByteRange } from './log-scan.ts';
import type { LogRecord } from './record-format.ts';
import { LogFormatError } from './storage-errors.ts';

export interface JournalRecord<Entry> extends RecordSpan {
  readonly entry: Entry;
}

export interface JournalPage<Entry> {
  readonly entries: readonly JournalRecord<Entry>[];
  /** Where to read on. */
  readonly end: number;
  /** Stretches in between that were durable once and can't be read any more: entries are missing there. */
  readonly damage: readonly ByteRange[];
}

/** Makes an entry of parsed JSON; throws on what is none. */
export type ParseEntry<Entry> = (value: unknown) => Entry;

const ENTRY_RECORD = 1;

/**
 * A durable sequence of JSON entries; an entry is known by its position in the file (bytes). What was appended is on
 * stable storage before anybody hears of it.
 */
export class Journal<Entry> {
  readonly #log: FramedLog;
  readonly #parse: ParseEntry<Entry>;

  private constructor(log: FramedLog, parse: ParseEntry<Entry>) {
    this.#log = log;
    this.#parse = parse;
  }

  /** @throws see `FramedLog.create` */
  static async create<Entry>(
    path: string,
    parse: ParseEntry<Entry>,
    options: FramedLogOptions = {},
  ): Promise<Journal<Entry>> {
    return new Journal(await FramedLog.create(path, null, options), parse);
  }

  /**
   * Opens a journal and visits its entries in order, in one pass. Check `damage` afterwards: damaged entries can't be
   * visited.
   * @throws LogIncompleteError when a crash cut its creation short.
   * @throws LogFormatError when it is no journal, or `parse` refuses an entry.
   */
  static async open<Entry>(
    path: string,
    parse: ParseEntry<Entry>,
    visit: (record: JournalRecord<Entry>) => void,
    options: FramedLogOptions = {},
  ): Promise<Journal<Entry>> {
    const log = await FramedLog.open(path, { record: (record) => visit(decodeEntry(record, parse, path)) }, options);
    return new Journal(log, parse);
  }

  /**
   * Opens a journal that can be derived again from where it ends. When it is damaged, the entries before the damage are
   * kept and visited, and those behind it dropped, because what follows a hole can't be trusted to be in order; the damaged
   * file is kept beside it as `<path>.damaged-<n>`. So is a file that is no journal, and an empty one begun.
   * @returns `droppedFrom`: the position from which entries are missing; `null` when none are. It is told only once: after
   *   a crash right behind the repair the journal is short, and nothing else.
   * @throws LogIncompleteError when a crash cut its creation short.
   * @throws LogFormatError when it is of an unknown version, an entry is none of a journal, or `parse` refuses one. Nothing
   *   is changed then.
   * @throws StorageFullError
   */
  static async openRepaired<Entry>(
    path: string,
    parse: ParseEntry<Entry>,
    visit: (record: JournalRecord<Entry>) => void,
    options: FramedLogOptions = {},
  ): Promise<{ journal: Journal<Entry>; droppedFrom: number | null }> {
    const { log, droppedFrom } = await FramedLog.openRepaired(
      path,
      (record) => visit(decodeEntry(record, parse, path)),
      options,
    );
    return { journal: new Journal(log, parse), droppedFrom };
  }

  get path(): string {
    return this.#log.path;
  }

  /** Position of the first entry. */
  get start(): number {
    return this.#log.start;
  }

  /** All entries before this position are on stable storage. */
  get durableEnd(): number {
    return this.#log.durableEnd;
  }

  /** Bytes of entries that are not on stable storage yet. */
  get pendingBytes(): number {
    return this.#log.pendingBytes;
  }

  /** What was found damaged when the journal was opened or renewed last; entries are missing there. */
  get damage(): readonly ByteRange[] {
    return this.#log.damage;
  }

  /**
   * Resolves when the entry is on stable storage; in the order of the calls.
   * @throws StorageFullError | LogPoisonedError | LogClosedError see `FramedLog.append`
   */
  async append(entry: Entry): Promise<RecordSpan> {
    return this.#log.append(ENTRY_RECORD, [Buffer.from(JSON.stringify(entry))]);
  }

  /**
   * Reads at most `limit` durable entries from `from`: `start`, or the `end` of an entry or page.
   * @throws RangeError when `from` is outside of `start..durableEnd`.
   * @throws LogFormatError when `parse` refuses an entry.
   */
  async read(from: number, limit: number): Promise<JournalPage<Entry>> {
    const reader = this.#log.readerAt(from);
    const entries: JournalRecord<Entry>[] = [];
    const damage: ByteRange[] = [];
    while (entries.length < limit) {
      const item = await reader.next();
      if (item === null) break;
      if (item.kind === 'damage') damage.push(item.range);
      else entries.push(decodeEntry(item.record, this.#parse, this.path));
    }
    return { entries, end: reader.position, damage };
  }

  /** Waits for what is queued, then lets go of the file. */
  close(): Promise<void> {
    return this.#log.close();
  }
}

function decodeEntry<Entry>(record: LogRecord, parse: ParseEntry<Entry>, path: string): JournalRecord<Entry> {
  const { position, end } = record;
  if (record.type !== ENTRY_RECORD)
    throw new LogFormatError(`The record at ${position} of ${path} is no journal entry`);
  try {
    return { entry: parse(JSON.parse(record.payload.toString('utf8'))), position, end };
  } catch (error) {
    throw new LogFormatError(`The entry at ${position} of ${path} is not what it should be`, { cause: error });
  }
}
