import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { CHUNK_MS, SEGMENT_ADDED, SEND_AUDIO } from './live-stream.ts';

const answer = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('next'),
    id: z.string(),
    payload: z.object({ data: z.unknown(), errors: z.unknown().optional() }),
  }),
  z.object({ type: z.literal('error'), id: z.string(), payload: z.unknown() }),
  z.object({ type: z.literal('complete'), id: z.string() }),
  z.object({ type: z.enum(['connection_ack', 'ping', 'pong']) }),
]);
const acknowledgement = z.object({ sendAudio: z.object({ nextSequence: z.int(), backlogMs: z.int() }) });

const SUBSCRIPTION_ID = 'segments';
const ANSWER_MS = 30_000;

/** What one round of sending showed; milliseconds. */
export interface PacedRound {
  readonly latencies: readonly number[];
  /** How much later than planned the chunks were sent: the sender's own fault. */
  readonly lateness: readonly number[];
}

/**
 * One client that speaks the wire protocol (graphql-transport-ws) itself: its own work per chunk is next to nothing, and the
 * same for the server and for what it is compared with.
 * https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
 */
export class PacedSender {
  readonly #socket: WebSocket;
  readonly #sessionId: string;
  /** By sequence number: called when the chunk is acknowledged. */
  readonly #unanswered = new Map<number, (failure: Error | null) => void>();
  #nextSequence = 0;
  #segments = 0;
  #largestBacklogMs = 0;

  private constructor(socket: WebSocket, sessionId: string) {
    this.#socket = socket;
    this.#sessionId = sessionId;
    socket.on('message', (data: Buffer) => {
      try {
        this.#receive(data.toString());
      } catch (error) {
        this.#fail(error instanceof Error ? error : new Error(String(error)));
      }
    });
    socket.on('close', () => this.#fail(new Error('the connection was closed')));
  }

  /** @param follows subscribe to the session's segments, as those do who show captions. */
  static async open(url: string, sessionId: string, follows: boolean): Promise<PacedSender> {
    const socket = new WebSocket(url, 'graphql-transport-ws', { perMessageDeflate: false });
    await once(socket, 'open');
    socket.send('{"type":"connection_init"}');
    await once(socket, 'message');
    const sender = new PacedSender(socket, sessionId);
    if (follows) {
      sender.#send({
        id: SUBSCRIPTION_ID,
        type: 'subscribe',
        payload: { query: SEGMENT_ADDED, variables: { sessionId } },
      });
    }
    return sender;
  }

  /** Chunks that were sent in all rounds. */
  get sent(): number {
    return this.#nextSequence;
  }

  /** Versions of segments that arrived. */
  get segments(): number {
    return this.#segments;
  }

  get largestBacklogMs(): number {
    return this.#largestBacklogMs;
  }

  /**
   * Sends a chunk every 100 ms, whether or not the one before has been acknowledged, and waits for the last acknowledgement.
   *
   * @param chunk the audio of a sequence number, as base64
   * @param startAt moment of the first chunk, as of `performance.now()`
   * @throws when one of them is refused
   */
  async send(
    count: number,
    chunk: (sequence: number) => string,
    startAt: number,
    signal: AbortSignal,
  ): Promise<PacedRound> {
    const latencies: Promise<number>[] = [];
    const lateness: number[] = [];
    for (let index = 0; index < count; index++) {
      const due = startAt + index * CHUNK_MS;
      await delay(Math.max(0, due - performance.now()), undefined, { signal });
      lateness.push(Math.max(0, performance.now() - due));
      const sequence = this.#nextSequence++;
      latencies.push(this.#sendChunk(sequence, chunk(sequence)));
      // Its failure ends the round below, not the process.
      latencies.at(-1)?.catch(() => undefined);
    }
    const late = setTimeout(() => this.#fail(new Error(`no answer within ${ANSWER_MS / 1000} s`)), ANSWER_MS);
    try {
      return { latencies: await Promise.all(latencies), lateness };
    } finally {
      clearTimeout(late);
    }
  }

  close(): void {
    this.#socket.close(1000);
  }

  #sendChunk(sequence: number, audio: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const sentAt = performance.now();
      this.#unanswered.set(sequence, (failure) => {
        if (failure === null) resolve(performance.now() - sentAt);
        else reject(failure);
      });
      const variables = { input: { sessionId: this.#sessionId, sequence, audio } };
      this.#send({ id: String(sequence), type: 'subscribe', payload: { query: SEND_AUDIO, variables } });
    });
  }

  #send(message: object): void {
    this.#socket.send(JSON.stringify(message));
  }

  #receive(text: string): void {
    const message = answer.parse(JSON.parse(text));
    if (message.type === 'ping') this.#send({ type: 'pong' });
    if (message.type === 'error') this.#fail(new Error(`refused: ${text}`));
    if (message.type !== 'next') return;
    if (message.payload.errors !== undefined) this.#fail(new Error(`refused: ${text}`));
    else if (message.id === SUBSCRIPTION_ID) this.#segments += 1;
    else this.#acknowledge(Number(message.id), acknowledgement.parse(message.payload.data).sendAudio);
  }

  #acknowledge(sequence: number, { nextSequence, backlogMs }: { nextSequence: number; backlogMs: number }): void {
    const settle = this.#unanswered.get(sequence);
    this.#unanswered.delete(sequence);
    this.#largestBacklogMs = Math.max(this.#largestBacklogMs, backlogMs);
    const covered = nextSequence > sequence;
    settle?.(covered ? null : new Error(`chunk ${sequence} was answered with nextSequence ${nextSequence}`));
  }

  #fail(failure: Error): void {
    for (const settle of this.#unanswered.values()) settle(failure);
    this.#unanswered.clear();
  }
}
