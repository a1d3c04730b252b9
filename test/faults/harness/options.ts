import { parseArgs } from 'node:util';
import type { Scenario } from './scenario.ts';

export interface Options {
  readonly scenarios: readonly Scenario[];
  /** Of the first run of each scenario; the following runs count up from it. `null`: a new one. */
  readonly seed: number | null;
  /** `null`: as many as the scenario has. */
  readonly runs: number | null;
  readonly help: boolean;
}

/** The command line asks for something that there is not; the message is all that is printed. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const USAGE = `npm run test:faults -- [options]
  --scenario NAME  only this one; may be given several times
  --seed NUMBER    of the first run, to see again what a run has found
  --runs NUMBER    runs of each scenario
  --help           this text

A seed decides what is said, how it is cut and sent, which faults come, and on what they wait. It does not decide how the
operating system schedules processes, or how long a disk takes: a fault of the same seed comes at the same moment of the
stream, but not at the same instruction. What was found once may need some runs of its seed to be found again.`;

/** Reads the command line. @throws UsageError */
export function readOptions(given: readonly string[], scenarios: readonly Scenario[]): Options {
  const { scenario: names = [], seed, runs, help } = parse(given);
  const chosen = names.map((name) => {
    const found = scenarios.find((scenario) => scenario.name === name);
    if (found !== undefined) return found;
    const known = scenarios.map((scenario) => scenario.name).join(', ');
    throw new UsageError(`There is no scenario "${name}"; there are: ${known}`);
  });
  return {
    scenarios: chosen.length > 0 ? chosen : scenarios,
    seed: wholeNumber('--seed', seed, 0),
    runs: wholeNumber('--runs', runs, 1),
    help,
  };
}

function wholeNumber(name: string, text: string | undefined, min: number): number | null {
  if (text === undefined) return null;
  const number = Number(text);
  if (!/^\d+$/u.test(text) || number < min || number >= 2 ** 32) {
    throw new UsageError(`${name} is a whole number from ${min} on, not "${text}"`);
  }
  return number;
}

function parse(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        scenario: { type: 'string', multiple: true },
        seed: { type: 'string' },
        runs: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
    return values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
