import { Attempt } from './attempt.ts';
import { Backoff } from './backoff.ts';
import type { ChunkStore, SessionRequest } from './chunk-store.ts';
import { Connection, type WebSocketImplementation } from './connection.ts';
import { Emitter } from './emitter.ts';
import { VerbatimError } from './errors.ts';
import type { ClientLimits } from './limits.ts';
import type { SessionState, SessionStatus } from './operations.ts';
import { Recording, type KeptRecording } from './recording.ts';
import type { LastFinal } from './segment-order.ts';
import type { Segment } from './segments.ts';
import type { Gap } from './send-queue.ts';
import { Signal } from './signal.ts';

/**
 * `reconnecting`: the connection was lost; what is recorded meanwhile is kept. `ended`: the session is completed. `failed` and
 * `abandoned`: nothing more will happen here.
 */
export type ConnectionState = 'connecting' | 'connected' | 'reconnecting' | 'ended' | 'failed' | 'abandoned';

/** How a session stands; times are milliseconds of audio. */
export interface LiveSessionStatus {
  readonly connection: ConnectionState;
  /** At the server, as it last said; `null` before it did. */
  readonly session: SessionStatus | null;
  /** Everything that was written, and every gap. */
  readonly writtenMs: number;
  /** Of it, what the server has on stable storage. */
  readonly acknowledgedMs: number;
  /** Of it, what is not acknowledged yet. */
  readonly bufferedMs: number;
  /** Acknowledged audio that is still to be recognised: grows when the server is overloaded. */
  readonly backlogMs: number;
  /** Audio that is lost, see the event `gap`. */
  readonly lostMs: number;
}

export interface SessionEvents {
  /** A new version of what is being spoken; it replaces earlier ones of the same id. */
  interim: Segment;
  /** The transcript of an utterance: each once and in order. It replaces the interim of the same id. */
  final: Segment;
  /** A final that was given before, as a person has changed it: it replaces the one of the same id, in its place. */
  edited: Segment;
  /** Nothing was said after all: take this interim off the screen. */
  withdrawn: Segment;
  status: LiveSessionStatus;
  /** Audio was lost, and is declared to the server as a gap. */
  gap: Gap;
  /** Something went wrong that may pass; it is tried again. */
  setback: Setback;
}

export interface Setback {
  readonly error: VerbatimError;
  /** When it is tried again, in milliseconds from now; `null` when it is not (`STORE_FAILED`: it goes on without a store). */
  readonly retryInMs: number | null;
}

/** A session that is over. */
export interface CompletedSession {
  readonly id: string;
  readonly externalId: string;
  /** `CLIENT`, `IDLE_TIMEOUT` or `MAX_DURATION`. */
  readonly endReason: string | null;
}

export interface LiveSessionParts {
  readonly url: URL;
  readonly token: () => string | null | Promise<string | null>;
  readonly webSocket: WebSocketImplementation | undefined;
  readonly random: () => number;
  readonly limits: ClientLimits;
  readonly store: ChunkStore;
  /** Gives the claim to the recording back. */
  readonly release: () => void;
  readonly isLive: boolean;
  /** After which final the program wants the next one; `null`: from the first. */
  readonly lastFinal: LastFinal | null;
  /** The store does not work, and `store` is one that keeps nothing beyond this program. */
  readonly storeFailure: VerbatimError | null;
}

/** How far written audio that is not live may be ahead of what was sent, in milliseconds. */
const AHEAD_MS = 5_000;
/** What a server closes with that stops (1001, RFC 6455), or that drops a client which reads too slowly (1013, IANA). */
const COME_BACK: readonly number[] = [1001, 1013];

/**
 * One recording on its way to the server, and its transcript on its way back. Whatever happens on the way, the server knows
 * how far it is: on each new connection the client asks, sends on from there, and resumes the segments after the last final.
 */
export class LiveSession {
  /** Resolves with the session's id when the server has started it. @throws VerbatimError when it never will be */
  readonly started: Promise<string>;
  /**
   * Resolves when the session is completed and its last final was given.
   * @throws VerbatimError when that will never be. What was not acknowledged stays in the chunk store.
   */
  readonly finished: Promise<CompletedSession>;
  /**
   * The same as `write`, as a stream: `microphone.pipeTo(session.audio)`. It takes blobs as well, as a MediaRecorder gives
   * them. Closing or aborting it ends the session, and so does audio that it can't take: what came before is completed. Where
   * the audio is not live it holds the source back while the server or the recogniser is behind.
   */
  readonly audio: WritableStream<Uint8Array | Blob>;
  readonly #parts: LiveSessionParts;
  readonly #recording: Recording;
  readonly #events = new Emitter<SessionEvents>();
  readonly #backoff: Backoff;
  readonly #abandoned = new Signal();
  #connection: Connection | null = null;
  #state: ConnectionState = 'connecting';
  #sessionStatus: SessionStatus | null = null;
  #backlogMs = 0;
  #lostMs = 0;
  #failure: VerbatimError | null = null;
  /** Since when nothing has gone forward; `null`: nothing is wrong. */
  #troubleSince: number | null = null;
  #announceStart: (id: string) => void = () => {};

