import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Segment, SessionRecord } from '../database/session-records.ts';
import type { SessionStore } from '../database/session-store.ts';
import type { Recogniser, RecogniserIdentity } from '../recognition/recogniser.ts';
import { isDamage } from './error-mapping.ts';
import { noSuchSession, serverIsStopping } from './errors.ts';
import type { Logger } from './logger.ts';
import { isRunning, OpenSession } from './open-session.ts';
import type { SegmentWriter } from './segment-writer.ts';
import type { SessionLogDirectory } from './session-logs.ts';
import { settleSession } from './session-settlement.ts';
import { Signal } from './signal.ts';
import { Transcription } from './transcription.ts';
import { requireDerivable } from './underivable-finals.ts';

export interface OpenSessionsParts {
  readonly store: SessionStore;
  readonly logs: SessionLogDirectory;
  readonly recogniser: Recogniser;
  readonly writer: SegmentWriter;
  readonly readFinals: (sessionId: string, afterSequence: number, limit: number) => Promise<readonly Segment[]>;
  readonly logger: Logger;
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
}

interface Opened {
  readonly session: OpenSession;
  transcription: Transcription | null;
  /** Told when the session is completed and the database has it whole. */
  readonly completed: Signal;
  /** It is deleted, or about to be: what it still does comes to nothing. */
  discarded: boolean;
}

/** Of the time for stopping, what is kept for committing the last batches, in milliseconds. */
const COMMIT_RESERVE_MS = 2_000;

/** The sessions that are not over: opens them (also after a crash), keeps them transcribed, and completes them. */
export class OpenSessions {
  readonly #parts: OpenSessionsParts;
  readonly #opened = new Map<string, Opened>();
  readonly #opening = new Map<string, Promise<OpenSession>>();
  /** Completed, their logs not closed yet: nobody else may write to those. */
  readonly #closing = new Map<string, Promise<void>>();
  /** To be deleted at this moment: nobody opens them. */
  readonly #discarding = new Map<string, Promise<void>>();
  /** Not over, and not opened at the start. */
  readonly #unrecovered = new Set<string>();
  #stopped = false;

  constructor(parts: OpenSessionsParts) {
    this.#parts = parts;
  }

  get(id: string): OpenSession | undefined {
    return this.#opened.get(id)?.session;
  }

  /** The session that is being opened at this moment, if it is. */
  opening(id: string): Promise<OpenSession> | undefined {
    return this.#opening.get(id);
  }

