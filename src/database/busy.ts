import { setTimeout as delay } from 'node:timers/promises';
import { driverErrorCode } from './database-errors.ts';

const FIRST_PAUSE_MS = 2;
const LONGEST_PAUSE_MS = 100;

/**
 * Repeats `attempt` while SQLite says that another connection holds the lock. The pauses are timers: SQLite's own
 * waiting (`busy_timeout`) would stop its whole thread, and with that the reads that need no lock.
 *
 * @param attempt must have changed nothing when it fails with SQLITE_BUSY
 * @param patienceMs after which the failure is thrown on
 */
export async function retryWhileBusy<T>(attempt: () => T | Promise<T>, patienceMs: number): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      return await attempt();
    } catch (error) {
      if (!isBusy(error) || performance.now() + pause > deadline) throw error;
    }
    await delay(pause);
  }
}

function isBusy(error: unknown): boolean {
  return driverErrorCode(error)?.startsWith('SQLITE_BUSY') ?? false;
}
