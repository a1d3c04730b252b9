import type { Page, PageRequest, SegmentFilter, SegmentPage, SessionFilter, SessionOrder } from '../database/lists.ts';
import type { Segment, SessionRecord } from '../database/session-records.ts';
import type { DayTotals, FinalsRequest, SegmentCounts, SessionStore, Totals } from '../database/session-store.ts';
import type { OpenSession } from './open-session.ts';
import { sessionIdOfSegment } from './segments.ts';
import type { SegmentWriter } from './segment-writer.ts';

const JOURNAL_PAGE = 500;

/**
 * Reads sessions and segments as they stand *now*: what the database has, joined with what the journals of open sessions
 * have more. Nobody who was shown a final can ask and be told that it is not there.
 *
 * Lists across sessions (`listSegments`, `totals`, the order and filter of `listSessions`) are answered by the database
 * alone and may be behind by one batch.
 */
export class SessionReader {
  readonly #store: SessionStore;
  readonly #writer: SegmentWriter;
  readonly #findOpen: (id: string) => OpenSession | undefined;

  constructor(store: SessionStore, writer: SegmentWriter, findOpen: (id: string) => OpenSession | undefined) {
    this.#store = store;
    this.#writer = writer;
    this.#findOpen = findOpen;
  }

  async session(id: string): Promise<SessionRecord | null> {
    return this.#findOpen(id)?.snapshot() ?? (await this.#store.findSession(id));
  }

  /** In the order of `ids`; `null` where there is none. One statement for all. */
  async sessions(ids: readonly string[]): Promise<(SessionRecord | null)[]> {
    const closed = ids.filter((id) => this.#findOpen(id) === undefined);
    const stored = closed.length === 0 ? [] : await this.#store.findSessions(closed);
    const byId = new Map(stored.map((record) => [record.id, record]));
    return ids.map((id) => this.#findOpen(id)?.snapshot() ?? byId.get(id) ?? null);
  }

  async listSessions(filter: SessionFilter, order: SessionOrder, page: PageRequest): Promise<Page<SessionRecord>> {
    const stored = await this.#store.listSessions(filter, order, page);
    return {
      ...stored,
      items: stored.items.map(({ node, cursor }) => ({ node: this.#findOpen(node.id)?.snapshot() ?? node, cursor })),
    };
  }

  /** The finals that each request asks for, ascending. One statement for all sessions that are not open. */
  async finals(requests: readonly FinalsRequest[]): Promise<Segment[][]> {
    const closed = requests.filter(({ sessionId }) => this.#findOpen(sessionId) === undefined);
    const stored = closed.length === 0 ? [] : await this.#store.finalsBySequence(closed);
    const byRequest = new Map(closed.map((request, index) => [request, stored[index]]));
    return Promise.all(requests.map(async (request) => byRequest.get(request) ?? this.finalsOf(request)));
  }

  /** Like `finals`, of one session. */
  async finalsOf(request: FinalsRequest): Promise<Segment[]> {
    const { sessionId, limit, fromEnd, afterSequence } = request;
    const session = this.#findOpen(sessionId);
    if (session === undefined) return this.#storedFinals(request);
    // Taken before the database is read: it has at least this much, and the journal has all that follows.
    const checkpoint = this.#writer.checkpointOf(session);
    const beforeSequence = Math.min(request.beforeSequence, checkpoint.sequence + 1);
    const inDatabase = async (count: number) =>
      count <= 0 || beforeSequence <= afterSequence + 1
        ? []
        : this.#storedFinals({ ...request, beforeSequence, limit: count });
    try {
      if (fromEnd) {
        const recent = await this.#journalled(session, checkpoint.position, request);
        return [...(await inDatabase(limit - recent.length)), ...recent];
      }
      const older = await inDatabase(limit);
      if (older.length >= limit) return older;
      const rest = { ...request, limit: limit - older.length };
      return [...older, ...(await this.#journalled(session, checkpoint.position, rest))];
    } catch (error) {
      // The session was completed and its journal closed meanwhile: now the database has everything.
      if (this.#findOpen(sessionId) === undefined) return this.#storedFinals(request);
      throw error;
    }
  }

  /** The session's open utterances, at most one per channel. */
  async interims(sessionId: string): Promise<Segment[]> {
    return this.#findOpen(sessionId)?.feed.interims ?? (await this.#store.interimsOf(sessionId));
  }

  async segment(id: string): Promise<Segment | null> {
    const sessionId = sessionIdOfSegment(id);
    const session = sessionId === null ? undefined : this.#findOpen(sessionId);
    if (session === undefined) return this.#store.findSegment(id);
    // Taken before the database is read: it has all finals up to here, and the journal has those that follow.
    const { position, sequence } = this.#writer.checkpointOf(session);
    const stored = await this.#store.findSegment(id);
    if (stored?.kind === 'FINAL') return stored;
    const range = { afterSequence: sequence, beforeSequence: Infinity, limit: Infinity, fromEnd: false };
    try {
      const finals = await this.#journalled(session, position, range);
      return [...finals, ...session.feed.interims].find((segment) => segment.id === id) ?? null;
    } catch (error) {
      if (this.#findOpen(session.id) === undefined) return this.#store.findSegment(id);
      throw error;
    }
  }

  /** Rows of segments that the database has by now of each session, in the order of the ids. One statement for all. */
  async storedCounts(sessionIds: readonly string[]): Promise<SegmentCounts[]> {
    const counts = await this.#store.countSegments([...new Set(sessionIds)]);
    return sessionIds.map((id) => counts.get(id) ?? { finals: 0, interims: 0 });
  }

  listSegments(filter: SegmentFilter, page: PageRequest): Promise<SegmentPage> {
    return this.#store.listSegments(filter, page);
  }

  totals(filter: SessionFilter, timeZone: string): Promise<{ totals: Totals; days: DayTotals[] }> {
    return this.#store.totals(filter, timeZone);
  }

  async #storedFinals(request: FinalsRequest): Promise<Segment[]> {
    const [finals = []] = await this.#store.finalsBySequence([request]);
    return finals;
  }

  async #journalled(
    session: OpenSession,
    position: number,
    range: Omit<FinalsRequest, 'sessionId'>,
  ): Promise<Segment[]> {
    const found: Segment[] = [];
    for (let from = position; ;) {
      const { entries, end } = await session.journal.read(from, JOURNAL_PAGE);
      for (const { entry } of entries) {
        if (entry.type !== 'final' || entry.sequence <= range.afterSequence) continue;
        if (entry.sequence >= range.beforeSequence) return found;
        const final = session.finalOf(entry);
        if (range.edited === true && !session.isEdited(final.id)) continue;
        found.push(final);
        if (found.length > range.limit) found.shift();
        if (!range.fromEnd && found.length === range.limit) return found;
      }
      if (entries.length === 0) return found;
      from = end;
    }
  }
}
