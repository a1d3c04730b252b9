import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { bytesPerFrame, msToFrames, sameFormat, type AudioFormat } from '../audio/format.ts';
import { findMalformation } from '../audio/decode.ts';
import {
  ExternalIdTakenError,
  type EndReason,
  type NewSession,
  type Segment,
  type SessionRecord,
  type SessionStore,
} from '../database/session-store.ts';
import { toServiceError } from './error-mapping.ts';
import { ServiceError } from './errors.ts';
import type { Logger } from './logger.ts';
import type { OpenSession } from './open-session.ts';
import type { OpenSessions } from './open-sessions.ts';
import { SegmentFeed } from './segment-feed.ts';
import type { SessionReader } from './session-reader.ts';
import { SessionUpdates } from './session-updates.ts';
import type { StorageGuard } from './storage-guard.ts';
import { checkSessionRequest, type SessionRequest } from './session-request.ts';

export interface SessionLimits {
  /** Largest chunk, in bytes. */
  readonly maxChunkBytes: number;
  /** Sessions that may be open at a time. */
  readonly maxOpenSessions: number;
  /** Longest gap that one `skipAudio` may declare, in milliseconds. */
  readonly maxSkipMs: number;
}

export interface SessionsParts {
  readonly store: SessionStore;
  readonly reader: SessionReader;
  readonly open: OpenSessions;
  readonly storage: StorageGuard;
  readonly languages: readonly string[];
  readonly limits: SessionLimits;
  readonly logger: Logger;
}

/** The answer to a chunk: what is durable now. */
export interface AudioAcknowledgement {
  readonly sessionId: string;
  /** The chunk expected next; all below are on stable storage. */
  readonly nextSequence: number;
  /** Length of the timeline, in milliseconds. */
  readonly receivedMs: number;
  /** Acknowledged audio that is still to be recognised, in milliseconds. */
  readonly backlogMs: number;
  /** This chunk had been stored before. */
  readonly duplicate: boolean;
}

/** How long `end` waits for the session to be completed before it answers with how it stands, in milliseconds. */
const END_WAIT_MS = 10_000;
const RETRY_WHEN_FULL_MS = 10_000;

/** The door for all writes to sessions. Every method may throw `ServiceError`. */
export class Sessions {
  readonly #parts: SessionsParts;
  #accepting = true;

  constructor(parts: SessionsParts) {
    this.#parts = parts;
  }

  /**
   * Starts a session; or finds the one that a client with this `externalId` started before, if it is open and of the same
   * format.
   */
  async start(request: SessionRequest): Promise<SessionRecord> {
    const { store, open, limits, logger, languages } = this.#parts;
    checkSessionRequest(request, languages);
    if (!this.#accepting || open.count >= limits.maxOpenSessions) {
      throw new ServiceError('OVERLOADED', 'The server takes no more sessions now; try again later.', {
        retryAfterMs: RETRY_WHEN_FULL_MS,
      });
    }
    const existing = request.externalId === null ? null : await store.findSessionByExternalId(request.externalId);
    if (existing !== null) return this.#resume(existing, request.audioFormat);
    const session: NewSession = { ...request, id: randomUUID(), createdAt: new Date() };
    try {
      await store.createSession(session);
    } catch (error) {
      // Another request with the same `externalId` came first.
      const winner =
        error instanceof ExternalIdTakenError && request.externalId !== null
          ? await store.findSessionByExternalId(request.externalId)
          : null;
      if (winner === null) throw error;
      return this.#resume(winner, request.audioFormat);
    }
    const record = await store.findSession(session.id);
    if (record === null) throw new Error(`Session ${session.id} vanished while it was started`);
    const opened = await this.#guarded(open.open(record));
    logger.info({ sessionId: session.id, language: session.language, ...session.audioFormat }, 'session started');
    return opened.snapshot();
  }

