import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { WatchedServer, type Memory } from '../fuzz/watched-server.ts';
import { GraphqlClient } from '../support/graphql-client.ts';
import {
  endSession,
  readSession,
  SEGMENT_ADDED,
  startSession,
  type Acknowledgement,
  type SegmentView,
} from '../support/operations.ts';
import { until } from '../support/wait.ts';
import { audioOfBlock, BLOCK_MS, FORMAT, startOfBlock, textOfBlock } from './long-sessions-audio.ts';

const HOUR_MS = 3_600_000;
/** The account and the memory are looked at after each quarter of an hour of audio. */
const BLOCKS_A_LOOK = 15;
/** Audio that may wait for the recogniser before no more is sent. */
const MOST_BACKLOG_MS = 10 * 60_000;
const CATCH_UP_MS = 600_000;
const PATIENCE = { timeoutMs: CATCH_UP_MS };

export interface LongSessionOptions {
  /** Of audio. */
  readonly hours: number;
  /** See `WatchedServerOptions`. */
  readonly built: boolean;
  /** Kill the server after half of the audio, and go on. */
  readonly kill: boolean;
  readonly tell: (line: string) => void;
}

export interface Look {
  /** Of audio sent. */
  readonly hours: number;
  /** After a garbage collection. */
  readonly server: Memory;
  readonly recogniser: Memory;
}

export interface Recovery {
  readonly hours: number;
  readonly audioLogBytes: number;
  readonly journalBytes: number;
  /** From the start of the process until it was ready to transcribe. */
  readonly readyMs: number;
  readonly memory: Memory;
}

export interface LongSessionReport {
  readonly finals: number;
  /** One for each server process. */
  readonly looks: readonly (readonly Look[])[];
  readonly recovery: Recovery | null;
}

/** Something about the long session is not as it should be. */
class LongSessionError extends Error {
  override readonly name = 'LongSessionError';
}

/**
 * One session of many hours, as fast as the server takes it, with a subscriber that follows it from the start. Checks on the
 * way, and at the end, that every final is there once, with its text and its time, and that the account of the audio is
 * exact. @throws LongSessionError
 */
