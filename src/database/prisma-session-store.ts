import { appendBatch, type Transact } from './append-batch.ts';
import { commitBatch, requireSound } from './commit-batch.ts';
import { toDatabaseError, violatedUniqueColumns } from './database-errors.ts';
import type { Prisma, PrismaClient } from './generated/prisma/client.ts';
import { Mutex } from './mutex.ts';
import { editSegment, editsOf, renameSpeaker } from './segment-edits.ts';
import { listSegments } from './segment-list.ts';
import { countSegments, finalsBySequence, findSegment, interimsOf } from './segment-queries.ts';
import { deleteSession, findDeletedSessions, forgetDeletedSession } from './session-deletions.ts';
import {
  findExpiredRecordings,
  markFailed,
  markRecordingRemoved,
  rewindCheckpoint,
  updateTitle,
} from './session-marks.ts';
import { listSessions } from './session-list.ts';
import { newSessionRow, toSessionRecord } from './session-rows.ts';
import type { Page, PageRequest, SegmentFilter, SegmentPage, SessionFilter, SessionOrder } from './lists.ts';
import type { Segment, SegmentEdit, SessionRecord, SessionStatus, SpeakerNames } from './session-records.ts';
import type {
  BatchOutcome,
  DayTotals,
  FinalsRequest,
  NewSession,
  ReceivedAudio,
  SegmentBatch,
  SegmentChange,
  SegmentCounts,
  SessionStore,
  Totals,
} from './session-store.ts';
import { DatabaseRefusedError, ExternalIdTakenError } from './store-errors.ts';
import { totals } from './totals.ts';
import { sessionStatuses } from './vocabulary.ts';

/** The session store over Prisma: each method is one question or one transaction, and speaks the store's errors. */
export class PrismaSessionStore implements SessionStore {
  readonly #client: PrismaClient;
  readonly #transact: Transact | null;
  /** One after the other, since each may read all segments: a batch waits for one of them at most, however many are asked for. */
  readonly #searches = new Mutex();

  /** @param transact where the database has a shorter way for a transaction than through Prisma; all works without it */
  constructor(client: PrismaClient, transact: Transact | null = null) {
    this.#client = client;
    this.#transact = transact;
  }

  async createSession(session: NewSession): Promise<void> {
    const data = newSessionRow(session);
    try {
      await this.#client.session.create({ data, select: { id: true } });
    } catch (error) {
      if (violatedUniqueColumns(error).includes('external_id')) {
        throw new ExternalIdTakenError(`Another session has the external id "${session.externalId}"`, { cause: error });
      }
      throw toDatabaseError(error);
    }
  }

  findSession(id: string): Promise<SessionRecord | null> {
    return translated(async () => {
      const row = await this.#client.session.findUnique({ where: { id } });
      return row === null ? null : toSessionRecord(row);
    });
  }

  findSessions(ids: readonly string[]): Promise<SessionRecord[]> {
    return translated(async () => {
      const rows = await this.#client.session.findMany({ where: { id: { in: [...ids] } } });
      return rows.map(toSessionRecord);
    });
  }

  findSessionByExternalId(externalId: string): Promise<SessionRecord | null> {
    return translated(async () => {
      const row = await this.#client.session.findUnique({ where: { externalId } });
      return row === null ? null : toSessionRecord(row);
    });
  }

  findOpenSessions(): Promise<SessionRecord[]> {
    return this.#findOldestFirst({ status: { in: columns(['ACTIVE', 'FINALIZING']) } });
  }

  findFailedSessions(): Promise<SessionRecord[]> {
    return this.#findOldestFirst({ status: { in: columns(['FAILED']) }, recordingRemovedAt: null });
  }

  listSessions(filter: SessionFilter, order: SessionOrder, page: PageRequest): Promise<Page<SessionRecord>> {
    return translated(() => listSessions(this.#client, filter, order, page));
  }

  commitBatch(batch: SegmentBatch): Promise<BatchOutcome> {
    return translated(async () => {
      try {
        requireSound(batch);
        if (this.#transact !== null && (await appendBatch(this.#transact, batch))) return 'applied';
        return await commitBatch(this.#client, batch);
      } catch (error) {
        if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
        throw new DatabaseRefusedError('The batch has a value that no column can hold', { cause: error });
      }
    });
  }

  rewindCheckpoint(sessionId: string, position: number): Promise<void> {
    return translated(() => rewindCheckpoint(this.#client, sessionId, position));
  }

  markFailed(sessionId: string, at: Date, received: ReceivedAudio): Promise<void> {
    return translated(() => markFailed(this.#client, sessionId, at, received));
  }

  findExpiredRecordings(endedBefore: Date, limit: number): Promise<string[]> {
    return translated(() => findExpiredRecordings(this.#client, endedBefore, limit));
  }

  markRecordingRemoved(sessionId: string, at: Date): Promise<void> {
    return translated(() => markRecordingRemoved(this.#client, sessionId, at));
  }

  updateTitle(sessionId: string, title: string | null): Promise<boolean> {
    return translated(() => updateTitle(this.#client, sessionId, title));
  }

  editSegment(change: SegmentChange): Promise<SegmentEdit | null> {
    return translated(() => editSegment(this.#client, change));
  }

  editsOf(sessionId: string): Promise<SegmentEdit[]> {
    return translated(() => editsOf(this.#client, sessionId));
  }

  renameSpeaker(sessionId: string, channel: number, name: string | null): Promise<SpeakerNames | null> {
    return translated(() => renameSpeaker(this.#client, sessionId, channel, name));
  }

  deleteSession(sessionId: string, at: Date): Promise<boolean> {
    return translated(() => deleteSession(this.#client, sessionId, at));
  }

  findDeletedSessions(): Promise<string[]> {
    return translated(() => findDeletedSessions(this.#client));
  }

  forgetDeletedSession(sessionId: string): Promise<void> {
    return translated(() => forgetDeletedSession(this.#client, sessionId));
  }

  findSegment(id: string): Promise<Segment | null> {
    return translated(() => findSegment(this.#client, id));
  }

  finalsBySequence(requests: readonly FinalsRequest[]): Promise<Segment[][]> {
    return translated(() => finalsBySequence(this.#client, requests));
  }

  interimsOf(sessionId: string): Promise<Segment[]> {
    return translated(() => interimsOf(this.#client, sessionId));
  }

  countSegments(sessionIds: readonly string[]): Promise<ReadonlyMap<string, SegmentCounts>> {
    return translated(() => countSegments(this.#client, sessionIds));
  }

  async listSegments(filter: SegmentFilter, page: PageRequest): Promise<SegmentPage> {
    const list = () => translated(() => listSegments(this.#client, filter, page));
    const looksFar = filter.search !== undefined || filter.textContains !== undefined;
    return looksFar ? this.#searches.runExclusive(list) : list();
  }

  totals(filter: SessionFilter, timeZone: string): Promise<{ totals: Totals; days: DayTotals[] }> {
    return translated(() => totals(this.#client, filter, timeZone));
  }

  async ping(): Promise<void> {
    // Begun as a writer, as all transactions are.
    await translated(() => this.#client.$transaction((transaction) => transaction.$queryRaw`SELECT 1`));
  }

  #findOldestFirst(where: Prisma.SessionWhereInput): Promise<SessionRecord[]> {
    return translated(async () => {
      const rows = await this.#client.session.findMany({ where, orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] });
      return rows.map(toSessionRecord);
    });
  }
}

async function translated<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toDatabaseError(error);
  }
}

function columns(statuses: readonly SessionStatus[]): string[] {
  return statuses.map((status) => sessionStatuses.toColumn(status));
}
