import { HAPPENINGS, type Happening } from './happenings.ts';
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

/**
 * How many to wait for at most, and how many acknowledgements to wait instead: counted, so that a busy machine gets as far
 * between two faults as one that is not.
 */
const PATIENCE: Record<Happening, { readonly most: number; readonly acknowledgements: number }> = {
  starting: { most: 1, acknowledgements: 60 },
  started: { most: 1, acknowledgements: 60 },
  sending: { most: 40, acknowledgements: 60 },
  acknowledged: { most: 40, acknowledgements: 60 },
  interim: { most: 4, acknowledgements: 120 },
  final: { most: 3, acknowledgements: 120 },
  ending: { most: 1, acknowledgements: 60 },
};
/** All sessions may wait for something else: then any moment will do. */
const WAIT_LIMIT_MS = 3_000;
const DELAY_MS = 25;

/** Waits for a moment that `random` decides: so many happenings of a kind from now, and then up to `DELAY_MS` milliseconds. */
export async function untilSomeMoment({ happenings, signal }: RunContext, random: Random): Promise<void> {
  const kind = random.pick(HAPPENINGS);
  const { most, acknowledgements } = PATIENCE[kind];
  await happenings.next(kind, { count: random.integer(1, most), acknowledgements, limitMs: WAIT_LIMIT_MS }, signal);
  // Half of them at once, between a message and its answer.
  const ms = random.chance(0.5) ? 0 : random.next() * DELAY_MS;
  const end = performance.now() + ms;
  while (performance.now() < end) await new Promise((resolve) => void setImmediate(resolve));
  signal.throwIfAborted();
}
