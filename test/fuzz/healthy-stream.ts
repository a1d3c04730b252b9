import { setTimeout as delay } from 'node:timers/promises';
import type { ToneSpeechPart } from '../../src/recognition/scripted/tone-speech.ts';
import { TONE_WORDS } from '../../src/recognition/scripted/tone-words.ts';
import { dataOf, type GraphqlClient } from '../support/graphql-client.ts';
import {
  collectSegments,
  endSession,
  finalsOf,
  sendChunk,
  speechChunks,
  startSession,
  textsOf,
  type SegmentView,
} from '../support/operations.ts';
import { Violation } from './oracle.ts';

/** What one utterance takes, with the silence that ends it: 3 words of 200 ms, and 700 ms. */
const UTTERANCE_MS = 1_300;
const CHUNK_MS = 100;
const PAUSE: ToneSpeechPart = { silenceMs: 700 };
const WORDS = TONE_WORDS.slice(0, 60);

/** A client that does everything right all the while, and must notice nothing of what others do. */
export class HealthyStream {
  readonly sessionId: string;
  readonly #client: GraphqlClient;
  readonly #following: Promise<SegmentView[]>;
  readonly #sending: Promise<void>;
  readonly #spoken: string[] = [];
  #chunks = 0;
  #stopping = false;

  private constructor(client: GraphqlClient, sessionId: string) {
    this.#client = client;
    this.sessionId = sessionId;
    this.#following = collectSegments(client, sessionId, { fromStart: true });
    this.#sending = this.#send();
    // Told by `finish`.
    this.#following.catch(() => undefined);
    this.#sending.catch(() => undefined);
  }

  static async start(client: GraphqlClient): Promise<HealthyStream> {
    return new HealthyStream(client, await startSession(client, { title: 'healthy' }));
  }

  /** Ends the session. @returns chunks acknowledged and finals received. @throws Violation when anything is missing or wrong. */
  async finish(): Promise<{ chunks: number; finals: number }> {
    this.#stopping = true;
    await this.#sending;
    const { status, coverage } = await endSession(this.#client, this.sessionId, this.#chunks);
    const finals = finalsOf(await this.#following);
    const texts = textsOf(finals);
    if (JSON.stringify(texts) !== JSON.stringify(this.#spoken)) {
      throw new Violation(
        `the healthy stream said ${this.#spoken.length} utterances and was given ${texts.length}, or others`,
      );
    }
    if (finals.some(({ sequence }, index) => sequence !== index + 1)) throw new Violation('a final came out of order');
    if (status !== 'COMPLETED' || coverage.receivedMs !== this.#chunks * CHUNK_MS || coverage.pendingMs !== 0) {
      throw new Violation(`the healthy stream ended as ${status}: ${JSON.stringify(coverage)}`);
    }
    return { chunks: this.#chunks, finals: finals.length };
  }

  /** Speaks as people do, in real time; each utterance says which one it is. */
  async #send(): Promise<void> {
    const startedAt = performance.now();
    while (!this.#stopping) {
      const words = [0, 1, 2].map(
        (place) => WORDS[Math.floor(this.#spoken.length / WORDS.length ** place) % WORDS.length] ?? 'alpha',
      );
      this.#spoken.push(words.join(' '));
      for (const chunk of speechChunks([...words, PAUSE], CHUNK_MS)) {
        const acknowledgement = dataOf(await sendChunk(this.#client, this.sessionId, this.#chunks, chunk)).sendAudio;
        this.#chunks += 1;
        if (acknowledgement.nextSequence !== this.#chunks) throw new Violation('the healthy stream lost count');
        await delay(Math.max(0, startedAt + this.#chunks * CHUNK_MS - performance.now()));
      }
    }
    if (this.#chunks % (UTTERANCE_MS / CHUNK_MS) !== 0) throw new Error('An utterance was not sent whole');
  }
}
