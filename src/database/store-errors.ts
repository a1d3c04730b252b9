/** The database can't be reached, is locked, full or damaged: something that may pass, by itself or by an operator's hand. */
export class DatabaseUnavailableError extends Error {
  override readonly name = 'DatabaseUnavailableError';
}

/** The database works and does not take what it was given: waiting will not change that. */
export class DatabaseRefusedError extends Error {
  override readonly name: string = 'DatabaseRefusedError';
}

export class ExternalIdTakenError extends Error {
  override readonly name = 'ExternalIdTakenError';
}

/** A cursor that this store did not make. */
export class InvalidCursorError extends Error {
  override readonly name = 'InvalidCursorError';
}

/** A text to search for with nothing in it that can be found, or too much. */
export class UnsearchableTextError extends Error {
  override readonly name = 'UnsearchableTextError';
}

/** A time zone that this machine does not know. */
export class InvalidTimeZoneError extends RangeError {
  override readonly name = 'InvalidTimeZoneError';
}
