import { setTimeout as delay } from 'node:timers/promises';
import { lockDatabase } from './database-lock.ts';
import type { Random } from './random.ts';
import type { RunContext } from './run-context.ts';
import { untilSomeMoment, type Scenario } from './scenario.ts';

/** A stopped recogniser process is noticed after 10 to 12 s of missed heartbeats. */
const RECOGNISER_LOST = ['recogniser process lost'];
/** Apart enough to be two requests to end. */
const SECOND_SIGNAL_MS = 1_100;
/** Recogniser processes, of which some can be away while the others work. */
const RECOGNISERS = { RECOGNISER_PROCESSES: '4' };

async function killServer({ host, restart, ...context }: RunContext, random: Random): Promise<string> {
  await untilSomeMoment({ host, restart, ...context }, random);
  await host.kill();
  await restart();
  return 'server killed';
}

/** Kills the server, and then the next one before it listens, or just when it does. */
async function killTwice(context: RunContext, random: Random): Promise<string> {
  const { host, restart, signal } = context;
  await untilSomeMoment(context, random);
  await host.kill();
  const server = host.spawn();
  await Promise.race([server.listening.catch(() => undefined), delay(random.next() * 900, undefined, { signal })]);
  await host.kill();
  await restart();
  return 'server killed again while it recovered';
}

async function killRecogniser(context: RunContext, random: Random, signal: NodeJS.Signals): Promise<string> {
  await untilSomeMoment(context, random);
  const pids = await context.host.recogniserPids();
  // None is there while all of them are being replaced.
  if (pids.length === 0) return await killRecogniser(context, random, signal);
  try {
    process.kill(random.pick(pids), signal);
  } catch {
    // It ended by itself in this moment; that is a fault, too.
  }
  return `recogniser process ${signal}`;
}

async function terminateServer(context: RunContext, random: Random): Promise<string> {
  const { host, restart, findings } = context;
  await untilSomeMoment(context, random);
  const code = await host.terminate();
  findings.expect(code === 0, `asked to end, the server ended with exit code ${code}`);
  await restart();
  return 'server terminated';
}

async function terminateTwice(context: RunContext, random: Random): Promise<string> {
  await untilSomeMoment(context, random);
  await context.host.terminateTwice(SECOND_SIGNAL_MS);
  await context.restart();
  return 'server terminated, again while it stopped';
}

async function breakNetwork(context: RunContext, random: Random): Promise<string> {
  const { network, host, signal } = context;
  await untilSomeMoment(context, random);
  switch (random.pick(['all', 'some', 'up', 'down', 'away', 'stall'] as const)) {
    case 'all':
      network.cut();
      return 'all connections cut';
    case 'some':
      network.cut(() => random.chance(0.4));
      return 'some connections cut';
    case 'up':
      network.cutAfter('up', random.integer(0, 6_000));
      return 'connections cut within a message';
    case 'down':
      network.cutAfter('down', random.integer(0, 1_500));
      return 'connections cut within an answer';
    case 'away':
      network.target = null;
      network.cut();
      await delay(random.integer(10, 200), undefined, { signal });
      host.connect();
      return 'network away';
    case 'stall':
      await network.stall(random.integer(10, 300));
      return 'network stalled';
  }
}

async function holdDatabase(context: RunContext, random: Random): Promise<string> {
  await untilSomeMoment(context, random);
  await lockDatabase(context.dataDirectory, random.integer(100, 2_500), context.signal);
  return 'database locked';
}

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'server',
    about: 'kill -9 of the server and its recogniser processes, also while it recovers from the last kill',
    runs: 6,
    faultsPerRun: 18,
    environment: {},
    mischief: false,
    expectedErrors: [],
    runLimitMs: 180_000,
    inject: (context, random) => (random.chance(0.15) ? killTwice(context, random) : killServer(context, random)),
  },
  {
    name: 'recogniser',
    about: 'kill -9, stop and crash of recogniser processes',
    runs: 6,
    faultsPerRun: 19,
    environment: RECOGNISERS,
    mischief: false,
    expectedErrors: RECOGNISER_LOST,
    runLimitMs: 120_000,
    inject: (context, random, index) => {
      // The others go on being killed while it hangs.
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
    runLimitMs: 120_000,
    inject: breakNetwork,
  },
  {
    name: 'terminate',
    about: 'SIGTERM in the middle of streams: exit code 0, and the same as after a kill',
    runs: 3,
    faultsPerRun: 10,
    environment: {},
    mischief: false,
    expectedErrors: [],
    runLimitMs: 120_000,
    inject: terminateServer,
  },
  {
    name: 'mix',
    about: 'all of that in any order, second SIGTERMs, and a database that somebody else has locked',
    runs: 3,
    faultsPerRun: 16,
    environment: RECOGNISERS,
    mischief: true,
    expectedErrors: RECOGNISER_LOST,
    runLimitMs: 180_000,
    inject: (context, random) => {
      const faults = [killServer, killTwice, terminateServer, terminateTwice, breakNetwork, breakNetwork, holdDatabase];
      if (random.chance(0.25)) return killRecogniser(context, random, 'SIGKILL');
      return random.pick(faults)(context, random);
    },
  },
];
