import {
  DriverAdapterError,
  type IsolationLevel,
  type SqlDriverAdapter,
  type SqlDriverAdapterFactory,
  type SqlQuery,
  type SqlResultSet,
  type Transaction,
} from '@prisma/driver-adapter-utils';
import { retryWhileBusy } from './busy.ts';
import { driverErrorCode } from './database-errors.ts';
import { Mutex } from './mutex.ts';
import type { GuardedTransaction } from './sqlite-messages.ts';
import { type Connection, ThreadedConnection } from './threaded-connection.ts';

const ADAPTER_NAME = '@prisma/adapter-better-sqlite3';

/**
 * Prisma's adapter for better-sqlite3, made safe. The adapter has one connection and lets everybody use it at any time:
 * a query outside an open transaction runs inside it and is erased by its rollback, and after a failed COMMIT the
 * connection stays in the transaction. Here root queries and transactions take turns, transactions begin as writers
 * (`BEGIN IMMEDIATE`, so that SQLITE_BUSY comes before any work), and whatever ends a transaction leaves none open.
 *
 * A query through the root client inside a transaction's callback would wait for that transaction to end: use the
 * transaction's own client there.
 */
export class SqliteAdapterFactory implements SqlDriverAdapterFactory {
  readonly provider = 'sqlite';
  readonly adapterName = ADAPTER_NAME;
  readonly #file: string;
  readonly #busyPatienceMs: number;
  #latest: IsolatedSqlite | null = null;
  #retired = false;

  /**
   * @param file path of the database file
   * @param busyPatienceMs how long a query or the start of a transaction waits for another process's lock
   */
  constructor(file: string, busyPatienceMs: number) {
    this.#file = file;
    this.#busyPatienceMs = busyPatienceMs;
  }

  async connect(): Promise<SqlDriverAdapter> {
    if (this.#retired) throw new DriverAdapterError({ kind: 'ConnectionClosed' });
    const connect = () => openConnection(this.#file, this.#busyPatienceMs);
    this.#latest = new IsolatedSqlite(await connect(), connect, this.#busyPatienceMs);
    return this.#latest;
  }

  /** Carries out a whole transaction, in its turn among Prisma's, on the connection that Prisma has made last. */
  async transact(transaction: GuardedTransaction): Promise<boolean> {
    if (this.#latest === null) throw new DriverAdapterError({ kind: 'ConnectionClosed' });
    return await this.#latest.transact(transaction);
  }

  /** Makes closing final: a disconnected Prisma client connects again by itself at its next query. */
  retire(): void {
    this.#retired = true;
  }
}

/** FULL: in WAL mode, only this syncs the log at every commit. */
const CONNECTION_SETTINGS = 'PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;';

async function openConnection(file: string, busyPatienceMs: number): Promise<ThreadedConnection> {
  const connection = await ThreadedConnection.open(file);
  try {
    await retryWhileBusy(() => connection.executeScript(CONNECTION_SETTINGS), busyPatienceMs);
    return connection;
  } catch (error) {
    await connection.dispose();
    throw error;
  }
}

class IsolatedSqlite implements SqlDriverAdapter {
  readonly provider = 'sqlite';
  readonly adapterName = ADAPTER_NAME;
  readonly #connect: () => Promise<ThreadedConnection>;
  readonly #busyPatienceMs: number;
  readonly #turn = new Mutex();
  #connection: ThreadedConnection;
  #disposed = false;

  constructor(connection: ThreadedConnection, connect: () => Promise<ThreadedConnection>, busyPatienceMs: number) {
    this.#connection = connection;
    this.#connect = connect;
    this.#busyPatienceMs = busyPatienceMs;
  }

  queryRaw(query: SqlQuery): Promise<SqlResultSet> {
    return this.#exclusively((connection) => connection.queryRaw(query));
  }

  executeRaw(query: SqlQuery): Promise<number> {
    return this.#exclusively((connection) => connection.executeRaw(query));
  }

  transact(transaction: GuardedTransaction): Promise<boolean> {
    return this.#exclusively((connection) => connection.transact(transaction));
  }

  executeScript(script: string): Promise<void> {
    // Not repeated when busy: its first statements may have gone through.
    return this.#turn.runExclusive(async () => {
      const connection = await this.#live();
      await connection.executeScript(script);
    });
  }

  async startTransaction(isolationLevel?: IsolationLevel): Promise<Transaction> {
    if (isolationLevel !== undefined && isolationLevel !== 'SERIALIZABLE') {
      throw new DriverAdapterError({ kind: 'InvalidIsolationLevel', level: isolationLevel });
    }
    return retryWhileBusy(async () => {
      const release = await this.#turn.acquire();
      try {
        const connection = await this.#live();
        await connection.executeRaw(statement('BEGIN IMMEDIATE'));
        return new IsolatedTransaction(connection, release);
      } catch (error) {
        release();
        throw error;
      }
    }, this.#busyPatienceMs);
  }

  async dispose(): Promise<void> {
    await this.#turn.runExclusive(async () => {
      this.#disposed = true;
      await this.#connection.dispose();
    });
  }

