import { z } from 'zod';
import { cursorFormat } from './cursors.ts';
import { Prisma, type PrismaClient } from './generated/prisma/client.ts';
import { type KeysetList, keysetPage } from './keyset-page.ts';
import { SEGMENT_COLUMNS, type SegmentRow, toSegment } from './segment-rows.ts';
import type { FinalsRequest, Page, PageRequest, Segment, SegmentFilter } from './session-store.ts';
import { sessionConditions } from './session-list.ts';
import { allOf, contains } from './sql.ts';
import { segmentKinds } from './vocabulary.ts';

/** A list's place: the session's `createdAt` in ms since 1970 (descending), then session, `startMs` and segment. */
type SegmentKey = readonly [sessionCreatedAt: number, sessionId: string, startMs: number, id: string];
const segmentKey = z.tuple([z.int().min(0).max(8.64e15), z.string(), z.int(), z.string()]);

const MAX_SEQUENCE = 2 ** 31 - 1;
/** SQLite joins at most 500 selects in one. */
const REQUESTS_PER_STATEMENT = 100;

interface RequestedRow extends SegmentRow {
  readonly request: number | bigint;
}

interface ListedRow extends SegmentRow {
  readonly sessionCreatedAt: Date;
}

export async function findSegment(client: PrismaClient, id: string): Promise<Segment | null> {
  const row = await client.segment.findUnique({ where: { id } });
  return row === null ? null : toSegment(row);
}

/** See `SessionStore.finalsBySequence`: one statement for all requests, each answered from the index. */
export async function finalsBySequence(client: PrismaClient, requests: readonly FinalsRequest[]): Promise<Segment[][]> {
  const found = requests.map((): Segment[] => []);
  for (let start = 0; start < requests.length; start += REQUESTS_PER_STATEMENT) {
    const parts = requests
      .slice(start, start + REQUESTS_PER_STATEMENT)
      .map((request, index) => Prisma.sql`SELECT * FROM (${finalsOf(request, start + index)})`);
    const rows = await client.$queryRaw<RequestedRow[]>`${Prisma.join(parts, ' UNION ALL ')}`;
    for (const row of rows) found[Number(row.request)]?.push(toSegment(row));
  }
  for (const [index, { fromEnd }] of requests.entries()) if (fromEnd) found[index]?.reverse();
  return found;
}

function finalsOf(
  { sessionId, afterSequence, beforeSequence, limit, fromEnd }: FinalsRequest,
  index: number,
): Prisma.Sql {
  return Prisma.sql`
    SELECT ${index} AS request, ${SEGMENT_COLUMNS} FROM segments g
    WHERE g.session_id = ${sessionId} AND g.sequence > ${toColumn(afterSequence)} AND g.sequence < ${toColumn(beforeSequence)}
    ORDER BY g.sequence ${fromEnd ? Prisma.sql`DESC` : Prisma.sql`ASC`} LIMIT ${limit}`;
}

/** The column holds 32 bits; a bound beyond them (also `Infinity`) means the same as the largest. */
function toColumn(sequence: number): number {
  return Math.min(sequence, MAX_SEQUENCE);
}

export async function interimsOf(client: PrismaClient, sessionId: string): Promise<Segment[]> {
  const rows = await client.segment.findMany({ where: { sessionId, sequence: null }, orderBy: { channel: 'asc' } });
  return rows.map(toSegment);
}

export function listSegments(client: PrismaClient, filter: SegmentFilter, page: PageRequest): Promise<Page<Segment>> {
  return keysetPage(segmentList(client, filter), page, toSegment);
}

function segmentList(client: PrismaClient, filter: SegmentFilter): KeysetList<ListedRow, SegmentKey> {
  const matching = segmentConditions(filter);
  const exists = async (condition: Prisma.Sql): Promise<boolean> => {
    const found = await client.$queryRaw<unknown[]>`
      SELECT 1 FROM ${SESSIONS_WITH_SEGMENTS} WHERE ${allOf([...matching, condition])} LIMIT 1`;
    return found.length > 0;
  };
  return {
    cursors: cursorFormat('segments', segmentKey),
    keyOf: (row) => [row.sessionCreatedAt.getTime(), row.sessionId, row.startMs, row.id],
    rows: ({ after, before }, limit, fromEnd) => {
      const conditions = [...matching];
      if (after !== null) conditions.push(follows(after, Prisma.sql`>`));
      if (before !== null) conditions.push(precedes(before, Prisma.sql`<`));
      const order = fromEnd
        ? Prisma.sql`s.created_at ASC, s.id DESC, g.start_ms DESC, g.id DESC`
        : Prisma.sql`s.created_at DESC, s.id ASC, g.start_ms ASC, g.id ASC`;
      return client.$queryRaw<ListedRow[]>`
        SELECT ${SEGMENT_COLUMNS}, s.created_at AS "sessionCreatedAt" FROM ${SESSIONS_WITH_SEGMENTS}
        WHERE ${allOf(conditions)} ORDER BY ${order} LIMIT ${limit}`;
    },
    existsAtOrBefore: (key) => exists(precedes(key, Prisma.sql`<=`)),
    existsAtOrAfter: (key) => exists(follows(key, Prisma.sql`>=`)),
  };
}

/** SQLite takes the order of a CROSS JOIN as the order of its loops: sessions by date, and no sorting of all segments. */
const SESSIONS_WITH_SEGMENTS = Prisma.sql`sessions s CROSS JOIN segments g`;

function segmentConditions(filter: SegmentFilter): Prisma.Sql[] {
  const conditions = [Prisma.sql`g.session_id = s.id`, ...sessionConditions({ from: filter.from, to: filter.to })];
  if (filter.sessionId !== undefined) conditions.push(Prisma.sql`s.id = ${filter.sessionId}`);
  if (filter.kind !== undefined) conditions.push(Prisma.sql`g.kind = ${segmentKinds.toColumn(filter.kind)}`);
  if (filter.channel !== undefined) conditions.push(Prisma.sql`g.channel = ${filter.channel}`);
  if (filter.textContains !== undefined) conditions.push(contains(Prisma.sql`g.text`, filter.textContains));
  return conditions;
}

/** Behind the key in the list; `compare` (`>` or `>=`) decides about the key itself. The outer bound is for the index. */
function follows([createdAt, sessionId, startMs, id]: SegmentKey, compare: Prisma.Sql): Prisma.Sql {
  const bound = new Date(createdAt);
  return Prisma.sql`(s.created_at <= ${bound}
    AND (s.created_at < ${bound} OR (s.id, g.start_ms, g.id) ${compare} (${sessionId}, ${startMs}, ${id})))`;
}

/** Before the key in the list; `compare` is `<` or `<=`. */
function precedes([createdAt, sessionId, startMs, id]: SegmentKey, compare: Prisma.Sql): Prisma.Sql {
  const bound = new Date(createdAt);
  return Prisma.sql`(s.created_at >= ${bound}
    AND (s.created_at > ${bound} OR (s.id, g.start_ms, g.id) ${compare} (${sessionId}, ${startMs}, ${id})))`;
}
