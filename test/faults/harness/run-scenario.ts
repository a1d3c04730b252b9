import { setMaxListeners } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isContainer } from '../../../src/audio/format.ts';
import type { Reference } from './account.ts';
import { Connection } from './connection.ts';
import { Findings, type Finding } from './findings.ts';
import { Happenings } from './happenings.ts';
import { Host, type HostParts } from './host.ts';
import { Network } from './network.ts';
import { checkSession, observe, type Observation } from './observer.ts';
import { Random } from './random.ts';
import type { Recording } from './recording.ts';
import { makeRecordings } from './recordings.ts';
import { transcribeUndisturbed } from './reference.ts';
import type { RunContext } from './run-context.ts';
import type { Scenario } from './scenario.ts';
import { SessionClient, type SessionClientParts } from './session-client.ts';
import { checkAudioLog, checkRows } from './stored.ts';

export interface RunOptions {
  readonly seed: number;
  readonly faults: number;
  /** What node runs. */
  readonly serverArguments: readonly string[];
  /** Gives the run up. */
  readonly signal: AbortSignal;
}

export interface RunResult {
  readonly scenario: string;
  readonly seed: number;
  /** How often each kind of fault was injected. */
  readonly faults: ReadonlyMap<string, number>;
  readonly sessions: number;
  /** Of them, those with two channels. */
  readonly sessionsOfTwoChannels: number;
  /** Of them, those whose audio is in a container. */
  readonly sessionsOfContainers: number;
  /** Chunks that were acknowledged. */
  readonly acknowledged: number;
  /** Finals that subscribers were given. */
  readonly finals: number;
  readonly findings: readonly Finding[];
  /** What the server left, kept when something was found. */
  readonly dataDirectory: string | null;
}

/** Sessions at a time. */
const SLOTS = 4;
const OBSERVATION_PAUSE_MS = 60;
/** Short utterances, and batches of every kind. */
const ENVIRONMENT = {
  END_SILENCE_MS: '256',
  BATCH_SIZE: '3',
  BATCH_INTERVAL_MS: '250',
  SESSION_IDLE_TIMEOUT_MS: '600000',
};

