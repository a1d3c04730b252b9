import { MalformedAudioError } from '../audio/containers/malformed-audio-error.ts';
import {
  DatabaseUnavailableError,
  InvalidCursorError,
  InvalidTimeZoneError,
  UnsearchableTextError,
} from '../database/store-errors.ts';
import {
  isStorageFull,
  LogDamagedError,
  LogFormatError,
  LogPoisonedError,
  SequenceConflictError,
  SequenceGapError,
} from '../log/storage-errors.ts';
import { ServiceError } from './errors.ts';

/** A session's logs are damaged in a way that it can't go on from; no request mends that. */
export function isDamage(error: unknown): boolean {
  return error instanceof LogDamagedError || error instanceof LogFormatError;
}

/** The contract's error for one of the lower layers', or `null` when it is not the caller's business. */
export function toServiceError(error: unknown): ServiceError | null {
  const cause = { cause: error };
  if (error instanceof ServiceError) return error;
  if (error instanceof SequenceGapError) {
    const { expectedSequence } = error;
    return new ServiceError(
      'AUDIO_OUT_OF_ORDER',
      `Chunk ${expectedSequence} is expected next: send it, then those after it.`,
      { expectedSequence },
      cause,
    );
  }
  if (error instanceof SequenceConflictError) {
    return new ServiceError(
      'AUDIO_CONFLICT',
      'Another chunk was stored under this sequence number: another client may be sending to this session.',
      {},
      cause,
    );
  }
  if (error instanceof MalformedAudioError) {
    return new ServiceError('AUDIO_MALFORMED', `The chunk was not stored: ${error.message}.`, {}, cause);
  }
  if (isStorageFull(error)) {
    return new ServiceError('STORAGE_FULL', 'The disk is full: free some space, then try again.', {}, cause);
  }
  if (error instanceof LogPoisonedError) {
    return new ServiceError(
      'STORAGE_FULL',
      'The disk failed to keep this, and nothing was acknowledged: keep it, and send it again in a while.',
      {},
      cause,
    );
  }
  if (isDamage(error)) {
    return new ServiceError(
      'SESSION_NOT_ACTIVE',
      'The session can’t go on: its files on the server are damaged, of which the server’s log says more. Start a new session.',
      {},
      cause,
    );
  }
  if (error instanceof DatabaseUnavailableError) {
    return new ServiceError('DATABASE_UNAVAILABLE', 'The database does not answer now: try again.', {}, cause);
  }
  if (error instanceof InvalidCursorError) {
    return new ServiceError('BAD_USER_INPUT', 'This cursor is not one of this list: use one that it gave.', {}, cause);
  }
  if (error instanceof InvalidTimeZoneError || error instanceof UnsearchableTextError) {
    return new ServiceError('BAD_USER_INPUT', error.message, {}, cause);
  }
  return null;
}

/** The same result, with errors of the lower layers as the contract's. */
export async function asServiceError<T>(result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (error) {
    throw toServiceError(error) ?? error;
  }
}
