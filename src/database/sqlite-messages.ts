import type { Error as DriverErrorCause, SqlQuery, SqlResultSet } from '@prisma/driver-adapter-utils';

export type ConnectionCall =
  /** The first, and once. */
  | { readonly type: 'connect'; readonly file: string }
  | { readonly type: 'query'; readonly query: SqlQuery }
  | { readonly type: 'execute'; readonly query: SqlQuery }
  | { readonly type: 'script'; readonly script: string }
  | { readonly type: 'transact'; readonly transaction: GuardedTransaction }
  /** The last. */
  | { readonly type: 'dispose' };

/** What SQLite is given for a `?`: dates as the text that stands in the column, booleans as numbers. */
export type SqliteValue = string | number | bigint | null;

/**
 * A whole transaction in one message. Its statements are prepared once and kept by their text, so that must not depend on the
 * values.
 */
export interface GuardedTransaction {
  /** The first statement. When it changes no row, nothing else is done, and nothing is left of the transaction. */
  readonly guard: { readonly sql: string; readonly values: readonly SqliteValue[] };
  /** Each is carried out once for each of its lists of values. */
  readonly steps: readonly { readonly sql: string; readonly runs: readonly (readonly SqliteValue[])[] }[];
}

/** To the thread; ids are unique within a connection. */
export interface ConnectionRequest {
  readonly id: number;
  readonly call: ConnectionCall;
}

/** From the thread: exactly one for each request, in any order. */
export interface ConnectionReply {
  readonly id: number;
  readonly outcome: ConnectionOutcome;
}

export type ConnectionOutcome =
  | { readonly type: 'rows'; readonly rows: SqlResultSet }
  | { readonly type: 'changes'; readonly changes: number }
  | { readonly type: 'done' }
  /** `applied`: committed; else its guard met no row. */
  | { readonly type: 'transacted'; readonly applied: boolean }
  | ConnectionFailure;

/** Errors lose their class and their own properties on the way between threads, so what matters travels beside them. */
export type ConnectionFailure =
  | { readonly type: 'driver-failure'; readonly cause: DriverErrorCause }
  | { readonly type: 'sqlite-failure'; readonly code: string; readonly message: string }
  | { readonly type: 'other-failure'; readonly error: Error };
