import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { normaliseFormat, sameFormat, type AudioFormat } from '../audio/format.ts';
import type { EndReason, Segment, SessionRecord } from '../database/session-records.ts';
import type { NewSession, SessionStore } from '../database/session-store.ts';
import { ExternalIdTakenError } from '../database/store-errors.ts';
import { asServiceError } from './error-mapping.ts';
import { noSuchSession, serverIsStopping, ServiceError } from './errors.ts';
import type { Logger } from './logger.ts';
import type { OpenSession } from './open-session.ts';
import type { OpenSessions } from './open-sessions.ts';
import { SegmentFeed, type ReadFinals } from './segment-feed.ts';
import type { SessionLookup } from './session-lookup.ts';
import type { SessionReader } from './session-reader.ts';
import { SessionUpdates } from './session-updates.ts';
import { checkSessionRequest, checkTitle, type SessionChanges, type SessionRequest } from './session-request.ts';

export interface SessionsParts {
  readonly store: SessionStore;
  readonly reader: SessionReader;
  readonly open: OpenSessions;
  readonly lookup: SessionLookup;
  readonly languages: readonly string[];
  /** Sessions that may be open at a time. */
  readonly maxOpenSessions: number;
  /** How many the recogniser can follow, as measured; `null` while that is not known. */
  readonly capacity: () => number | null;
  readonly logger: Logger;
}

/** How long `end` waits for the session to be completed before it answers with how it stands, in milliseconds. */
const END_WAIT_MS = 10_000;
const RETRY_WHEN_FULL_MS = 10_000;
/** A session counts against the recogniser's capacity while audio came within so long, or so much waits, in milliseconds. */
const BUSY_MS = 30_000;
const BUSY_BACKLOG_MS = 1_000;

