import type {
  DayTotals,
  Page,
  PageRequest,
  Segment,
  SegmentFilter,
  SessionFilter,
  SessionOrder,
  SessionRecord,
  SessionStore,
  Totals,
} from '../database/session-store.ts';
import type { OpenSession } from './open-session.ts';
import { finalSegment, sessionIdOfSegment } from './segments.ts';
import type { SegmentWriter } from './segment-writer.ts';

/** Finals with a sequence above `afterSequence` and below `beforeSequence`: the lowest `limit`, or the highest with `fromEnd`. */
export interface FinalsRange {
  readonly afterSequence: number;
  readonly beforeSequence: number;
  readonly limit: number;
  readonly fromEnd: boolean;
}

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

  /** Finals of one session, ascending. */
  async finals(sessionId: string, range: FinalsRange): Promise<Segment[]> {
    const session = this.#findOpen(sessionId);
    if (session === undefined) return this.#store.finalsBySequence(sessionId, range);
    // Taken before the database is read: it has at least this much, and the journal has all that follows.
    const checkpoint = this.#writer.checkpointOf(session);
    const stored = { ...range, beforeSequence: Math.min(range.beforeSequence, checkpoint.sequence + 1) };
    const inDatabase = (limit: number) =>
      limit <= 0 || stored.beforeSequence <= range.afterSequence + 1
        ? []
        : this.#store.finalsBySequence(sessionId, { ...stored, limit });
    try {
      if (range.fromEnd) {
        const recent = await this.#journalled(session, checkpoint.position, range);
        return [...(await inDatabase(range.limit - recent.length)), ...recent];
      }
      const older = await inDatabase(range.limit);
      const limit = range.limit - older.length;
      if (limit <= 0) return older;
      return [...older, ...(await this.#journalled(session, checkpoint.position, { ...range, limit }))];
    } catch (error) {
      // The session was completed and its journal closed meanwhile: now the database has everything.
      if (this.#findOpen(sessionId) === undefined) return this.#store.finalsBySequence(sessionId, range);
      throw error;
    }
  }

  /** The session's open utterances, at most one per channel. */
  async interims(sessionId: string): Promise<Segment[]> {
    return this.#findOpen(sessionId)?.feed.interims ?? (await this.#store.interimsOf(sessionId));
  }

  async segment(id: string): Promise<Segment | null> {
    const stored = await this.#store.findSegment(id);
    if (stored?.kind === 'FINAL') return stored;
    const sessionId = sessionIdOfSegment(id);
    const session = sessionId === null ? undefined : this.#findOpen(sessionId);
    if (session === undefined) return stored;
    const { position, sequence } = this.#writer.checkpointOf(session);
    const range = { afterSequence: sequence, beforeSequence: Infinity, limit: Infinity, fromEnd: false };
    const finals = await this.#journalled(session, position, range);
    return [...finals, ...session.feed.interims].find((segment) => segment.id === id) ?? null;
  }

  listSegments(filter: SegmentFilter, page: PageRequest): Promise<Page<Segment>> {
    return this.#store.listSegments(filter, page);
  }

  totals(filter: SessionFilter, timeZone: string): Promise<{ totals: Totals; days: DayTotals[] }> {
    return this.#store.totals(filter, timeZone);
  }

  async #journalled(session: OpenSession, position: number, range: FinalsRange): Promise<Segment[]> {
    const found: Segment[] = [];
    for (let from = position; ;) {
      const { entries, end } = await session.journal.read(from, JOURNAL_PAGE);
      for (const { entry } of entries) {
        if (entry.type !== 'final' || entry.sequence <= range.afterSequence) continue;
        if (entry.sequence >= range.beforeSequence) return found;
        found.push(finalSegment(session.id, entry));
        if (found.length > range.limit) found.shift();
        if (!range.fromEnd && found.length === range.limit) return found;
      }
      if (entries.length === 0) return found;
      from = end;
    }
  }
}
