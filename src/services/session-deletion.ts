import type { SessionStore } from '../database/session-store.ts';
import { asServiceError } from './error-mapping.ts';
import { noSuchSession } from './errors.ts';
import type { Logger } from './logger.ts';
import type { OpenSessions } from './open-sessions.ts';
import type { SessionLogDirectory } from './session-logs.ts';

export interface SessionDeletionParts {
  readonly store: Pick<SessionStore, 'ping' | 'deleteSession' | 'findDeletedSessions' | 'forgetDeletedSession'>;
  readonly logs: Pick<SessionLogDirectory, 'remove'>;
  readonly open: Pick<OpenSessions, 'discard'>;
  readonly logger: Logger;
}

/**
 * Deletes sessions for good: their rows, and their recordings.
 *
 * One transaction decides: it removes the rows, and notes that the recording is to go. From then on nobody is given the
 * session, and what a crash leaves of the recording goes at the next start. The other way round a crash would leave a session
 * whose audio is lost.
 */
export class SessionDeletion {
  readonly #parts: SessionDeletionParts;

  constructor(parts: SessionDeletionParts) {
    this.#parts = parts;
  }

  /**
   * Deletes a session, also one that is running: nothing more of it is transcribed, and its subscriptions complete.
   * @throws ServiceError `NOT_FOUND`; `DATABASE_UNAVAILABLE`: nothing was deleted
   */
  async delete(id: string): Promise<void> {
    const { store, open, logger } = this.#parts;
    // A session is not to be interrupted for something that can't be done.
    await asServiceError(store.ping());
    await asServiceError(
      open.discard(id, async () => {
        if (!(await store.deleteSession(id, new Date()))) throw noSuchSession();
        logger.info({ sessionId: id }, 'session deleted');
        await this.#removeRecording(id);
      }),
    );
  }

  /** Removes what is left of the recordings of deleted sessions. Problems are logged, and left to the next time. */
  async finish(): Promise<void> {
    for (const id of await this.#parts.store.findDeletedSessions()) await this.#removeRecording(id);
  }

  async #removeRecording(sessionId: string): Promise<void> {
    const { store, logs, logger } = this.#parts;
    try {
      await logs.remove(sessionId);
      await store.forgetDeletedSession(sessionId);
    } catch (error) {
      logger.warn({ sessionId, err: error }, 'recording of a deleted session not removed yet');
    }
  }
}
