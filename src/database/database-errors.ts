import { isDriverAdapterError, type Error as DriverErrorCause } from '@prisma/driver-adapter-utils';
import Database from 'better-sqlite3';
import { Prisma } from './generated/prisma/client.ts';
import { DatabaseUnavailableError } from './session-store.ts';

/**
 * SQLite's primary result codes for conditions that may pass by themselves or by an operator's hand: another
 * connection's lock, a full disk, a disk that fails or is mounted read-only. https://www.sqlite.org/rescode.html
 */
const TRANSIENT_SQLITE_CODES = [
  'SQLITE_BUSY',
  'SQLITE_LOCKED',
  'SQLITE_FULL',
  'SQLITE_IOERR',
  'SQLITE_CANTOPEN',
  'SQLITE_READONLY',
  'SQLITE_NOMEM',
  'SQLITE_PROTOCOL',
  'SQLITE_INTERRUPT',
];

/** Codes of Prisma for the same: connection lost or refused, timed out, transaction not begun or expired, conflict. */
const TRANSIENT_PRISMA_CODES = ['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2028', 'P2034', 'P2037'];

/** What the driver said, when `error` comes from it through whichever layer; else `null`. */
function driverErrorCause(error: unknown): DriverErrorCause | null {
  if (isDriverAdapterError(error)) return error.cause;
  if (error instanceof Prisma.PrismaClientKnownRequestError) {
    const inner = error.meta?.['driverAdapterError'];
    if (isDriverAdapterError(inner)) return inner.cause;
  }
  return null;
}

/** The driver's code, for example `SQLITE_BUSY_SNAPSHOT`; `null` when the error is not the driver's. */
export function driverErrorCode(error: unknown): string | null {
  if (error instanceof Database.SqliteError) return error.code;
  return driverErrorCause(error)?.originalCode ?? null;
}

/** Columns of the unique constraint that `error` reports as violated; empty when it reports none. */
export function violatedUniqueColumns(error: unknown): readonly string[] {
  const cause = driverErrorCause(error);
  if (cause?.kind !== 'UniqueConstraintViolation' || cause.constraint === undefined) return [];
  return 'fields' in cause.constraint ? cause.constraint.fields : [];
}

function isTransient(error: unknown): boolean {
  const code = driverErrorCode(error);
  if (code !== null && TRANSIENT_SQLITE_CODES.some((transient) => code.startsWith(transient))) return true;
  if (driverErrorCause(error)?.kind === 'ConnectionClosed') return true;
  if (error instanceof Prisma.PrismaClientKnownRequestError) return TRANSIENT_PRISMA_CODES.includes(error.code);
  return error instanceof Prisma.PrismaClientInitializationError;
}

/** `DatabaseUnavailableError` for a failure that may pass; every other error as it is. */
export function toDatabaseError(error: unknown): unknown {
  if (!isTransient(error)) return error;
  const code = driverErrorCode(error) ?? (error instanceof Prisma.PrismaClientKnownRequestError ? error.code : null);
  return new DatabaseUnavailableError(`The database is not available${code === null ? '' : ` (${code})`}; try again`, {
    cause: error,
  });
}
