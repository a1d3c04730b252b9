// @ts-check
// Of the thread that holds the connection to SQLite, and like its entry plain JavaScript.

/**
 * @import Database from 'better-sqlite3'
 * @import { GuardedTransaction } from './sqlite-messages.ts'
 */

/**
 * Carries out guarded transactions on a connection, in one go and with statements that are prepared once. Each begins as a
 * writer, so that a lock of others shows before any work; what fails is rolled back, a failed COMMIT, too.
 *
 * @param {Database.Database} database
 * @returns {(transaction: GuardedTransaction) => boolean} whether the guard let it through
 */
export function transactor(database) {
  /** @type {Map<string, Database.Statement>} */
  const statements = new Map();

  /**
   * @param {string} sql
   * @returns {Database.Statement}
   */
  function statement(sql) {
    const known = statements.get(sql) ?? database.prepare(sql);
    statements.set(sql, known);
    return known;
  }

  return ({ guard, steps }) => {
    statement('BEGIN IMMEDIATE').run();
    try {
      if (statement(guard.sql).run(...guard.values).changes === 0) return false;
      for (const { sql, runs } of steps) {
        const step = statement(sql);
        for (const values of runs) step.run(...values);
      }
      statement('COMMIT').run();
      return true;
    } finally {
      // SQLite ends it by itself after some errors.
      if (database.inTransaction) statement('ROLLBACK').run();
    }
  };
}
