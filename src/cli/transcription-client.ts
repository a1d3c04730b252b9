import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { ApiConnection, type ServerAddress } from './api-connection.ts';
import { SEGMENT_FIELDS, transcriptSegment, type TranscriptSegment } from './api-types.ts';
import { CHUNK_MS, type AudioFile } from './audio-file.ts';
import { ApiError, CommandLineError, ConnectionLostError } from './errors.ts';

export interface TranscriptionRequest {
  /** The client's own name for the recording, unique: asking for a session a second time then finds the first one. */
  readonly externalId: string;
  readonly title: string | null;
  readonly language: string;
  /** Times real time; `Infinity`: as fast as the recogniser follows. */
  readonly speed: number;
}

interface TranscriptionProgress {
  /** Length of what the server has on stable storage. */
  readonly acknowledgedMs: number;
  /** How much of it is still to be recognised. */
  readonly backlogMs: number;
}

export interface TranscriptionListener {
  /** Interims as they are revised, and each final once, in order. */
  onSegment(segment: TranscriptSegment): void;
  onProgress(progress: TranscriptionProgress): void;
  /** Something went wrong that may pass; it is tried again. */
  onSetback(error: Error): void;
}

/** Chunks that may be under way without an acknowledgement. */
const MAX_UNACKNOWLEDGED = 32;
/** Backlog above which chunks are sent one at a time with pauses, in milliseconds of audio. */
const MAX_BACKLOG_MS = 30_000;
const BACKLOG_PAUSE_MS = 250;
/** How long nothing may go forward before it is given up, in milliseconds. */
const PATIENCE_MS = 120_000;
const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 5_000;
/** Refusals that pass: chunks after a lost one, and a server that is short of something. */
const PASSING_CODES = ['AUDIO_OUT_OF_ORDER', 'DATABASE_UNAVAILABLE', 'OVERLOADED', 'RATE_LIMITED', 'STORAGE_FULL'];

const START_SESSION = `mutation ($input: StartSessionInput!) { startSession(input: $input) { session { id nextSequence } } }`;
const SESSION = `query ($id: ID!) { session(id: $id) { id nextSequence } }`;
const SEND_AUDIO = `mutation ($input: SendAudioInput!) { sendAudio(input: $input) { nextSequence receivedMs backlogMs } }`;
const END_SESSION = `mutation ($input: EndSessionInput!) { endSession(input: $input) { session { id } } }`;
const SEGMENT_ADDED = `subscription ($sessionId: ID!, $after: String, $fromStart: Boolean!) {
  segmentAdded(sessionId: $sessionId, after: $after, fromStart: $fromStart) {${SEGMENT_FIELDS} }
}`;

const sessionState = z.object({ id: z.string(), nextSequence: z.int() });
const started = z.object({ startSession: z.object({ session: sessionState }) });
const found = z.object({ session: sessionState.nullable() });
const acknowledged = z.object({
  sendAudio: z.object({ nextSequence: z.int(), receivedMs: z.int(), backlogMs: z.int() }),
});
const ended = z.object({ endSession: z.object({ session: z.object({ id: z.string() }) }) });
const segmentAdded = z.object({ segmentAdded: transcriptSegment });

/**
 * Sends one audio file through the public API and follows its transcript.
 *
 * Whatever happens on the way, the server knows how far it is: on each new connection the client asks for `nextSequence`,
 * sends on from there, and resumes the segments after the last final it saw.
 */
export class TranscriptionClient {
  readonly #server: ServerAddress;
  readonly #audio: AudioFile;
  readonly #request: TranscriptionRequest;
  readonly #listener: TranscriptionListener;
  readonly #stop: AbortSignal;
  #wasConnected = false;
  #sessionId: string | null = null;
  /** Cursor of the last final that was seen. */
  #cursor: string | null = null;
  #startedAt: number | null = null;
  #lastProgressAt = performance.now();

  /** @param stop send no more audio: the session ends with what the server has, and its transcript is completed. */
  constructor(
    server: ServerAddress,
    audio: AudioFile,
    request: TranscriptionRequest,
    listener: TranscriptionListener,
    stop: AbortSignal,
  ) {
    this.#server = server;
    this.#audio = audio;
    this.#request = request;
    this.#listener = listener;
    this.#stop = stop;
  }