  /**
   * Stores a chunk; resolves when it is on stable storage. Calls may be pipelined: they count in the order in which they are
   * made.
   */
  sendAudio(id: string, sequence: number, bytes: Uint8Array): Promise<AudioAcknowledgement> {
    return this.#store(id, sequence, (session) => {
      const { audioFormat } = session.record;
      if (bytes.byteLength > this.#parts.limits.maxChunkBytes) {
        throw new ServiceError(
          'AUDIO_TOO_LARGE',
          `A chunk may have ${this.#parts.limits.maxChunkBytes} bytes at most, this one has ${bytes.byteLength}: send it in smaller chunks.`,
        );
      }
      if (bytes.byteLength === 0)
        throw new ServiceError('AUDIO_MALFORMED', 'The chunk is empty: send at least one frame.');
      const malformation = findMalformation(audioFormat, bytes);
      if (malformation !== null) {
        throw new ServiceError(
          'AUDIO_MALFORMED',
          `The chunk is not ${audioFormat.encoding} with ${bytesPerFrame(audioFormat)} bytes a frame: ${malformation}`,
        );
      }
      return session.audio.appendChunk(sequence, bytes);
    });
  }

  /** Records that the client lost `durationMs` of audio at this place; takes a sequence number like a chunk. */
  skipAudio(id: string, sequence: number, durationMs: number): Promise<AudioAcknowledgement> {
    const { maxSkipMs } = this.#parts.limits;
    return this.#store(id, sequence, (session) => {
      if (!Number.isInteger(durationMs) || durationMs < 1 || durationMs > maxSkipMs) {
        throw new ServiceError('BAD_USER_INPUT', `durationMs must be a whole number from 1 to ${maxSkipMs}.`);
      }
      return session.audio.appendSkip(sequence, msToFrames(durationMs, session.record.audioFormat.sampleRate));
    });
  }

  /**
   * Ends a session; asking again changes nothing. Waits up to 10 s for it to be completed, else returns it `FINALIZING`.
   * @param nextSequence refused while chunks below it are missing.
   */
  async end(id: string, nextSequence: number | null, reason: EndReason = 'CLIENT'): Promise<SessionRecord> {
    const { reader, open, logger } = this.#parts;
    const session = open.get(id) ?? (await this.#openUnlessOver(id));
    if (session !== null) {
      const accepted = await session.audio.settled();
      if (nextSequence !== null) checkAllReceived(nextSequence, accepted);
      if (session.endingReason === null) {
        logger.info({ sessionId: id, reason, receivedMs: session.receivedMs }, 'session finalising');
      }
      await this.#guarded(session.end(reason));
      await this.#untilCompleted(id);
    }
    const record = await reader.session(id);
    if (record === null) throw notFound(id);
    if (nextSequence !== null) checkAllReceived(nextSequence, record.nextSequence);
    return record;
  }

  /** The segments of a session as they come; `afterSequence` null: from now on. Completes after the last final. */
  async segments(id: string, afterSequence: number | null): Promise<AsyncIterableIterator<Segment>> {
    const session = this.#parts.open.get(id);
    if (session !== undefined) return session.feed.subscribe(afterSequence ?? undefined);
    const record = await this.#find(id);
    const reopened = await this.#openIfRunning(record);
    if (reopened !== null) return reopened.feed.subscribe(afterSequence ?? undefined);
    const history = new SegmentFeed(
      (after, limit) =>
        this.#parts.reader.finalsOf({
          sessionId: id,
          afterSequence: after,
          beforeSequence: Infinity,
          limit,
          fromEnd: false,
        }),
      record.statistics.totalSegments,
      true,
    );
    return history.subscribe(afterSequence ?? undefined);
  }

  /** How a session stands, now and whenever that changes. Completes when it is over. */
  async updates(id: string): Promise<AsyncIterableIterator<SessionRecord>> {
    const { reader, open } = this.#parts;
    const session = open.get(id) ?? (await this.#openIfRunning(await this.#find(id)));
    const updates = session?.updates ?? new SessionUpdates();
    const subscription = updates.subscribe(() => reader.session(id));
    if (session === null) updates.end();
    return subscription;
  }

  /** No new sessions from now on; the present ones go on. */
  stopAccepting(): void {
    this.#accepting = false;
  }

  async #resume(record: SessionRecord, format: AudioFormat): Promise<SessionRecord> {
    const { open } = this.#parts;
    const session = open.get(record.id) ?? (await this.#openIfRunning(record));
    if (session === null || session.endingReason !== null) {
      throw new ServiceError('SESSION_CONFLICT', 'A session with this externalId is over: choose another externalId.');
    }
    if (!sameFormat(record.audioFormat, format)) {
      throw new ServiceError(
        'SESSION_CONFLICT',
        'The open session with this externalId has another audio format: use that format or another externalId.',
      );
    }
    return session.snapshot();
  }

  async #store(
    id: string,
    sequence: number,
    append: (session: OpenSession) => Promise<{ duplicate: boolean }>,
  ): Promise<AudioAcknowledgement> {
    if (!Number.isInteger(sequence) || sequence < 0) {
      throw new ServiceError('BAD_USER_INPUT', 'sequence must be a whole number from 0.');
    }
    const session = this.#parts.open.get(id);
    // An open session is appended to without any wait before, so that pipelined chunks keep their order.
    return session === undefined
      ? this.#storeInClosed(id, sequence, append)
      : this.#storeInOpen(session, sequence, append);
  }

  async #storeInOpen(
    session: OpenSession,
    sequence: number,
    append: (session: OpenSession) => Promise<{ duplicate: boolean }>,
  ): Promise<AudioAcknowledgement> {
    const { endingReason } = session;
    if (endingReason !== null && sequence >= session.audio.nextSequence) {
      if (endingReason !== 'IDLE_TIMEOUT') throw notActive(session.id);
      await this.#parts.open.completion(session.id);
      return this.#store(session.id, sequence, append);
    }
    const duplicate = await this.#append(session, append);
    return {
      sessionId: session.id,
      nextSequence: session.audio.nextSequence,
      receivedMs: session.receivedMs,
      backlogMs: session.backlogMs,
      duplicate,
    };
  }

  async #storeInClosed(
    id: string,
    sequence: number,
    append: (session: OpenSession) => Promise<{ duplicate: boolean }>,
  ): Promise<AudioAcknowledgement> {
    const { open } = this.#parts;
    const record = await this.#find(id);
    // Without a wait from here on: a chunk before this one may be opening the session at this moment.
    const opening = open.get(id) ?? open.opening(id) ?? (isRunning(record) ? open.open(record) : null);
    if (opening !== null) return this.#storeInOpen(await opening, sequence, append);
    if (record.endReason !== 'IDLE_TIMEOUT' || sequence !== record.nextSequence) throw notActive(id);
    const reopened = await open.reopen(record, (session) => this.#append(session, append));
    // The log has it already, so this only makes the acknowledgement.
    const acknowledgement = await this.#storeInOpen(reopened, sequence, append);
    return { ...acknowledgement, duplicate: false };
  }

  async #append(
    session: OpenSession,
    append: (session: OpenSession) => Promise<{ duplicate: boolean }>,
  ): Promise<boolean> {
    if (!this.#parts.storage.hasRoom()) {
      throw new ServiceError('STORAGE_FULL', 'The disk is nearly full: free some space, then send this chunk again.');
    }
    const { duplicate } = await this.#guarded(append(session));
    session.lastAudioAt = performance.now();
    session.updates.touch();
    return duplicate;
  }

  async #find(id: string): Promise<SessionRecord> {
    const record = await this.#parts.reader.session(id);
    if (record === null) throw notFound(id);
    return record;
  }

  async #openUnlessOver(id: string): Promise<OpenSession | null> {
    return this.#openIfRunning(await this.#find(id));
  }

  /** A session that should be open but is not (its recovery had failed) is opened now. */
  async #openIfRunning(record: SessionRecord): Promise<OpenSession | null> {
    return isRunning(record) ? this.#parts.open.open(record) : null;
  }

  async #untilCompleted(id: string): Promise<void> {
    const waiting = new AbortController();
    const timeout = delay(END_WAIT_MS, undefined, { signal: waiting.signal }).catch(() => undefined);
    await Promise.race([this.#parts.open.completion(id), timeout]);
    waiting.abort();
  }

  /** Errors of the logs become the contract's. */
  async #guarded<T>(result: Promise<T>): Promise<T> {
    try {
      return await result;
    } catch (error) {
      throw toServiceError(error) ?? error;
    }
  }
}

function isRunning({ status }: SessionRecord): boolean {
  return status === 'ACTIVE' || status === 'FINALIZING';
}

function checkAllReceived(nextSequence: number, received: number): void {
  if (nextSequence > received) {
    throw new ServiceError(
      'AUDIO_OUT_OF_ORDER',
      `Chunks ${received} to ${nextSequence - 1} have not arrived: send them, then end the session.`,
      { expectedSequence: received },
    );
  }
  if (nextSequence < received) {
    throw new ServiceError(
      'AUDIO_CONFLICT',
      `The session has ${received} chunks, not ${nextSequence}: another client may be sending to it.`,
    );
  }
}

function notFound(id: string): ServiceError {
  return new ServiceError('NOT_FOUND', `There is no session ${id}: check the id, or start a session.`);
}

function notActive(id: string): ServiceError {
  return new ServiceError('SESSION_NOT_ACTIVE', `Session ${id} is over and takes no more audio: start a new session.`);
}