  get all(): OpenSession[] {
    return [...this.#opened.values()].map(({ session }) => session);
  }

  get count(): number {
    return new Set([...this.#opened.keys(), ...this.#opening.keys()]).size;
  }

  /** Opens every session that was not over when the server stopped. One that can't be opened doesn't hold up the others. */
  async recover(): Promise<void> {
    for (const record of await this.#parts.store.findOpenSessions()) await this.#recover(record);
  }

  /**
   * Opens those whose segments the database had refused: it may take them now. One after the other, since there may be many,
   * and nobody waits for them.
   */
  async recoverFailed(): Promise<void> {
    const { store, logs } = this.#parts;
    for (const record of await store.findFailedSessions()) {
      if (this.#stopped) return;
      if (!logs.has(record.id)) continue;
      await this.#recover(record);
      await this.completion(record.id);
    }
  }

  /** Tries those again whose recovery failed for a reason that may pass, such as a full disk. */
  async recoverLeft(): Promise<void> {
    // Those that fail again are added again.
    const left = [...this.#unrecovered];
    for (const id of left) {
      if (this.#stopped) return;
      const record = await this.#parts.store.findSession(id);
      if (record !== null && isRunning(record)) await this.#recover(record);
      else this.#unrecovered.delete(id);
    }
  }

  /** Opens a session's logs and goes on with its transcription where its journal ends. Calls at the same time share one. */
  open(record: SessionRecord): Promise<OpenSession> {
    return this.#once(record.id, async (present) => this.#goOn(await this.#load(present)));
  }

  /**
   * Opens a completed session again for one more chunk: `append` stores it, and only when it was accepted is the session
   * active again. Nobody sees the session before that. When the session is open, or being opened by somebody else, `append`
   * is not called.
   */
  reopen(record: SessionRecord, append: (session: OpenSession) => Promise<unknown>): Promise<OpenSession> {
    return this.#once(record.id, async (present) => {
      const session = await this.#load(present, (loaded) => this.#sayActive(loaded));
      try {
        await append(session);
      } catch (error) {
        // It stays what it was, and says so again.
        await this.#goOn(session);
        throw error;
      }
      this.#parts.logger.info({ sessionId: record.id }, 'session opened again');
      return this.#goOn(session);
    });
  }

  /**
   * Lets go of a session, whatever it is doing, and keeps others from opening it until `remove` is done. Its subscribers
   * are through then. Should `remove` fail, a session that was open is opened again by the next who asks for it.
   */
  discard(id: string, remove: () => Promise<void>): Promise<void> {
    const earlier = this.#discarding.get(id);
    if (earlier !== undefined) return earlier;
    const discarding = this.#discard(id, remove).finally(() => this.#discarding.delete(id));
    this.#discarding.set(id, discarding);
    return discarding;
  }

  /** Resolves when the session is completed and committed; at once when it is not open. */
  async completion(id: string): Promise<void> {
    await this.#opened.get(id)?.completed.next();
  }

  /**
   * Finishes what can be finished in time, commits what is journalled if the database answers, and closes the logs. Whatever is
   * left goes on at the next start. No audio may come any more.
   *
   * @param limitMs for all of it, in milliseconds
   */
  async stop(limitMs: number): Promise<void> {
    this.#stopped = true;
    await Promise.allSettled([...this.#opening.values(), ...this.#discarding.values()]);
    const began = performance.now();
    await this.#catchUp(Math.max(0, limitMs - COMMIT_RESERVE_MS));
    const opened = [...this.#opened.values()];
    await Promise.allSettled(opened.map(async ({ transcription }) => transcription?.stop()));
    const { writer } = this.#parts;
    const flushed = Promise.allSettled(opened.map(({ session }) => writer.flush(session, 'stop')));
    await Promise.race([flushed, delay(limitMs - (performance.now() - began), undefined, { ref: false })]);
    await writer.stop();
    await Promise.allSettled([...opened.map(({ session }) => session.close()), ...this.#closing.values()]);
    this.#opened.clear();
  }

  /** Waits until the recogniser has worked through everything that was acknowledged, but not longer than it may. */
  async #catchUp(limitMs: number): Promise<void> {
    // What is left of a limit is no whole number, and only those are taken.
    const late = AbortSignal.timeout(Math.ceil(limitMs));
    const opened = [...this.#opened.values()];
    await Promise.all(opened.map(async ({ transcription }) => transcription?.untilCaughtUp(late)));
    if (!late.aborted) return;
    const backlogMs = opened.reduce((sum, { session }) => sum + session.backlogMs, 0);
    this.#parts.logger.warn({ limitMs, backlogMs }, 'left to the next start: audio that is not transcribed yet');
  }

  async #recover(record: SessionRecord): Promise<void> {
    this.#unrecovered.delete(record.id);
    try {
      const session = await this.open(record);
      this.#parts.logger.info(
        { sessionId: record.id, nextSequence: session.audio.nextSequence, finals: session.state.lastSequence },
        'session recovered',
      );
    } catch (error) {
      // Damage has been told already, and does not pass.
      if (isDamage(error)) return;
      this.#unrecovered.add(record.id);
      this.#tellNotRecovered(record, error);
    }
  }

  #once(id: string, open: (record: SessionRecord) => Promise<OpenSession>): Promise<OpenSession> {
    const present = this.get(id);
    if (present !== undefined) return Promise.resolve(present);
    const earlier = this.#opening.get(id);
    if (earlier !== undefined) return earlier;
    if (this.#stopped) return Promise.reject(serverIsStopping('connect again'));
    const opening = this.#untilFree(id)
      .then(() => this.#present(id))
      .then(open)
      .finally(() => this.#opening.delete(id));
    this.#opening.set(id, opening);
    return opening;
  }

  /** Resolves when nobody else has the session's logs open or removes them. */
  async #untilFree(id: string): Promise<void> {
    await this.#closing.get(id);
    await this.#discarding.get(id)?.catch(() => undefined);
  }

  /** How the session stands in the database now: since it was looked up it may have been changed, or deleted. */
  async #present(id: string): Promise<SessionRecord> {
    const record = await this.#parts.store.findSession(id);
    if (record === null) throw noSuchSession();
    return record;
  }

  async #discard(id: string, remove: () => Promise<void>): Promise<void> {
    await this.#opening.get(id)?.catch(() => undefined);
    const opened = this.#opened.get(id);
    if (opened !== undefined) {
      this.#opened.delete(id);
      opened.discarded = true;
      await this.#parts.writer.abandon(opened.session);
      await this.#close(opened);
    }
    await this.#closing.get(id);
    try {
      await remove();
      this.#unrecovered.delete(id);
    } catch (error) {
      if (opened !== undefined) this.#unrecovered.add(id);
      throw error;
    } finally {
      opened?.session.feed.discard();
      opened?.session.updates.end();
      opened?.completed.notify();
    }
  }

  /** The database says ACTIVE before the chunk is acknowledged, so that a crash in between finds the session. */
  async #sayActive(record: SessionRecord): Promise<void> {
    await this.#parts.store.commitBatch({
      sessionId: record.id,
      fromPosition: record.journalPosition,
      toPosition: record.journalPosition,
      finals: [],
      interims: [],
      session: { ...record, status: 'ACTIVE', endReason: null, endedAt: null },
    });
  }

  /** @param beforeFollowing called once the logs are open, with the session as the database has it. */
  async #load(stored: SessionRecord, beforeFollowing?: (record: SessionRecord) => Promise<void>): Promise<OpenSession> {
    const { logs, store, writer, readFinals } = this.#parts;
    const edits = await store.editsOf(stored.id);
    const { rewindTo, ...opened } = await logs.open(stored).catch((error: unknown) => {
      // Clients are only told that the session can't go on, whoever asks for it.
      if (isDamage(error)) this.#tellNotRecovered(stored, error);
      throw error;
    });
    const record = rewindTo === null ? stored : { ...stored, journalPosition: rewindTo };
    const session = new OpenSession({
      record,
      ...opened,
      edits,
      readFinals: (afterSequence, limit) => readFinals(record.id, afterSequence, limit),
    });
    try {
      if (rewindTo !== null) {
        await requireDerivable(store, session);
        await store.rewindCheckpoint(record.id, rewindTo);
      }
      await beforeFollowing?.(record);
      await writer.follow(session);
      return session;
    } catch (error) {
      await session.close();
      if (isDamage(error)) this.#tellNotRecovered(stored, error);
      throw error;
    }
  }

  #tellNotRecovered({ id }: SessionRecord, error: unknown): void {
    this.#parts.logger.error({ sessionId: id, err: error }, 'session not recovered');
  }

  /** Goes on where the two logs say: with the transcription, or with completing what ended before a crash. */
  async #goOn(session: OpenSession): Promise<OpenSession> {
    const { recogniser, writer, logger, now } = this.#parts;
    const opened: Opened = { session, transcription: null, completed: new Signal(), discarded: false };
    if (!session.isDecided) {
      try {
        await this.#prepareJournal(session);
      } catch (error) {
        // Half open it would take audio that nobody transcribes.
        writer.unfollow(session);
        await session.close();
        throw error;
      }
      opened.transcription = new Transcription({
        session,
        recogniser,
        logger,
        now,
        onFinal: () => writer.noteFinal(session),
        onEnded: () => void this.#complete(opened),
      });
    }
    this.#opened.set(session.id, opened);
    if (session.isDecided) void this.#complete(opened);
    return session;
  }

  async #prepareJournal(session: OpenSession): Promise<void> {
    const { identity } = this.#parts.recogniser;
    const at = new Date().toISOString();
    if (session.state.ended !== null) await session.append({ type: 'reopened', at });
    if (isSameRecogniser(session.state.recogniser, identity)) return;
    const { engine, modelHash, settings } = identity;
    await session.append({ type: 'recogniser', at, engine, modelHash, settings: { ...settings } });
  }

  async #complete(opened: Opened): Promise<void> {
    const { session } = opened;
    const { writer, logger } = this.#parts;
    try {
      const isCalledOff = () => this.#stopped || opened.discarded;
      await settleSession(session, this.#parts, isCalledOff);
      if (isCalledOff()) return;
      writer.unfollow(session);
      this.#opened.delete(session.id);
      await this.#close(opened);
    } catch (error) {
      if (this.#stopped || opened.discarded) return;
      logger.error({ sessionId: session.id, err: error }, 'session not completed');
    } finally {
      session.updates.end();
      opened.completed.notify();
    }
  }

  async #close({ session, transcription }: Opened): Promise<void> {
    const close = async () => {
      await transcription?.stop();
      await session.close();
    };
    // How it went is told to whoever closes; who waits to open it again finds what is on the disk.
    const closing = close().finally(() => this.#closing.delete(session.id));
    this.#closing.set(
      session.id,
      closing.catch(() => undefined),
    );
    await closing;
  }
}

function isSameRecogniser(a: RecogniserIdentity | null, b: RecogniserIdentity): boolean {
  if (a === null) return false;
  return a.engine === b.engine && a.modelHash === b.modelHash && isDeepStrictEqual(a.settings, b.settings);
}
