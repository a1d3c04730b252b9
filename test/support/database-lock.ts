import BetterSqlite3 from 'better-sqlite3';
import { until } from './wait.ts';

/** Takes the database's lock from another connection, as another program would. @returns what lets it go, once */
export async function lockDatabase(file: string): Promise<() => void> {
  // Without waiting in SQLite: that would stop a server in this process in the middle of its transaction.
  const other = new BetterSqlite3(file, { timeout: 0 });
  await until(() => takesLock(other), { what: 'the lock' });
  return () => {
    if (!other.open) return;
    other.exec('ROLLBACK');
    other.close();
  };
}

function takesLock(database: BetterSqlite3.Database): boolean {
  try {
    database.exec('BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    if (error instanceof BetterSqlite3.SqliteError && error.code === 'SQLITE_BUSY') return false;
    throw error;
  }
}
