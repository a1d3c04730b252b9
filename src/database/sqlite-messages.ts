import type { Error as DriverErrorCause, SqlQuery, SqlResultSet } from '@prisma/driver-adapter-utils';

export type ConnectionCall =
  /** The first, and once. */
  | { readonly type: 'connect'; readonly file: string }
  | { readonly type: 'query'; readonly query: SqlQuery }
  | { readonly type: 'execute'; readonly query: SqlQuery }
  | { readonly type: 'script'; readonly script: string }
  /** The last. */
  | { readonly type: 'dispose' };

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
  | ConnectionFailure;

/** Errors lose their class and their own properties on the way between threads, so what matters travels beside them. */
export type ConnectionFailure =
  | { readonly type: 'driver-failure'; readonly cause: DriverErrorCause }
  | { readonly type: 'sqlite-failure'; readonly code: string; readonly message: string }
  | { readonly type: 'other-failure'; readonly error: Error };