/** One run: sessions stream side by side, faults come one after the other, and everything is held against the reference. */
export async function runScenario(scenario: Scenario, options: RunOptions): Promise<RunResult> {
  const folder = await mkdtemp(path.join(tmpdir(), 'verbatim-faults-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  const findings = new Findings();
  const late = AbortSignal.timeout(scenario.runLimitMs);
  const network = await Network.open();
  const signal = AbortSignal.any([options.signal, late]);
  // Every operation that is under way listens to it.
  setMaxListeners(0, signal);
  const run = new Run(scenario, options, { folder, network, findings, signal });
  try {
    await run.execute();
  } catch (error) {
    options.signal.throwIfAborted();
    const why = late.aborted ? `the run was not over after ${scenario.runLimitMs / 1000} s` : String(error);
    findings.add('broken promise', [why, ...run.unfinished].join('\n    '));
  } finally {
    await run.stop();
    await network.close();
    process.off('exit', remove);
    if (options.signal.aborted) remove();
  }
  const keep = findings.list.length > 0;
  if (!keep) remove();
  return { ...run.figures, findings: findings.list, dataDirectory: keep ? folder : null };
}

class Run {
  readonly #scenario: Scenario;
  readonly #options: RunOptions;
  readonly #parts: { folder: string; network: Network; findings: Findings; signal: AbortSignal };
  readonly #random: Random;
  readonly #happenings = new Happenings();
  readonly #hosts: Host[] = [];
  readonly #clients: SessionClient[] = [];
  readonly #faults = new Map<string, number>();
  #faultsAreOver = false;

  constructor(
    scenario: Scenario,
    options: RunOptions,
    parts: { folder: string; network: Network; findings: Findings; signal: AbortSignal },
  ) {
    this.#scenario = scenario;
    this.#options = options;
    this.#parts = parts;
    this.#random = new Random(options.seed);
  }

  get figures() {
    return {
      scenario: this.#scenario.name,
      seed: this.#options.seed,
      faults: this.#faults,
      sessions: this.#clients.length,
      sessionsOfTwoChannels: this.#clients.filter(({ plan }) => plan.recording.format.channels === 2).length,
      sessionsOfContainers: this.#clients.filter(({ plan }) => isContainer(plan.recording.format)).length,
      acknowledged: this.#clients.reduce((sum, { acknowledged }) => sum + acknowledged, 0),
      finals: this.#clients.reduce((sum, { shown }) => sum + shown.length, 0),
    };
  }

  /** Where the sessions stand that are not over. */
  get unfinished(): string[] {
    return this.#clients
      .filter(({ end }) => end !== 'completed')
      .map(({ description, lastSetback }) => `${description}, last setback ${String(lastSetback)}`);
  }

  async execute(): Promise<void> {
    const recordings = makeRecordings(this.#random.fork('recordings'));
    const references = await this.#transcribeUndisturbed(recordings);
    const { findings, network, signal } = this.#parts;
    const dataDirectory = path.join(this.#parts.folder, 'disturbed');
    await mkdir(dataDirectory);
    const host = this.#host(dataDirectory, this.#scenario.expectedErrors);
    await host.start();
    host.connect();

    const slots = Array.from({ length: SLOTS }, (_, slot) => this.#fill(slot, recordings, references));
    const all = Promise.all(slots);
    // Told when it is waited for.
    all.catch(() => undefined);
    const observing = this.#observe(host);
    const context: RunContext = {
      host,
      network,
      happenings: this.#happenings,
      findings,
      dataDirectory,
      signal,
      restart: () => this.#restart(host, dataDirectory),
    };
    try {
      for (let index = 0; index < this.#options.faults; index++) {
        const fault = await this.#scenario.inject(context, this.#random.fork(`fault ${index}`), index);
        this.#faults.set(fault, (this.#faults.get(fault) ?? 0) + 1);
      }
    } finally {
      this.#faultsAreOver = true;
      await Promise.allSettled([observing]);
    }
    await all;
    await this.#checkEnd(host, dataDirectory);
  }

  /** Ends whatever is still there. */
  async stop(): Promise<void> {
    this.#faultsAreOver = true;
    await Promise.all(this.#hosts.map((host) => host.kill()));
  }

  /** On a server and data of its own. */
  async #transcribeUndisturbed(recordings: readonly Recording[]): Promise<ReadonlyMap<Recording, Reference>> {
    const dataDirectory = path.join(this.#parts.folder, 'undisturbed');
    await mkdir(dataDirectory);
    const host = this.#host(dataDirectory, []);
    await host.start();
    host.connect();
    const references = await transcribeUndisturbed(recordings, host.url, this.#clientParts(), this.#random);
    this.#parts.findings.expect((await host.terminate()) === 0, 'the undisturbed server did not end with exit code 0');
    return references;
  }

  /** One session after the other, until there are no more faults. */
  async #fill(slot: number, recordings: readonly Recording[], references: ReadonlyMap<Recording, Reference>) {
    for (let ordinal = 0; ordinal === 0 || !this.#faultsAreOver; ordinal++) {
      const random = this.#random.fork(`session ${slot}.${ordinal}`);
      const recording = random.pick(recordings);
      const client = new SessionClient(
        {
          externalId: `${slot}.${ordinal}`,
          recording,
          reference: references.get(recording) ?? null,
          random,
          paced: true,
          mischief: this.#scenario.mischief,
        },
        this.#clientParts(),
      );
      this.#clients.push(client);
      try {
        await client.run();
      } catch (error) {
        this.#parts.signal.throwIfAborted();
        this.#parts.findings.add('broken promise', `${client.description}: ${String(error)}`);
        return;
      }
    }
  }

  #clientParts(): SessionClientParts {
    const { network, findings, signal } = this.#parts;
    return { url: network.url, happenings: this.#happenings, findings, signal };
  }

  #host(dataDirectory: string, expectedErrors: HostParts['expectedErrors']): Host {
    const { network, findings } = this.#parts;
    const host = new Host({
      dataDirectory,
      serverArguments: this.#options.serverArguments,
      environment: { ...ENVIRONMENT, ...this.#scenario.environment },
      network,
      findings,
      expectedErrors,
    });
    this.#hosts.push(host);
    return host;
  }

  get #running(): SessionClient[] {
    return this.#clients.filter(({ id, end }) => id !== null && end !== 'completed');
  }

  async #restart(host: Host, dataDirectory: string): Promise<void> {
    const { findings, signal } = this.#parts;
    signal.throwIfAborted();
    for (const client of this.#running) await checkAudioLog(dataDirectory, client, findings);
    await host.start();
    const connection = new Connection(host.url, signal);
    try {
      await Promise.all(this.#running.map((client) => checkSession(connection, client, findings)));
    } finally {
      await connection.close();
    }
    host.connect();
  }

  /** Looks at some session again and again, at moments that have nothing to do with the faults. */
  async #observe(host: Host): Promise<void> {
    const { signal, findings } = this.#parts;
    const random = this.#random.fork('observer');
    while (!this.#faultsAreOver && !signal.aborted) {
      await delay(random.next() * OBSERVATION_PAUSE_MS);
      const [client] = this.#running.toSorted(() => random.next() - 0.5);
      if (client === undefined) continue;
      const connection = new Connection(host.url, signal);
      // The server may be away: then there is nothing to look at.
      await checkSession(connection, client, findings).catch(() => undefined);
      await connection.close();
    }
  }

  /** When all sessions are completed: what the API tells, what the database has, and what is in the logs. */
  async #checkEnd(host: Host, dataDirectory: string): Promise<void> {
    const { findings, signal } = this.#parts;
    const connection = new Connection(host.url, signal);
    const completed = this.#clients.filter(({ end }) => end === 'completed');
    const sessions: { client: SessionClient; observation: Observation }[] = [];
    for (const client of completed) {
      await checkSession(connection, client, findings);
      const observation = client.id === null ? null : await observe(connection, client.id);
      if (observation !== null) sessions.push({ client, observation });
    }
    await connection.close();
    findings.expect((await host.terminate()) === 0, 'the server did not end with exit code 0 when it was asked to');
    checkRows(dataDirectory, sessions, findings);
    for (const client of completed) await checkAudioLog(dataDirectory, client, findings);
  }
}