  /**
   * Resolves with the session's id when the transcript is complete.
   * @throws ApiError, CommandLineError, ConnectionLostError (after some minutes of trying)
   */
  async run(): Promise<string> {
    this.#lastProgressAt = performance.now();
    for (let pause = FIRST_RETRY_MS; ; pause = Math.min(pause * 2, LONGEST_RETRY_MS)) {
      const attemptedAt = performance.now();
      try {
        return await this.#runOverOneConnection();
      } catch (error) {
        if (!mayPass(error) || performance.now() - this.#lastProgressAt > PATIENCE_MS) throw error;
        // Nobody waits minutes for a server that was never there.
        if (!this.#wasConnected) throw error;
        if (this.#lastProgressAt > attemptedAt) pause = FIRST_RETRY_MS;
        this.#listener.onSetback(error);
        await delay((error instanceof ApiError ? error.retryAfterMs : null) ?? pause);
      }
    }
  }

  async #runOverOneConnection(): Promise<string> {
    const connection = await ApiConnection.open(this.#server);
    this.#wasConnected = true;
    try {
      const { id, nextSequence } = await this.#openSession(connection);
      this.#sessionId = id;
      this.#lastProgressAt = performance.now();
      const followed = this.#follow(connection, id);
      // A subscription that fails while audio is sent is noticed when it is awaited, below.
      followed.catch(() => undefined);
      const received = await this.#send(connection, id, nextSequence);
      await connection.request(END_SESSION, { input: { sessionId: id, nextSequence: received } }, ended);
      await followed;
      return id;
    } finally {
      await connection.close();
    }
  }

  /** Starts the session, or asks how far it is. */
  async #openSession(connection: ApiConnection): Promise<z.infer<typeof sessionState>> {
    if (this.#sessionId !== null) {
      const { session } = await connection.request(SESSION, { id: this.#sessionId }, found);
      if (session === null) throw new CommandLineError('the server does not know the session any more');
      return session;
    }
    const { externalId, title, language } = this.#request;
    const input = { externalId, title, language, audio: this.#audio.format };
    const { startSession } = await connection.request(START_SESSION, { input }, started);
    return startSession.session;
  }

  /** Hands on the session's segments from where it left off; resolves after the last final. */
  #follow(connection: ApiConnection, sessionId: string): Promise<void> {
    const variables = { sessionId, after: this.#cursor, fromStart: this.#cursor === null };
    return connection.subscribe(SEGMENT_ADDED, variables, segmentAdded, ({ segmentAdded: segment }) => {
      this.#cursor = segment.cursor ?? this.#cursor;
      this.#lastProgressAt = performance.now();
      this.#listener.onSegment(segment);
    });
  }

  /**
   * Sends the file's chunks from `firstSequence` on, until its end or until it is stopped.
   * @returns the number of chunks that the server has.
   */
  async #send(connection: ApiConnection, sessionId: string, firstSequence: number): Promise<number> {
    const unacknowledged = new Set<Promise<void>>();
    const failures: unknown[] = [];
    let received = firstSequence;
    let backlogMs = 0;
    const send = async (sequence: number, bytes: Uint8Array): Promise<void> => {
      const input = { sessionId, sequence, audio: Buffer.from(bytes).toString('base64') };
      const { sendAudio } = await connection.request(SEND_AUDIO, { input }, acknowledged);
      received = Math.max(received, sendAudio.nextSequence);
      backlogMs = sendAudio.backlogMs;
      this.#lastProgressAt = performance.now();
      this.#listener.onProgress({ acknowledgedMs: sendAudio.receivedMs, backlogMs });
    };

    for (let sequence = firstSequence; sequence < this.#audio.chunkCount; sequence++) {
      await this.#untilDue(sequence);
      const crowded = backlogMs > MAX_BACKLOG_MS;
      while (unacknowledged.size >= (crowded ? 1 : MAX_UNACKNOWLEDGED)) await Promise.race(unacknowledged);
      // Slower than the recogniser works, so that the backlog shrinks, and each acknowledgement says how far.
      if (crowded) await this.#pause(BACKLOG_PAUSE_MS);
      const bytes = await this.#audio.chunk(sequence);
      if (this.#stop.aborted || failures.length > 0) break;
      const sending: Promise<void> = send(sequence, bytes)
        .catch((error: unknown) => void failures.push(error))
        .finally(() => unacknowledged.delete(sending));
      unacknowledged.add(sending);
    }
    await Promise.all(unacknowledged);
    // Of several the first is the reason; the chunks behind it are refused as out of order.
    if (failures.length > 0) throw failures[0];
    return received;
  }

  /** Waits until it is time for this chunk; when the connection was lost meanwhile, that time has passed. */
  async #untilDue(sequence: number): Promise<void> {
    if (this.#request.speed === Infinity) return;
    this.#startedAt ??= performance.now();
    // A chunk exists when its last sample does.
    const due = this.#startedAt + ((sequence + 1) * CHUNK_MS) / this.#request.speed;
    await this.#pause(due - performance.now());
  }

  async #pause(milliseconds: number): Promise<void> {
    if (milliseconds <= 0) return;
    await delay(milliseconds, undefined, { signal: this.#stop }).catch((error: unknown) => {
      if (!this.#stop.aborted) throw error;
    });
  }
}

function mayPass(error: unknown): error is Error {
  if (error instanceof ConnectionLostError) return true;
  return error instanceof ApiError && error.code !== null && PASSING_CODES.includes(error.code);
}
