import {
  breakNetwork,
  holdDatabase,
  killRecogniser,
  killServer,
  killTwice,
  terminateServer,
  terminateTwice,
} from './faults.ts';
import type { Scenario } from './scenario.ts';

/** What the server says when a recogniser process is gone. */
const RECOGNISER_LOST = ['recogniser process lost'];
/** Processes of which some can be away while the others work. */
const RECOGNISERS = { RECOGNISER_PROCESSES: '3' };
/** Many times what it takes on a machine that has nothing else to do. */
const RUN_LIMIT_MS = 300_000;

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'server',
    about: 'kill -9 of the server and its recogniser processes, also while it recovers from the last kill',
    runs: 6,
    faultsPerRun: 18,
    environment: {},
    mischief: false,
    expectedErrors: [],
    runLimitMs: RUN_LIMIT_MS,
    inject: (context, random) => (random.chance(0.15) ? killTwice(context, random) : killServer(context, random)),
  },
  {
    name: 'recogniser',
    about: 'kill -9, stop and crash of recogniser processes',
    runs: 8,
    faultsPerRun: 14,
    environment: RECOGNISERS,
    mischief: false,
    expectedErrors: RECOGNISER_LOST,
    runLimitMs: RUN_LIMIT_MS,
    inject: (context, random, index) => {
      // It is noticed after 10 to 12 s of missed heartbeats; the others go on being killed meanwhile.
      if (index === 1) return killRecogniser(context, random, 'SIGSTOP');
      return killRecogniser(context, random, random.chance(0.1) ? 'SIGSEGV' : 'SIGKILL');
    },
  },
  {
    name: 'network',
    about:
      'connections cut (also within a message), stalled or refused; chunks doubled, too early, or from two senders',
    runs: 3,
    faultsPerRun: 35,
    environment: {},
    mischief: true,
    expectedErrors: [],
    runLimitMs: RUN_LIMIT_MS,
    inject: breakNetwork,
  },
  {
    name: 'terminate',
    about: 'SIGTERM in the middle of streams: exit code 0, and the same as after a kill',
    runs: 2,
    faultsPerRun: 10,
    environment: {},
    mischief: false,
    expectedErrors: [],
    runLimitMs: RUN_LIMIT_MS,
    inject: terminateServer,
  },
  {
    name: 'mix',
    about: 'all of that in any order, second SIGTERMs, and a database that somebody else has locked',
    runs: 2,
    faultsPerRun: 20,
    environment: RECOGNISERS,
    mischief: true,
    expectedErrors: RECOGNISER_LOST,
    runLimitMs: RUN_LIMIT_MS,
    inject: (context, random) => {
      const faults = [killServer, killTwice, terminateServer, terminateTwice, breakNetwork, breakNetwork, holdDatabase];
      if (random.chance(0.25)) return killRecogniser(context, random, 'SIGKILL');
      return random.pick(faults)(context, random);
    },
  },
];
