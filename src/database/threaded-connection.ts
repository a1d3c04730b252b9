import { Worker } from 'node:worker_threads';
import {
  DriverAdapterError,
  type SqlDriverAdapter,
  type SqlQuery,
  type SqlResultSet,
} from '@prisma/driver-adapter-utils';
import Database from 'better-sqlite3';
import { isOfStaleConnection } from './database-errors.ts';
import type {
  ConnectionCall,
  ConnectionOutcome,
  ConnectionReply,
  ConnectionRequest,
  GuardedTransaction,
} from './sqlite-messages.ts';

/** What a connection does; transactions are its user's business. */
export type Connection = Pick<SqlDriverAdapter, 'queryRaw' | 'executeRaw' | 'executeScript' | 'dispose'>;

interface PendingCall {
  readonly resolve: (outcome: ConnectionOutcome) => void;
  readonly reject: (error: Error) => void;
}

/** Beside this file, in the sources as in the compiled program. */
const THREAD_ENTRY = new URL('./sqlite-thread.js', import.meta.url);

/**
 * A connection to an SQLite file in a thread of its own. SQLite's calls are synchronous, and a COMMIT returns when the disk
 * has synced: here the event loop goes on meanwhile. Calls are carried out one after the other, as they were made.
 *
 * When the thread ends unasked, its calls under way and all later ones fail as `ConnectionClosed`. Whether the one under way
 * took effect is not known then.
 */
export class ThreadedConnection implements Connection {
  readonly #thread: Worker;
  readonly #exited: Promise<void>;
  readonly #pending = new Map<number, PendingCall>();
  #lastId = 0;
  /** Why it has no thread any more; `null` while it has. */
  #lost: string | null = null;
  #isStale = false;

  private constructor() {
    // Without this process's arguments: they may load what is meant for its main thread.
    this.#thread = new Worker(THREAD_ENTRY, { name: 'database', execArgv: [] });
    this.#thread.unref();
    this.#thread.on('message', (reply: ConnectionReply) => this.#settle(reply));
    this.#thread.on('messageerror', (error) => void this.#end(error.message));
    this.#thread.on('error', (error) => this.#lose(error.message));
    this.#exited = new Promise((resolve) => {
      this.#thread.once('exit', (code) => {
        this.#lose(`exit code ${code}`);
        resolve();
      });
    });
  }

  /**
   * @param file path of the database; created when absent
   * @throws Database.SqliteError when it cannot be opened
   */
  static async open(file: string): Promise<ThreadedConnection> {
    const connection = new ThreadedConnection();
    try {
      await connection.#call({ type: 'connect', file }, 'done');
      return connection;
    } catch (error) {
      await connection.#end('it could not open the database');
      throw error;
    }
  }

  /** Whether its thread has ended; it does not come back. */
  get isLost(): boolean {
    return this.#lost !== null;
  }

  /** Whether it failed in a way that one opened anew may not. */
  get isStale(): boolean {
    return this.#isStale;
  }

  async queryRaw(query: SqlQuery): Promise<SqlResultSet> {
    return (await this.#call({ type: 'query', query }, 'rows')).rows;
  }

  async executeRaw(query: SqlQuery): Promise<number> {
    return (await this.#call({ type: 'execute', query }, 'changes')).changes;
  }

  async executeScript(script: string): Promise<void> {
    await this.#call({ type: 'script', script }, 'done');
  }

  /**
   * Carries out a transaction that writes. When it fails, nothing is left of it, unless the thread ended during its commit.
   * @returns whether its guard let it through
   */
  async transact(transaction: GuardedTransaction): Promise<boolean> {
    return (await this.#call({ type: 'transact', transaction }, 'transacted')).applied;
  }

  /** After the calls under way. Does nothing when the thread has ended already: the file went with it. */
  async dispose(): Promise<void> {
    if (this.isLost) return;
    try {
      await this.#call({ type: 'dispose' }, 'done');
    } finally {
      await this.#end('it was closed');
    }
  }

  async #call<Type extends ConnectionOutcome['type']>(
    call: ConnectionCall,
    expected: Type,
  ): Promise<Extract<ConnectionOutcome, { type: Type }>> {
    const outcome = await this.#ask(call);
    if (isOfType(outcome, expected)) return outcome;
    const error = errorOf(outcome, call);
    this.#isStale ||= isOfStaleConnection(error);
    throw error;
  }

  #ask(call: ConnectionCall): Promise<ConnectionOutcome> {
    return new Promise((resolve, reject) => {
      if (this.#lost !== null) throw connectionClosed(this.#lost);
      const request: ConnectionRequest = { id: ++this.#lastId, call };
      this.#thread.postMessage(request);
      this.#pending.set(request.id, { resolve, reject });
      // An idle connection keeps no process alive; a call under way does.
      this.#thread.ref();
    });
  }

  #settle({ id, outcome }: ConnectionReply): void {
    this.#pending.get(id)?.resolve(outcome);
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.#thread.unref();
  }

  async #end(reason: string): Promise<void> {
    this.#lose(reason);
    this.#thread.ref();
    await Promise.all([this.#thread.terminate(), this.#exited]);
  }

  #lose(reason: string): void {
    this.#lost ??= reason;
    for (const { reject } of this.#pending.values()) reject(connectionClosed(this.#lost));
    this.#pending.clear();
  }
}

function isOfType<Type extends ConnectionOutcome['type']>(
  outcome: ConnectionOutcome,
  type: Type,
): outcome is Extract<ConnectionOutcome, { type: Type }> {
  return outcome.type === type;
}

function errorOf(outcome: ConnectionOutcome, call: ConnectionCall): Error {
  switch (outcome.type) {
    case 'driver-failure':
      return new DriverAdapterError(outcome.cause);
    case 'sqlite-failure':
      return new Database.SqliteError(outcome.message, outcome.code);
    case 'other-failure':
      return outcome.error;
    case 'rows':
    case 'changes':
    case 'done':
    case 'transacted':
      return new TypeError(`The database thread answered "${call.type}" with "${outcome.type}"`);
  }
}

function connectionClosed(reason: string): DriverAdapterError {
  return new DriverAdapterError({
    kind: 'ConnectionClosed',
    originalMessage: `The database thread has ended: ${reason}`,
  });
}
