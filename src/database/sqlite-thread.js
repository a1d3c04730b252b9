// @ts-check
// Entry of the thread that holds the connection to SQLite, started with `new Worker`. It lives until it is told to dispose of
// its connection. Plain JavaScript, checked through its comments: the loader that runs the sources does not work in threads.
import { parentPort } from 'node:worker_threads';
import { PrismaBetterSqlite3 } from '@prisma/adapter-better-sqlite3';
import { isDriverAdapterError } from '@prisma/driver-adapter-utils';
import Database from 'better-sqlite3';
import { transactor } from './sqlite-transactor.js';

/**
 * @import { SqlDriverAdapter } from '@prisma/driver-adapter-utils'
 * @import { ConnectionCall, ConnectionFailure, ConnectionOutcome, ConnectionReply, ConnectionRequest, GuardedTransaction } from './sqlite-messages.ts'
 */

if (parentPort === null) throw new Error('This is the entry of a thread, not of a program');
const port = parentPort;
/** @type {SqlDriverAdapter | null} */
let connection = null;
/** @type {((transaction: GuardedTransaction) => boolean) | null} */
let transact = null;

port.on('message', (/** @type {ConnectionRequest} */ { id, call }) => {
  void answer(call)
    .catch(describeFailure)
    .then((outcome) => reply({ id, outcome }));
});

/** @param {ConnectionReply} message */
function reply(message) {
  port.postMessage(message);
}

/**
 * @param {ConnectionCall} call
 * @returns {Promise<ConnectionOutcome>}
 */
async function answer(call) {
  if (call.type === 'connect') {
    // Who asks waits for locks by asking again.
    connection = await new PrismaBetterSqlite3({ url: call.file, timeout: 0 }).connect();
    transact = transactor(driverOf(connection));
    return { type: 'done' };
  }
  if (connection === null || transact === null) throw new Error(`There is no connection yet for "${call.type}"`);
  switch (call.type) {
    case 'query':
      return { type: 'rows', rows: await connection.queryRaw(call.query) };
    case 'execute':
      return { type: 'changes', changes: await connection.executeRaw(call.query) };
    case 'script':
      await connection.executeScript(call.script);
      return { type: 'done' };
    case 'transact':
      return { type: 'transacted', applied: transact(call.transaction) };
    case 'dispose':
      await connection.dispose();
      return { type: 'done' };
  }
}

/**
 * The driver's own connection beneath the adapter, which has it without telling in its types: transactions of both must see the
 * same, and one cache of pages is enough.
 * @param {SqlDriverAdapter} adapter
 */
function driverOf(adapter) {
  if ('client' in adapter && adapter.client instanceof Database) return adapter.client;
  throw new TypeError(
    'This version of the adapter for better-sqlite3 has no connection of the driver where one was expected',
  );
}

/**
 * @param {unknown} error
 * @returns {ConnectionFailure}
 */
function describeFailure(error) {
  if (error instanceof Database.SqliteError) {
    return { type: 'sqlite-failure', code: error.code, message: error.message };
  }
  if (!(error instanceof Error)) return { type: 'other-failure', error: new Error(String(error)) };
  if (isDriverAdapterError(error)) return { type: 'driver-failure', cause: error.cause };
  return { type: 'other-failure', error };
}
