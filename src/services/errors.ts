/** The stable codes of refused requests; callers branch on them, people read the message. */
export type ErrorCode =
  | 'BAD_USER_INPUT'
  | 'NOT_FOUND'
  | 'SESSION_NOT_ACTIVE'
  | 'SESSION_CONFLICT'
  | 'AUDIO_OUT_OF_ORDER'
  | 'AUDIO_CONFLICT'
  | 'AUDIO_TOO_LARGE'
  | 'AUDIO_MALFORMED'
  | 'DATABASE_UNAVAILABLE'
  | 'OVERLOADED'
  | 'STORAGE_FULL'
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'RATE_LIMITED'
  | 'INTERNAL_SERVER_ERROR';

export interface ErrorDetails {
  /** The chunk to send next (`AUDIO_OUT_OF_ORDER`). */
  readonly expectedSequence?: number;
  /** When to try again, in milliseconds from now (`OVERLOADED`, `RATE_LIMITED`). */
  readonly retryAfterMs?: number;
}

/** By then another server, or this one started anew, may answer; in milliseconds. */
const RETRY_WHEN_STOPPING_MS = 1_000;

/** A request that was refused: `code` for programs, `message` tells a person what to do next. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.details = details;
  }
}

export function noSuchSession(): ServiceError {
  return new ServiceError('NOT_FOUND', 'There is no session with this id: check it, or start a session.');
}

/** @param advice what to do when connected again */
export function serverIsStopping(advice: string): ServiceError {
  return new ServiceError('OVERLOADED', `The server is stopping: ${advice}.`, { retryAfterMs: RETRY_WHEN_STOPPING_MS });
}