/** The door for sessions: starts, ends and follows them. Every method may throw `ServiceError`. */
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
  async start(asked: SessionRequest): Promise<SessionRecord> {
    const { store, open, logger, languages } = this.#parts;
    const request = { ...asked, audioFormat: normaliseFormat(asked.audioFormat) };
    checkSessionRequest(request, languages);
    const existing = request.externalId === null ? null : await store.findSessionByExternalId(request.externalId);
    if (existing !== null) return this.#resume(existing, request.audioFormat);
    this.#refuseWhenFull();
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
    const opened = await asServiceError(open.open(record));
    logger.info({ sessionId: session.id, language: session.language, ...session.audioFormat }, 'session started');
    return opened.snapshot();
  }

  /**
   * Ends a session; asking again changes nothing. Waits up to 10 s for it to be completed, else returns it `FINALIZING`.
   * @param nextSequence refused while chunks below it are missing.
   */
  async end(id: string, nextSequence: number | null, reason: EndReason = 'CLIENT'): Promise<SessionRecord> {
    const { lookup, logger } = this.#parts;
    const session = await lookup.openIfRunning(await lookup.find(id));
    if (session !== null) {
      if (nextSequence !== null) {
        // Chunks that were sent ahead of this call count.
        await session.audio.settled();
        checkAllReceived(nextSequence, session.audio.nextSequence);
      }
      if (session.endingReason === null) {
        logger.info({ sessionId: id, reason, receivedMs: session.receivedMs }, 'session finalising');
      }
      try {
        await asServiceError(session.end(reason));
      } catch (error) {
        // It may have been deleted meanwhile.
        await lookup.find(id);
        throw error;
      }
      await this.#untilCompleted(id);
    }
    const record = await lookup.find(id);
    if (nextSequence !== null) checkAllReceived(nextSequence, record.nextSequence);
    return record;
  }

  /** Changes what people see of a session; what is `undefined` stays as it is. */
  async update(id: string, { title }: SessionChanges): Promise<SessionRecord> {
    const { store, open, lookup } = this.#parts;
    if (title === undefined) return lookup.find(id);
    checkTitle(title);
    if (!(await asServiceError(store.updateTitle(id, title)))) throw noSuchSession();
    // One that is being opened may have been read before.
    await open.opening(id)?.catch(() => undefined);
    open.get(id)?.rename(title);
    return lookup.find(id);
  }

  /** The segments of a session as they come; `afterSequence` null: from now on. Completes after the last final. */
  async segments(id: string, afterSequence: number | null): Promise<AsyncIterableIterator<Segment>> {
    const { lookup } = this.#parts;
    const record = await lookup.find(id);
    const running = await lookup.openIfRunning(record);
    const feed = running?.feed ?? this.#historyOf(record);
    if (afterSequence !== null && afterSequence > feed.lastSequence && running?.journalWasCut !== true) {
      throw new ServiceError(
        'BAD_USER_INPUT',
        `The session has ${feed.lastSequence} final segments; this cursor is of one behind them, or of another session.`,
      );
    }
    const mayHaveMissedEdits = (afterSequence ?? 0) > 0 && running?.hasEdits !== false;
    return feed.subscribe(
      afterSequence ?? undefined,
      mayHaveMissedEdits ? this.#editedOf(id, afterSequence ?? 0) : null,
    );
  }

  /** How a session stands, now and whenever that changes. Completes when it is over. */
  async updates(id: string): Promise<AsyncIterableIterator<SessionRecord>> {
    const { reader, lookup } = this.#parts;
    const session = await lookup.openIfRunning(await lookup.find(id));
    const updates = session?.updates ?? new SessionUpdates();
    const subscription = updates.subscribe(() => reader.session(id));
    if (session === null) updates.end();
    return subscription;
  }

  /** No new sessions from now on; the present ones go on. */
  stopAccepting(): void {
    this.#accepting = false;
  }

  /** Those that are open already are never refused: what was begun is carried to its end. */
  #refuseWhenFull(): void {
    const { open, maxOpenSessions, capacity } = this.#parts;
    // One that gets no audio gives the recogniser nothing to do.
    const busy = open.all
      .filter((session) => isBusy(session))
      .reduce((streams, { record }) => streams + record.audioFormat.channels, 0);
    if (!this.#accepting) throw serverIsStopping('connect again');
    if (open.count < maxOpenSessions && busy < (capacity() ?? Infinity)) return;
    throw new ServiceError(
      'OVERLOADED',
      `The server takes no more sessions now, with ${open.count} under way: try again later.`,
      { retryAfterMs: RETRY_WHEN_FULL_MS },
    );
  }

  async #resume(record: SessionRecord, format: AudioFormat): Promise<SessionRecord> {
    const session = await this.#parts.lookup.openIfRunning(record);
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

  /** A session that is over has a past, and no future. */
  #historyOf({ id, statistics }: SessionRecord): SegmentFeed {
    const { reader, lookup } = this.#parts;
    const readFinals = async (afterSequence: number, limit: number) => {
      const range = { sessionId: id, afterSequence, beforeSequence: Infinity, limit, fromEnd: false };
      const finals = await reader.finalsOf(range);
      // They are all there, unless the session was deleted.
      if (finals.length === 0) await lookup.find(id);
      return finals;
    };
    return new SegmentFeed(readFinals, statistics.totalSegments, { ended: true });
  }

  /** Finals up to `lastSequence` that people have changed. */
  #editedOf(sessionId: string, lastSequence: number): ReadFinals {
    return (afterSequence, limit) =>
      this.#parts.reader.finalsOf({
        sessionId,
        afterSequence,
        beforeSequence: lastSequence + 1,
        limit,
        fromEnd: false,
        edited: true,
      });
  }

  async #untilCompleted(id: string): Promise<void> {
    const waiting = new AbortController();
    const timeout = delay(END_WAIT_MS, undefined, { signal: waiting.signal }).catch(() => undefined);
    await Promise.race([this.#parts.open.completion(id), timeout]);
    waiting.abort();
  }
}

function isBusy({ lastAudioAt, backlogMs }: OpenSession): boolean {
  return performance.now() - lastAudioAt < BUSY_MS || backlogMs > BUSY_BACKLOG_MS;
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