export async function runLongSession(options: LongSessionOptions): Promise<LongSessionReport> {
  const directory = await mkdtemp(path.join(tmpdir(), 'verbatim-soak-'));
  try {
    return await new LongSession(options, directory).run();
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

class LongSession {
  readonly #options: LongSessionOptions;
  readonly #directory: string;
  readonly #blocks: number;
  readonly #looks: Look[][] = [];
  #sessionId = '';
  #sent = 0;
  #finals = 0;
  #cursor: string | null = null;
  /** Length of a final, in milliseconds: the same for all. */
  #finalMs: number | null = null;

  constructor(options: LongSessionOptions, directory: string) {
    this.#options = options;
    this.#directory = directory;
    this.#blocks = Math.round((options.hours * HOUR_MS) / BLOCK_MS);
  }

  async run(): Promise<LongSessionReport> {
    const { kill } = this.#options;
    const half = Math.floor(this.#blocks / 2);
    let server = await this.#start('data');
    let recovery: Recovery | null = null;
    try {
      const first = new GraphqlClient(server.url);
      this.#sessionId = await startSession(first, { audio: FORMAT });
      await this.#sendTo(server, first, kill ? half : this.#blocks, kill);
      if (kill) {
        await server.kill();
        await first.dispose();
        const startedAt = performance.now();
        server = await this.#start('data');
        recovery = await this.#measureRecovery(server, performance.now() - startedAt);
        const second = new GraphqlClient(server.url);
        const { nextSequence, status } = await readSession(second, this.#sessionId);
        this.#expect(nextSequence === half && status === 'ACTIVE', `after the kill it is ${status} at ${nextSequence}`);
        await this.#sendTo(server, second, this.#blocks, false);
        await second.dispose();
      } else {
        await first.dispose();
      }
    } finally {
      await server.kill();
    }
    return { finals: this.#finals, looks: this.#looks, recovery };
  }

  /** Sends blocks up to `blocks` and follows the finals; then ends the session unless it `isToGoOn`. */
  async #sendTo(server: WatchedServer, client: GraphqlClient, blocks: number, isToGoOn: boolean): Promise<void> {
    const looks: Look[] = [];
    this.#looks.push(looks);
    const following = this.#follow(client);
    // A subscription that breaks is told when the finals are missed.
    const broken = following.then(
      () => null,
      (error: unknown) => error,
    );
    while (this.#sent < blocks) {
      const { backlogMs } = await this.#send(server);
      if (backlogMs > MOST_BACKLOG_MS) await this.#caughtUp(client, MOST_BACKLOG_MS / 2);
      if (this.#sent % BLOCKS_A_LOOK === 0) looks.push(await this.#look(server, client));
    }
    if (isToGoOn) {
      await this.#caughtUp(client, 0);
      await until(() => this.#finals === blocks, PATIENCE);
      return;
    }
    await this.#end(client);
    const error = await broken;
    if (error !== null) throw error;
    this.#expect(this.#finals === blocks, `${this.#finals} finals came for ${blocks} utterances`);
  }

  async #send({ url }: WatchedServer): Promise<Acknowledgement> {
    const response = await fetch(
      `${url}/sessions/${encodeURIComponent(this.#sessionId)}/audio?sequence=${this.#sent}`,
      {
        method: 'POST',
        headers: { 'content-type': 'application/octet-stream' },
        body: new Uint8Array(audioOfBlock(this.#sent)),
      },
    );
    const answer = (await response.json()) as Acknowledgement;
    this.#sent += 1;
    const isRight =
      answer.nextSequence === this.#sent && answer.receivedMs === this.#sent * BLOCK_MS && !answer.duplicate;
    this.#expect(isRight, `block ${this.#sent - 1} was answered with ${JSON.stringify(answer)}`);
    return answer;
  }

  async #follow(client: GraphqlClient): Promise<void> {
    const variables = {
      sessionId: this.#sessionId,
      ...(this.#cursor === null ? { fromStart: true } : { after: this.#cursor }),
    };
    for await (const { segmentAdded } of client.events<{ segmentAdded: SegmentView }>(SEGMENT_ADDED, variables)) {
      if (segmentAdded.kind !== 'FINAL') continue;
      const { text, startMs, endMs, sequence, cursor } = segmentAdded;
      const block = this.#finals;
      this.#finalMs ??= endMs - startMs;
      const isRight =
        text === textOfBlock(block) && startMs === startOfBlock(block) && endMs - startMs === this.#finalMs;
      this.#expect(isRight && sequence === block + 1, `final ${block + 1} is ${JSON.stringify(segmentAdded)}`);
      this.#cursor = cursor;
      this.#finals += 1;
    }
  }

  /** Everything that was sent has been worked through: the account must be exact, and memory is looked at. */
  async #look(server: WatchedServer, client: GraphqlClient): Promise<Look> {
    await this.#caughtUp(client, 0);
    await until(() => this.#finals === this.#sent, PATIENCE);
    const { coverage, statistics } = await readSession(client, this.#sessionId);
    const { receivedMs, transcribedMs, silenceMs, gapMs, failedMs, pendingMs } = coverage;
    const isRight =
      receivedMs === this.#sent * BLOCK_MS &&
      transcribedMs === this.#sent * (this.#finalMs ?? 0) &&
      transcribedMs + silenceMs + pendingMs === receivedMs &&
      pendingMs < BLOCK_MS &&
      gapMs + failedMs === 0 &&
      statistics.totalSegments === this.#sent;
    this.#expect(isRight, `after ${this.#sent} blocks: ${JSON.stringify({ coverage, statistics })}`);
    const hours = (this.#sent * BLOCK_MS) / HOUR_MS;
    const memory = await server.memory();
    const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
    this.#options.tell(
      `${hours} h: server RSS ${mib(memory.server.rss)} heap ${mib(memory.server.heapUsed)} MiB, recogniser RSS ${mib(memory.recogniser.rss)} heap ${mib(memory.recogniser.heapUsed)} MiB`,
    );
    return { hours, ...memory };
  }

  async #end(client: GraphqlClient): Promise<void> {
    await endSession(client, this.#sessionId, this.#sent);
    const { coverage, statistics } = await until(async () => {
      const session = await readSession(client, this.#sessionId);
      return session.status === 'COMPLETED' && session;
    }, PATIENCE);
    const transcribedMs = this.#blocks * (this.#finalMs ?? 0);
    const receivedMs = this.#blocks * BLOCK_MS;
    const expected = {
      receivedMs,
      transcribedMs,
      silenceMs: receivedMs - transcribedMs,
      gapMs: 0,
      failedMs: 0,
      pendingMs: 0,
    };
    for (const [name, ms] of Object.entries(expected)) {
      this.#expect(coverage[name as keyof typeof coverage] === ms, `${name} is not ${ms}: ${JSON.stringify(coverage)}`);
    }
    this.#expect(statistics.totalSegments === this.#blocks, `the statistics count ${statistics.totalSegments} finals`);
  }

  async #caughtUp(client: GraphqlClient, mostMs: number): Promise<void> {
    await until(async () => {
      const { coverage, statistics } = await readSession(client, this.#sessionId);
      const behind = this.#sent - statistics.totalSegments;
      return coverage.pendingMs <= mostMs + BLOCK_MS && behind * BLOCK_MS <= mostMs;
    }, PATIENCE);
  }

  #start(name: string): Promise<WatchedServer> {
    const dataDirectory = path.join(this.#directory, name);
    const longest = String(this.#options.hours * HOUR_MS + HOUR_MS);
    const environment = {
      SESSION_MAX_MS: longest,
      INTERIM_INTERVAL_MS: '1000',
      SESSION_IDLE_TIMEOUT_MS: String(HOUR_MS),
    };
    return WatchedServer.start({ dataDirectory, built: this.#options.built, environment, readyWithinMs: CATCH_UP_MS });
  }

  async #measureRecovery(server: WatchedServer, readyMs: number): Promise<Recovery> {
    const id = Buffer.from(this.#sessionId, 'base64').toString().replace('Session:', '');
    const folder = path.join(this.#directory, 'data/sessions', id);
    const { server: memory } = await server.memory();
    return {
      hours: (this.#sent * BLOCK_MS) / HOUR_MS,
      audioLogBytes: (await stat(path.join(folder, 'audio.log'))).size,
      journalBytes: (await stat(path.join(folder, 'journal.log'))).size,
      readyMs,
      memory,
    };
  }

  #expect(isRight: boolean, otherwise: string): void {
    if (!isRight) throw new LongSessionError(otherwise);
  }
}
