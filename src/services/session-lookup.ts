import type { SessionRecord } from '../database/session-records.ts';
import { asServiceError } from './error-mapping.ts';
import { noSuchSession } from './errors.ts';
import { isRunning, type OpenSession } from './open-session.ts';
import type { OpenSessions } from './open-sessions.ts';
import type { SessionReader } from './session-reader.ts';

/** Finds sessions for the doors. */
export class SessionLookup {
  readonly #reader: SessionReader;
  readonly #open: OpenSessions;

  constructor(reader: SessionReader, open: OpenSessions) {
    this.#reader = reader;
    this.#open = open;
  }

  /** @throws ServiceError `NOT_FOUND` */
  async find(id: string): Promise<SessionRecord> {
    const record = await this.#reader.session(id);
    if (record !== null) return record;
    throw noSuchSession();
  }

  /** A session that is not over; one that should be open but is not (its recovery had failed) is opened now. */
  async openIfRunning(record: SessionRecord): Promise<OpenSession | null> {
    return this.#open.get(record.id) ?? (isRunning(record) ? asServiceError(this.#open.open(record)) : null);
  }
}
