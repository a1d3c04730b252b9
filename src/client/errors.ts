/**
 * What went wrong: a code of the server (`ErrorCode` in schema.graphql), or one of the client's own.
 *
 * - `UNREACHABLE`: no connection to the server could be opened.
 * - `CONNECTION_LOST`: the connection to the server was lost.
 * - `GAVE_UP`: nothing went forward for `patienceMs`.
 * - `SESSION_FAILED`: the server could not complete the session.
 * - `SESSION_IN_USE`: another tab, or another part of this program, is sending this recording.
 * - `NOT_STORED`: the chunk store has no such recording.
 * - `STORE_FAILED`: the chunk store does not work (private window, no room, damaged).
 * - `ENDED`: the session takes no more audio from this program.
 * - `ABANDONED`: `abandon` was called.
 * - `UNREADABLE_ANSWER`: the server answers with something else than its API promises.
 */
export type VerbatimErrorCode =
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
  | 'INTERNAL_SERVER_ERROR'
  | 'UNREACHABLE'
  | 'CONNECTION_LOST'
  | 'GAVE_UP'
  | 'SESSION_FAILED'
  | 'SESSION_IN_USE'
  | 'NOT_STORED'
  | 'STORE_FAILED'
  | 'ENDED'
  | 'ABANDONED'
  | 'UNREADABLE_ANSWER';

/** Refusals that pass: a server that is short of something, chunks behind a lost one, a network that is away. */
const PASSING: readonly string[] = [
  'AUDIO_OUT_OF_ORDER',
  'CONNECTION_LOST',
  'DATABASE_UNAVAILABLE',
  'INTERNAL_SERVER_ERROR',
  'OVERLOADED',
  'RATE_LIMITED',
  'STORAGE_FULL',
  'UNREACHABLE',
];

export interface VerbatimErrorDetails {
  /** When to try again, in milliseconds from now, where the server says so. */
  readonly retryAfterMs?: number | null;
  /** The code with which a WebSocket was closed (RFC 6455, section 7.4), where one was. */
  readonly closeCode?: number | null;
  readonly cause?: unknown;
}

/** Every error of the client: `code` for programs, `message` for people. */
export class VerbatimError extends Error {
  override readonly name = 'VerbatimError';
  /** One of `VerbatimErrorCode`, or what a newer server says. */
  readonly code: VerbatimErrorCode | (string & {});
  readonly retryAfterMs: number | null;
  readonly closeCode: number | null;

  constructor(code: VerbatimErrorCode | (string & {}), message: string, details: VerbatimErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.retryAfterMs = details.retryAfterMs ?? null;
    this.closeCode = details.closeCode ?? null;
  }

  /** Whether trying again may help. */
  get mayPass(): boolean {
    return PASSING.includes(this.code);
  }
}
