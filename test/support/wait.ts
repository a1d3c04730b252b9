import { setTimeout as delay } from 'node:timers/promises';

type Absent = false | null | undefined;

/**
 * Resolves with the first value of `condition` that is neither `false`, `null` nor `undefined`.
 * @throws when none came within `timeoutMs` (default 30,000 ms); `what` names it in the message.
 */
export async function until<T>(
  condition: () => T | Absent | Promise<T | Absent>,
  { timeoutMs = 30_000, what = 'the condition' }: { timeoutMs?: number; what?: string } = {},
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (value !== false && value !== null && value !== undefined) return value;
    if (performance.now() > deadline) throw new Error(`${what} did not come about within ${timeoutMs} ms`);
    await delay(10);
  }
}