  /** Made by `VerbatimClient`. */
  constructor(request: SessionRequest, kept: KeptRecording | null, parts: LiveSessionParts) {
    this.#parts = parts;
    this.#backoff = new Backoff(parts.limits, parts.random);
    this.#recording = new Recording(request, kept, {
      store: parts.store,
      limits: parts.limits,
      lastFinal: parts.lastFinal,
      listener: {
        onInterim: (segment) => this.#events.emit('interim', segment),
        onFinal: (segment) => this.#events.emit('final', segment),
        onEdited: (segment) => this.#events.emit('edited', segment),
        onWithdrawn: (segment) => this.#events.emit('withdrawn', segment),
        onGap: (gap) => {
          this.#lostMs += gap.durationMs;
          this.#events.emit('gap', gap);
        },
        onStoreFailure: (cause) => this.#tellStoreFailure(storeFailed(cause)),
      },
    });
    this.finished = this.#run();
    this.started = new Promise((resolve, reject) => {
      this.#announceStart = resolve;
      this.finished.catch(reject);
    });
    // Who is interested awaits them; nobody has to.
    this.started.catch(() => undefined);
    this.audio = new WritableStream({
      write: async (audio) => {
        try {
          this.write(audio instanceof Uint8Array ? audio : new Uint8Array(await audio.arrayBuffer()));
        } catch (error) {
          void this.end().catch(() => undefined);
          throw error;
        }
        if (!parts.isLive) await this.drained();
      },
      close: async () => void (await this.end()),
      abort: async () => void (await this.end()),
    });
  }

  get externalId(): string {
    return this.#recording.request.externalId;
  }

  /** Global id of the session; `null` as long as the server has not started it. */
  get id(): string | null {
    return this.#recording.sessionId;
  }

  get status(): LiveSessionStatus {
    const { writtenMs, acknowledgedMs } = this.#recording.queue;
    return {
      connection: this.#state,
      session: this.#sessionStatus,
      writtenMs,
      acknowledgedMs,
      bufferedMs: writtenMs - acknowledgedMs,
      backlogMs: this.#backlogMs,
      lostMs: this.#lostMs,
    };
  }

  /** @returns a function that takes the listener off again. */
  on<Name extends keyof SessionEvents>(name: Name, listener: (event: SessionEvents[Name]) => void): () => void {
    return this.#events.on(name, listener);
  }

  /**
   * Records audio; it never waits. What cannot be sent now is kept, up to the limits of the buffer.
   * @param bytes in the session's format, of any length; a frame may be in two pieces, and a container in any. In a session that
   *   was resumed, a container begins anew, with its header.
   * @throws VerbatimError `AUDIO_MALFORMED` when a container can't go on like that: what came before stays, and a new one may
   *   follow; `ENDED` after `end`; or what the session failed with
   */
  write(bytes: Uint8Array): void {
    this.#refuseAfterEnd();
    this.#recording.write(bytes);
  }

  /**
   * Records that audio was lost before it came here, so that the timeline stays right.
   * @param durationMs a whole number, at least 1
   * @throws RangeError; VerbatimError as `write`
   */
  skip(durationMs: number): void {
    if (!Number.isInteger(durationMs) || durationMs < 1) {
      throw new RangeError(`a skip has a whole number of milliseconds, at least 1, not ${durationMs}`);
    }
    this.#refuseAfterEnd();
    this.#recording.skip(durationMs);
  }

  /**
   * Resolves when the server is nearly up to date with what was written: for audio that can wait.
   * @throws VerbatimError what the session failed with
   */
  async drained(): Promise<void> {
    while (this.#recording.queue.unsentMs > AHEAD_MS) {
      if (this.#failure !== null) throw this.#failure;
      await this.#recording.changed.wait();
    }
  }

  /** Resolves when all whole chunks that were written until now are in the chunk store. */
  stored(): Promise<void> {
    return this.#recording.stored();
  }

  /**
   * Sends all that is left and ends the session. May be called again.
   * @returns `finished`
   */
  end(): Promise<CompletedSession> {
    if (this.#failure === null) this.#recording.end();
    return this.finished;
  }

  /** Leaves at once. What is not acknowledged stays in the chunk store; the server ends the session when no audio comes. */
  async abandon(): Promise<void> {
    if (this.#state === 'ended' || this.#failure !== null) return;
    this.#failure = new VerbatimError('ABANDONED', 'the session was abandoned');
    this.#connection?.close();
    this.#abandoned.raise();
    await this.finished.catch(() => undefined);
  }

  async #run(): Promise<CompletedSession> {
    try {
      // The caller shall have added its listeners before anything happens.
      await new Promise((resolve) => setTimeout(resolve));
      if (this.#parts.storeFailure !== null) this.#tellStoreFailure(this.#parts.storeFailure);
      const { id, endReason, status } = await this.#untilCompleted();
      this.#sessionStatus = status;
      this.#setState('ended');
      await this.#recording.stored();
      await this.#parts.store.remove(this.externalId).catch(() => undefined);
      return { id, externalId: this.externalId, endReason };
    } catch (error) {
      const failure = asVerbatimError(error);
      this.#failure ??= failure;
      this.#setState(failure.code === 'ABANDONED' ? 'abandoned' : 'failed');
      this.#recording.changed.raise();
      await this.#recording.stored();
      throw failure;
    } finally {
      this.#parts.release();
    }
  }

  /** Tries until it is done, or something happens that will not pass. */
  async #untilCompleted(): Promise<SessionState> {
    for (;;) {
      const attemptedAt = performance.now();
      try {
        return await this.#runOverOneConnection();
      } catch (cause) {
        if (this.#failure !== null) throw this.#failure;
        const error = asVerbatimError(cause);
        if (!error.mayPass) throw error;
        const wasConnected = this.#state === 'connected';
        if (wasConnected && performance.now() - attemptedAt > this.#parts.limits.longestRetryMs) this.#noteProgress();
        if (wasConnected && error.closeCode !== null && COME_BACK.includes(error.closeCode)) this.#backoff.reset();
        await this.#pauseAfter(error);
      }
    }
  }

  async #pauseAfter(error: VerbatimError): Promise<void> {
    const now = performance.now();
    this.#troubleSince ??= now;
    if (now - this.#troubleSince > this.#parts.limits.patienceMs) {
      throw new VerbatimError('GAVE_UP', `nothing went forward for too long: ${error.message}`, { cause: error });
    }
    const retryInMs = this.#backoff.next(error.retryAfterMs ?? 0);
    this.#setState(this.#state === 'connecting' ? 'connecting' : 'reconnecting');
    this.#events.emit('setback', { error, retryInMs });
    if (this.#failure === null) await this.#abandoned.wait(retryInMs);
    if (this.#failure !== null) throw this.#failure;
  }

  async #runOverOneConnection(): Promise<SessionState> {
    const { url, webSocket, limits, isLive } = this.#parts;
    const { heartbeatMs } = limits;
    const connection = await Connection.open({ url, token: await this.#token() }, { webSocket, heartbeatMs });
    this.#connection = connection;
    try {
      if (this.#failure !== null) throw this.#failure;
      return await new Attempt({
        connection,
        recording: this.#recording,
        limits,
        isLive,
        onConnected: ({ id, status }) => {
          this.#sessionStatus = status;
          this.#announceStart(id);
          this.#setState('connected');
        },
        onAcknowledged: ({ backlogMs }) => {
          this.#backlogMs = backlogMs;
          this.#noteProgress();
          this.#events.emit('status', this.status);
        },
        onSegment: () => this.#noteProgress(),
      }).run();
    } finally {
      this.#connection = null;
      connection.close();
    }
  }

  async #token(): Promise<string | null> {
    try {
      return await this.#parts.token();
    } catch (cause) {
      throw new VerbatimError('UNREACHABLE', 'there is no token to connect with', { cause });
    }
  }

  #noteProgress(): void {
    this.#troubleSince = null;
    this.#backoff.reset();
  }

  #setState(state: ConnectionState): void {
    this.#state = state;
    this.#events.emit('status', this.status);
  }

  #tellStoreFailure(error: VerbatimError): void {
    this.#events.emit('setback', { error, retryInMs: null });
  }

  #refuseAfterEnd(): void {
    if (this.#failure !== null) throw this.#failure;
    if (this.#recording.isEnding) throw new VerbatimError('ENDED', 'the session was ended and takes no more audio');
  }
}

/** What the chunk store answered when it was asked for something. */
export function storeFailed(cause: unknown): VerbatimError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new VerbatimError('STORE_FAILED', `the chunk store failed, audio is kept in memory only: ${reason}`, {
    cause,
  });
}

function asVerbatimError(error: unknown): VerbatimError {
  if (error instanceof VerbatimError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new VerbatimError('UNREADABLE_ANSWER', message, { cause: error });
}