  /** Gives its turn up between attempts: reads go on while a write waits for another process. */
  #exclusively<T>(work: (connection: ThreadedConnection) => Promise<T>): Promise<T> {
    const attempt = (): Promise<T> => this.#turn.runExclusive(async () => await work(await this.#live()));
    return retryWhileBusy(attempt, this.#busyPatienceMs);
  }

  /**
   * The connection, for the holder of the turn: a new one when the last was lost or went stale. What was under way on that
   * one has failed and is not repeated here, and a transaction stays with the connection that it began on.
   */
  async #live(): Promise<ThreadedConnection> {
    if (this.#disposed) throw new DriverAdapterError({ kind: 'ConnectionClosed' });
    if (this.#connection.isLost || this.#connection.isStale) {
      // Nothing depends on how that goes: what was committed is on the disk.
      await this.#connection.dispose().catch(() => undefined);
      this.#connection = await this.#connect();
    }
    return this.#connection;
  }
}

/**
 * Errors after which SQLite may have rolled the transaction back by itself; what followed would be committed one by
 * one. https://www.sqlite.org/lang_transaction.html#response_to_errors_within_a_transaction
 */
const ROLLED_BACK_CODES = ['SQLITE_FULL', 'SQLITE_IOERR', 'SQLITE_NOMEM', 'SQLITE_BUSY', 'SQLITE_INTERRUPT'];

/** Without savepoints: nested transactions are refused by Prisma. */
class IsolatedTransaction implements Transaction {
  readonly provider = 'sqlite';
  readonly adapterName = ADAPTER_NAME;
  /** "Phantom": Prisma leaves COMMIT and ROLLBACK to `commit` and `rollback` here. */
  readonly options = { usePhantomQuery: true };
  readonly #connection: Connection;
  readonly #release: () => void;
  /** `ending` from the moment in which its end is asked for: what came behind that would not be part of it. */
  #state: 'open' | 'broken' | 'ending' | 'closed' = 'open';

  constructor(connection: Connection, release: () => void) {
    this.#connection = connection;
    this.#release = release;
  }

  queryRaw(query: SqlQuery): Promise<SqlResultSet> {
    return this.#whileOpen(() => this.#connection.queryRaw(query));
  }

  executeRaw(query: SqlQuery): Promise<number> {
    return this.#whileOpen(() => this.#connection.executeRaw(query));
  }

  async commit(): Promise<void> {
    try {
      await this.#whileOpen(() => {
        this.#state = 'ending';
        return this.#connection.executeRaw(statement('COMMIT'));
      });
      this.#close();
    } finally {
      await this.rollback();
    }
  }

  /** Does nothing once the transaction is closed. */
  async rollback(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'ending';
    try {
      await this.#connection.executeRaw(statement('ROLLBACK'));
    } catch (error) {
      // SQLite has rolled it back already: there is no transaction to roll back.
      if (driverErrorCode(error) !== 'SQLITE_ERROR') throw error;
    } finally {
      this.#close();
    }
  }

  async #whileOpen<T>(work: () => Promise<T>): Promise<T> {
    if (this.#state !== 'open') {
      throw new DriverAdapterError({ kind: 'TransactionAlreadyClosed', cause: `The transaction is ${this.#state}` });
    }
    try {
      return await work();
    } catch (error) {
      const code = driverErrorCode(error);
      if (code !== null && ROLLED_BACK_CODES.some((fatal) => code.startsWith(fatal))) this.#state = 'broken';
      throw error;
    }
  }

  #close(): void {
    this.#state = 'closed';
    this.#release();
  }
}

function statement(sql: string): SqlQuery {
  return { sql, args: [], argTypes: [] };
}
