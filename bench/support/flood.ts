import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { SEND_AUDIO } from './live-stream.ts';

const result = z.object({
  data: z.object({ sendAudio: z.object({ nextSequence: z.int() }) }),
  errors: z.undefined().optional(),
});
const message = z.object({ type: z.string(), payload: z.unknown().optional() });

/**
 * Sends the chunks of one session, numbered from 0, over a connection of its own and as fast as they are answered, so many
 * ahead of the answers. Resolves with the last answer. Throws when one is refused.
 */
export type Flood = (sessionId: string, count: number) => Promise<void>;

export interface FloodOptions {
  /** Requests ahead of the answers, at most. */
  readonly underWay: number;
  /** Chunks as base64, sent over and over. */
  readonly audio: readonly string[];
}

/** What both kinds of connection do: keep so many requests under way, and count the answers. */
class Pipeline {
  readonly #underWayAtMost: number;
  readonly #audio: readonly string[];
  readonly #sessionId: string;
  readonly #count: number;
  readonly #write: (sequence: number, operation: object) => void;
  #sent = 0;
  #answered = 0;
  #settle: { resolve(): void; reject(error: Error): void } | null = null;

  constructor(
    { underWay, audio }: FloodOptions,
    sessionId: string,
    count: number,
    write: (sequence: number, operation: object) => void,
  ) {
    this.#underWayAtMost = underWay;
    this.#audio = audio;
    this.#sessionId = sessionId;
    this.#count = count;
    this.#write = write;
  }

  /** Resolves with the last answer. @throws when one is a refusal, or the connection fails */
  run(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#fill();
    });
  }

  answer(body: unknown): void {
    const parsed = result.safeParse(body);
    if (!parsed.success) this.fail(new Error(`refused: ${JSON.stringify(body)}`));
    this.#answered += 1;
    if (this.#answered === this.#count) this.#settle?.resolve();
    else this.#fill();
  }

  fail(error: Error): void {
    this.#settle?.reject(error);
  }

  #fill(): void {
    while (this.#sent < this.#count && this.#sent - this.#answered < this.#underWayAtMost) {
      const sequence = this.#sent++;
      const audio = this.#audio[sequence % this.#audio.length];
      const variables = { input: { sessionId: this.#sessionId, sequence, audio } };
      this.#write(sequence, { query: SEND_AUDIO, variables });
    }
  }
}

/** Over one WebSocket. https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md */
export function socketFlood(url: URL, options: FloodOptions): Flood {
  return async (sessionId, count) => {
    const socket = new WebSocket(url.href.replace(/^http/u, 'ws'), 'graphql-transport-ws', {
      perMessageDeflate: false,
    });
    await once(socket, 'open');
    socket.send('{"type":"connection_init"}');
    await once(socket, 'message');
    const pipeline = new Pipeline(options, sessionId, count, (sequence, payload) => {
      socket.send(JSON.stringify({ id: String(sequence), type: 'subscribe', payload }));
    });
    socket.on('message', (data: Buffer) => {
      const { type, payload } = message.parse(JSON.parse(data.toString()));
      if (type === 'next') pipeline.answer(payload);
      if (type === 'error') pipeline.fail(new Error(`refused: ${JSON.stringify(payload)}`));
    });
    socket.on('close', () => pipeline.fail(new Error('the connection was closed')));
    await pipeline.run();
    socket.close(1000);
  };
}

/** Over one HTTP connection, on which requests are sent ahead of the answers (RFC 9112, section 9.3.2). */
export function httpFlood(url: URL, options: FloodOptions): Flood {
  const head = `POST ${url.pathname} HTTP/1.1\r\nhost: ${url.host}\r\ncontent-type: application/json\r\ncontent-length: `;
  return async (sessionId, count) => {
    const socket = connect(Number(url.port), url.hostname);
    await once(socket, 'connect');
    const pipeline = new Pipeline(options, sessionId, count, (_sequence, operation) => {
      const body = JSON.stringify(operation);
      socket.write(`${head}${Buffer.byteLength(body)}\r\n\r\n${body}`);
    });
    readAnswers(socket, (body) => pipeline.answer(JSON.parse(body)));
    socket.on('close', () => pipeline.fail(new Error('the connection was closed')));
    await pipeline.run();
    socket.destroy();
  };
}

/** Answers that say their length, as all of those that are compared do. */
function readAnswers(socket: Socket, onAnswer: (body: string) => void): void {
  let unread = Buffer.alloc(0);
  socket.on('data', (piece: Buffer) => {
    unread = Buffer.concat([unread, piece]);
    for (;;) {
      const headEnd = unread.indexOf('\r\n\r\n');
      if (headEnd < 0) return;
      const length = Number(/content-length: (\d+)/iu.exec(unread.toString('latin1', 0, headEnd))?.[1]);
      const end = headEnd + 4 + length;
      if (unread.length < end) return;
      const body = unread.toString('utf8', headEnd + 4, end);
      unread = unread.subarray(end);
      onAnswer(body);
    }
  });
}
