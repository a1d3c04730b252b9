import type { Happening } from './happenings.ts';
import { HAPPENINGS } from './happenings.ts';
import type { Random } from './random.ts';
import type { RunContext } from './run-context.ts';

/** A way to break things, and how often. */
export interface Scenario {
  readonly name: string;
  readonly about: string;
  /** Runs, each with data and sessions of its own, unless the command line says otherwise. */
  readonly runs: number;
  readonly faultsPerRun: number;
  /** Settings of the server besides those that all scenarios share. */
  readonly environment: Readonly<Record<string, string>>;
  readonly mischief: boolean;
  /** Messages of level error that these faults may cause. */
  readonly expectedErrors: readonly string[];
  /** How long one run may take, in milliseconds. */
  readonly runLimitMs: number;
  /** Waits for its moment, does harm, and puts right what clients can't. @returns what it did, for the count. */
  inject(context: RunContext, random: Random, index: number): Promise<string>;
}

/** Nothing of the kind may happen any more: then any moment will do. */
const WAIT_LIMIT_MS = 400;

/** Waits for a moment that `random` decides: so many happenings of a kind from now, and then up to `mostMs` milliseconds. */
export async function untilSomeMoment(
  { happenings, signal }: RunContext,
  random: Random,
  { mostMs = 25, kinds = HAPPENINGS }: { mostMs?: number; kinds?: readonly Happening[] } = {},
): Promise<void> {
  const kind = random.pick(kinds);
  const count = kind === 'sending' || kind === 'acknowledged' ? random.integer(1, 40) : random.integer(1, 4);
  await happenings.next(kind, count, WAIT_LIMIT_MS, signal);
  // Half of them at once, between a message and its answer.
  const ms = random.chance(0.5) ? 0 : random.next() * mostMs;
  const end = performance.now() + ms;
  while (performance.now() < end) await new Promise((resolve) => void setImmediate(resolve));
  signal.throwIfAborted();
}
