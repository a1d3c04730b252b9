/**
 * The disk or the quota is full. Nothing of what was refused is stored, nothing acknowledged is harmed, and the log goes
 * on as soon as there is space again.
 */
export class StorageFullError extends Error {
  override readonly name = 'StorageFullError';

  constructor(path: string, cause: unknown) {
    super(`No space left to write ${path}; free some space and send again`, { cause });
  }
}

/**
 * Writing or syncing failed in a way that leaves it open what is on the disk (for example `EIO` from fsync: the kernel may
 * have dropped the data and will not report it a second time). What was acknowledged before can still be read. The log takes
 * no more records until it has moved what was acknowledged into a new file, which it does by itself.
 */
export class LogPoisonedError extends Error {
  override readonly name = 'LogPoisonedError';

  constructor(path: string, cause: unknown) {
    super(
      `${path} can't be trusted with further records since a write to it failed; it renews itself: send again later`,
      {
        cause,
      },
    );
  }
}

export class LogClosedError extends Error {
  override readonly name = 'LogClosedError';

  constructor(path: string) {
    super(`${path} is closed`);
  }
}

/**
 * The file's creation was cut short by a crash. It holds nothing that was ever acknowledged: remove it and create it anew.
 */
export class LogIncompleteError extends Error {
  override readonly name = 'LogIncompleteError';

  constructor(path: string) {
    super(`${path} was never completely created and holds nothing; remove it and create it anew`);
  }
}

/** Not a log, one of an unknown version, or one whose intact records contradict each other. */
export class LogFormatError extends Error {
  override readonly name: string = 'LogFormatError';
}

/** There is something under the log's name, but nothing in it is of a log. */
export class NotALogError extends LogFormatError {
  override readonly name = 'NotALogError';

  constructor(path: string) {
    super(`${path} is not a log`);
  }
}

/** What can't be done without is damaged beyond use. */
export class LogDamagedError extends Error {
  override readonly name = 'LogDamagedError';
}

/** Another chunk or skip was stored under this sequence number before. */
export class SequenceConflictError extends Error {
  override readonly name = 'SequenceConflictError';
  readonly sequence: number;

  constructor(sequence: number) {
    super(`Sequence number ${sequence} was used before with other content; each number names one chunk for good`);
    this.sequence = sequence;
  }
}

/** A sequence number was left out. */
export class SequenceGapError extends Error {
  override readonly name = 'SequenceGapError';
  readonly sequence: number;
  /** The number that comes next; all below it were taken. */
  readonly expectedSequence: number;

  constructor(sequence: number, expectedSequence: number) {
    super(`Expected sequence number ${expectedSequence}, got ${sequence}; send the missing ones first`);
    this.sequence = sequence;
    this.expectedSequence = expectedSequence;
  }
}

/** The disk, the quota, or the size that the process may give a file (`ulimit -f`). */
const FULL_CODES: readonly unknown[] = ['ENOSPC', 'EDQUOT', 'EFBIG'];

/** True for the errors of the operating system that mean "no space" and pass when there is some again. */
export function isStorageFull(error: unknown): boolean {
  if (error instanceof StorageFullError) return true;
  return error instanceof Error && 'code' in error && FULL_CODES.includes(error.code);
}
