import { Prisma, type PrismaClient } from './generated/prisma/client.ts';
import { SEGMENT_COLUMNS, type SegmentRow, toSegment } from './segment-rows.ts';
import type { Segment } from './session-records.ts';
import type { FinalsRequest, SegmentCounts } from './session-store.ts';

const MAX_SEQUENCE = 2 ** 31 - 1;
/** SQLite joins at most 500 selects in one. */
const REQUESTS_PER_STATEMENT = 100;

interface RequestedRow extends SegmentRow {
  readonly request: number | bigint;
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
  { sessionId, afterSequence, beforeSequence, limit, fromEnd, edited = false }: FinalsRequest,
  index: number,
): Prisma.Sql {
  return Prisma.sql`
    SELECT ${index} AS request, ${SEGMENT_COLUMNS} FROM segments g
    WHERE g.session_id = ${sessionId} AND g.sequence > ${toColumn(afterSequence)} AND g.sequence < ${toColumn(beforeSequence)}
      ${edited ? Prisma.sql`AND g.id IN (SELECT segment_id FROM segment_edits WHERE session_id = ${sessionId})` : Prisma.empty}
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

interface CountsRow {
  readonly sessionId: string;
  readonly finals: number | bigint;
  readonly interims: number | bigint;
}

/**
 * Rows of segments of each session; none for a session without any. One statement, from the index alone: finals are the
 * segments with a sequence.
 */
export async function countSegments(
  client: PrismaClient,
  sessionIds: readonly string[],
): Promise<Map<string, SegmentCounts>> {
  if (sessionIds.length === 0) return new Map();
  const rows = await client.$queryRaw<CountsRow[]>`
    SELECT session_id AS "sessionId", COUNT(sequence) AS finals, COUNT(*) - COUNT(sequence) AS interims
    FROM segments WHERE session_id IN (${Prisma.join([...sessionIds])}) GROUP BY session_id`;
  return new Map(
    rows.map(({ sessionId, finals, interims }) => [sessionId, { finals: Number(finals), interims: Number(interims) }]),
  );
}
