import { setTimeout as delay } from 'node:timers/promises';
import { lockDatabase } from './database-lock.ts';
import type { Random } from './random.ts';
import type { RunContext } from './run-context.ts';
import { untilSomeMoment } from './scenario.ts';

/** Apart enough to be two requests to end. */
const SECOND_SIGNAL_MS = 1_100;
/** `kill -9` of the server and its recogniser processes. */
export async function killServer(context: RunContext, random: Random): Promise<string> {
  await untilSomeMoment(context, random);
  await context.host.kill();
  await context.restart();
  return 'server killed';
}

/** Kills the server, and then the next one before it listens, or just when it does. */
export async function killTwice(context: RunContext, random: Random): Promise<string> {
  const { host, signal } = context;
  await untilSomeMoment(context, random);
  await host.kill();
  const server = host.spawn();
  await Promise.race([server.listening.catch(() => undefined), delay(random.next() * 900, undefined, { signal })]);
  await host.kill();
  await context.restart();
  return 'server killed again while it recovered';
}

/** Sends a signal to one of the recogniser processes. */
export async function killRecogniser(
  context: RunContext,
  random: Random,
  signal: NodeJS.Signals = 'SIGKILL',
): Promise<string> {
  // Before the moment, so that this is no later than it.
  await context.host.recogniserPids();
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

/** Asks the server to end. */
export async function terminateServer(context: RunContext, random: Random): Promise<string> {
  const { host, findings } = context;
  await untilSomeMoment(context, random);
  const code = await host.terminate();
  findings.expect(code === 0, `asked to end, the server ended with exit code ${code}`);
  await context.restart();
  return 'server terminated';
}

/** Asks it again if it takes its time. */
export async function terminateTwice(context: RunContext, random: Random): Promise<string> {
  await untilSomeMoment(context, random);
  await context.host.terminateTwice(SECOND_SIGNAL_MS);
  await context.restart();
  return 'server terminated, again while it stopped';
}

/** Does one of the things that networks do. */
export async function breakNetwork(context: RunContext, random: Random): Promise<string> {
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

/** Another program writes to the database for a while. */
export async function holdDatabase(context: RunContext, random: Random): Promise<string> {
  await untilSomeMoment(context, random);
  await lockDatabase(context.dataDirectory, random.integer(100, 2_500), context.signal);
  return 'database locked';
}
