type Write = (fields: object, message: string) => void;

/** What the services need of a structured logger; pino's fits. Fields are ids, counts and durations, never transcript text. */
export interface Logger {
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
}
