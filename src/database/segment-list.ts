import { z } from 'zod';
import { cursorFormat } from './cursors.ts';
import { Prisma, type PrismaClient } from './generated/prisma/client.ts';
import { type KeyRange, type KeysetList, keysetPage } from './keyset-page.ts';
import { searchSegments } from './segment-search.ts';
import { SEGMENT_COLUMNS, type SegmentRow, toSegment } from './segment-rows.ts';
import { sessionConditions } from './session-list.ts';
import type { PageRequest, SegmentFilter, SegmentPage } from './lists.ts';
import { allOf, contains } from './sql.ts';
import { segmentKinds, sessionStatuses } from './vocabulary.ts';

/**
 * A segment's place among those of all sessions: the session's `createdAt` in ms since 1970 and its id, both descending; then
 * `startMs` and the segment's id.
 */
type SegmentKey = readonly [sessionCreatedAt: number, sessionId: string, startMs: number, id: string];
const segmentKey = z.tuple([z.int().min(0).max(8.64e15), z.string(), z.int(), z.string()]);

interface ListedRow extends SegmentRow {
  readonly sessionCreatedAt: Date;
}

type Stretch = readonly Prisma.Sql[];

export function listSegments(client: PrismaClient, filter: SegmentFilter, page: PageRequest): Promise<SegmentPage> {
  const { search } = filter;
  if (search !== undefined) return searchSegments(client, { ...filter, search }, page);
  return keysetPage(segmentList(client, filter), page, toSegment);
}

/** SQLite takes the order of a CROSS JOIN as the order of its loops: sessions by date, and no sorting of all segments. */
const SESSIONS_WITH_SEGMENTS = Prisma.sql`sessions s CROSS JOIN segments g`;

function segmentList(client: PrismaClient, filter: SegmentFilter): KeysetList<ListedRow, SegmentKey, Stretch> {
  const matching = segmentConditions(filter);
  return {
    cursors: cursorFormat('segments', segmentKey),
    keyOf: (row) => [row.sessionCreatedAt.getTime(), row.sessionId, row.startMs, row.id],
    stretches: (range) => stretches(range).map((bounds) => [...matching, ...bounds]),
    rows: (conditions, limit, fromEnd) => {
      const order = fromEnd
        ? Prisma.sql`s.created_at ASC, s.id ASC, g.start_ms DESC, g.id DESC`
        : Prisma.sql`s.created_at DESC, s.id DESC, g.start_ms ASC, g.id ASC`;
      return client.$queryRaw<ListedRow[]>`
        SELECT ${SEGMENT_COLUMNS}, s.created_at AS "sessionCreatedAt" FROM ${SESSIONS_WITH_SEGMENTS}
        WHERE ${allOf(conditions)} ORDER BY ${order} LIMIT ${limit}`;
    },
    isEmpty: async (conditions) => {
      const found = await client.$queryRaw<unknown[]>`
        SELECT 1 FROM ${SESSIONS_WITH_SEGMENTS} WHERE ${allOf(conditions)} LIMIT 1`;
      return found.length === 0;
    },
  };
}

const WITH_DRAFTS = ['ACTIVE', 'FINALIZING', 'FAILED'] as const;

function segmentConditions(filter: SegmentFilter): Prisma.Sql[] {
  const conditions = [Prisma.sql`g.session_id = s.id`, ...sessionConditions({ from: filter.from, to: filter.to })];
  if (filter.sessionId !== undefined) conditions.push(Prisma.sql`s.id = ${filter.sessionId}`);
  if (filter.kind !== undefined) conditions.push(Prisma.sql`g.kind = ${segmentKinds.toColumn(filter.kind)}`);
  if (filter.kind === 'INTERIM') {
    // No completed session has one. Otherwise all sessions would be looked through for the few there are.
    const statuses = WITH_DRAFTS.map((status) => sessionStatuses.toColumn(status));
    conditions.push(Prisma.sql`g.sequence IS NULL AND s.status IN (${Prisma.join(statuses)})`);
  }
  if (filter.channel !== undefined) {
    // The second condition spares looking through sessions that have no such channel.
    conditions.push(Prisma.sql`g.channel = ${filter.channel} AND s.channels > ${filter.channel}`);
  }
  if (filter.textContains !== undefined) conditions.push(contains(Prisma.sql`g.text`, filter.textContains));
  return conditions;
}

/** What is left of the session of `after`, the sessions between, and what comes first of the session of `before`. */
function stretches({ after, before, inclusive }: KeyRange<SegmentKey>): Stretch[] {
  if (after !== null && before !== null && after[1] === before[1]) {
    return [[ofSessionOf(after), behind(after, inclusive), ahead(before, inclusive)]];
  }
  const within = [
    ...(after === null ? [] : [laterSessions(after)]),
    ...(before === null ? [] : [earlierSessions(before)]),
  ];
  return [
    ...(after === null
      ? []
      : [[ofSessionOf(after), behind(after, inclusive), ...(before === null ? [] : [earlierSessions(before)])]]),
    within,
    ...(before === null
      ? []
      : [[ofSessionOf(before), ahead(before, inclusive), ...(after === null ? [] : [laterSessions(after)])]]),
  ];
}

function ofSessionOf([, sessionId]: SegmentKey): Prisma.Sql {
  return Prisma.sql`s.id = ${sessionId}`;
}

function behind([, , startMs, id]: SegmentKey, inclusive: boolean): Prisma.Sql {
  return Prisma.sql`(g.start_ms, g.id) ${inclusive ? Prisma.sql`>=` : Prisma.sql`>`} (${startMs}, ${id})`;
}

function ahead([, , startMs, id]: SegmentKey, inclusive: boolean): Prisma.Sql {
  return Prisma.sql`(g.start_ms, g.id) ${inclusive ? Prisma.sql`<=` : Prisma.sql`<`} (${startMs}, ${id})`;
}

/** Later in the list: created before that of the key. */
function laterSessions([createdAt, sessionId]: SegmentKey): Prisma.Sql {
  return Prisma.sql`(s.created_at, s.id) < (${new Date(createdAt)}, ${sessionId})`;
}

function earlierSessions([createdAt, sessionId]: SegmentKey): Prisma.Sql {
  return Prisma.sql`(s.created_at, s.id) > (${new Date(createdAt)}, ${sessionId})`;
}
