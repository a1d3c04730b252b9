/** Something that the person at the command line can understand and mend; the message is all that is printed. */
export class CommandLineError extends Error {
  override readonly name = 'CommandLineError';
}

/** The connection to the server is gone; another one may do. */
export class ConnectionLostError extends Error {
  override readonly name = 'ConnectionLostError';
}

/** The server answered with an error. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** One of the schema's `ErrorCode`s; `null` when the answer had none. */
  readonly code: string | null;
  /** When to try again, in milliseconds; `null` when the server did not say. */
  readonly retryAfterMs: number | null;

  constructor(message: string, code: string | null, retryAfterMs: number | null = null) {
    super(message);
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}
