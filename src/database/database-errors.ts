import { isDriverAdapterError, type Error as DriverErrorCause } from '@prisma/driver-adapter-utils';
import Database from 'better-sqlite3';
import { Prisma } from './generated/prisma/client.ts';
import { DatabaseRefusedError, DatabaseUnavailableError } from './store-errors.ts';

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

/** The file itself is damaged, and somebody may put it right. https://www.sqlite.org/rescode.html#corrupt */
const DAMAGE_SQLITE_CODES = ['SQLITE_CORRUPT', 'SQLITE_NOTADB'];

/**
 * After these the same file may work when it is opened anew: one that was opened while its disk was read-only stays so, and
 * one that was moved away or replaced is still the one that is open.
 */
const STALE_SQLITE_CODES = [...DAMAGE_SQLITE_CODES, 'SQLITE_READONLY', 'SQLITE_IOERR', 'SQLITE_CANTOPEN'];

/** What SQLite says of the same values each time. */
const REFUSAL_SQLITE_CODES = ['SQLITE_CONSTRAINT', 'SQLITE_MISMATCH', 'SQLITE_TOOBIG', 'SQLITE_RANGE'];

/** Codes of Prisma for what may pass: connection lost or refused, timed out, transaction not begun or expired, conflict. */
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

/** Whether the driver's code is one of `codes` or an extension of one. */
function hasDriverCode(error: unknown, codes: readonly string[]): boolean {
  const code = driverErrorCode(error);
  return code !== null && codes.some((primary) => code.startsWith(primary));
}

/** Whether the connection that `error` comes from should be replaced: what hinders it may be gone for a new one. */
export function isOfStaleConnection(error: unknown): boolean {
  return hasDriverCode(error, STALE_SQLITE_CODES);
}

function isTransient(error: unknown): boolean {
  if (hasDriverCode(error, TRANSIENT_SQLITE_CODES)) return true;
  if (driverErrorCause(error)?.kind === 'ConnectionClosed') return true;
  if (error instanceof Prisma.PrismaClientKnownRequestError) return TRANSIENT_PRISMA_CODES.includes(error.code);
  return error instanceof Prisma.PrismaClientInitializationError;
}

function isRefusal(error: unknown): boolean {
  return hasDriverCode(error, REFUSAL_SQLITE_CODES) || error instanceof Prisma.PrismaClientValidationError;
}

/**
 * `DatabaseUnavailableError` for a failure that may pass, `DatabaseRefusedError` for one that comes again with the same
 * values; every other error as it is.
 */
export function toDatabaseError(error: unknown): unknown {
  const code = driverErrorCode(error) ?? (error instanceof Prisma.PrismaClientKnownRequestError ? error.code : null);
  const suffix = code === null ? '' : ` (${code})`;
  const cause = { cause: error };
  if (hasDriverCode(error, DAMAGE_SQLITE_CODES)) {
    return new DatabaseUnavailableError(`The database file is damaged${suffix}: put a backup in its place`, cause);
  }
  if (isTransient(error)) {
    return new DatabaseUnavailableError(`The database is not available${suffix}; try again`, cause);
  }
  if (isRefusal(error)) return new DatabaseRefusedError(`The database refuses what it was given${suffix}`, cause);
  return error;
}
