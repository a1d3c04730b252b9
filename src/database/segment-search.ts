import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { cursorFormat } from './cursors.ts';
import { Prisma, type PrismaClient } from './generated/prisma/client.ts';
import { type KeyRange, type KeysetList, keysetPage } from './keyset-page.ts';
import { searchExpression } from './search-expression.ts';
import { SEGMENT_COLUMNS, type SegmentRow, toSegment } from './segment-rows.ts';
import { sessionConditions } from './session-list.ts';
import type { PageRequest, SegmentFilter, SegmentPage, TextRange } from './lists.ts';
import { allOf, contains } from './sql.ts';

/** The session's number and the final's sequence: the row ids of the index are made of these, see its migration. */
type FoundKey = readonly [sessionNumber: number, sequence: number];
const MAX_INT = 2 ** 31 - 1;
const foundKey = z.tuple([z.int().min(0).max(MAX_INT), z.int().min(0).max(MAX_INT)]);

interface FoundRow extends SegmentRow {
  readonly sessionNumber: number | bigint;
  /** The text, with the mark before and behind each range that was found. */
  readonly marked: string;
}

type Search = SegmentFilter & { readonly search: string };

/**
 * The finals that have the words, newest session first, each in order: as the index has them, so that a page of frequent words is
 * read as fast as one of rare words.
 *
 * @throws UnsearchableTextError
 */
export async function searchSegments(client: PrismaClient, filter: Search, page: PageRequest): Promise<SegmentPage> {
  // A word that nobody can have said: it tells where the ranges are, whatever the text has.
  const mark = randomUUID();
  const found = await keysetPage(foundSegments(client, filter, mark), page, (row) => ({
    segment: toSegment(row),
    highlights: rangesBetween(mark, row.marked),
  }));
  return {
    ...found,
    items: found.items.map(({ node: { segment, highlights }, cursor }) => ({ node: segment, cursor, highlights })),
  };
}

function foundSegments(
  client: PrismaClient,
  filter: Search,
  mark: string,
): KeysetList<FoundRow, FoundKey, readonly Prisma.Sql[]> {
  const matching = searchConditions(filter);
  return {
    cursors: cursorFormat('found segments', foundKey),
    keyOf: ({ sessionNumber, sequence }) => [Number(sessionNumber), sequence ?? 0],
    stretches: (range) => [[...matching, ...boundsOf(range)]],
    rows: (conditions, limit, fromEnd) => client.$queryRaw<FoundRow[]>`
      SELECT ${SEGMENT_COLUMNS}, n.number AS "sessionNumber", highlight(segment_search, 0, ${mark}, ${mark}) AS marked
      FROM ${FOUND} WHERE ${allOf(conditions)}
      ORDER BY segment_search.rowid ${fromEnd ? Prisma.sql`DESC` : Prisma.sql`ASC`} LIMIT ${limit}`,
    isEmpty: async (conditions) => {
      const found = await client.$queryRaw<unknown[]>`SELECT 1 FROM ${FOUND} WHERE ${allOf(conditions)} LIMIT 1`;
      return found.length === 0;
    },
  };
}

/** SQLite takes the order of a CROSS JOIN as the order of its loops: from the index to its segments, and nothing to sort. */
const FOUND = Prisma.sql`segment_search
  CROSS JOIN session_numbers n ON n.number = -(segment_search.rowid >> 31)
  CROSS JOIN segments g ON g.session_id = n.session_id AND g.sequence = segment_search.rowid & 2147483647
  CROSS JOIN sessions s ON s.id = n.session_id`;

function searchConditions({ search, sessionId, kind, channel, textContains, from, to }: Search): Prisma.Sql[] {
  const conditions = [Prisma.sql`segment_search MATCH ${searchExpression(search)}`];
  if (sessionId !== undefined) {
    const ofSession = Prisma.sql`SELECT number FROM session_numbers WHERE session_id = ${sessionId}`;
    conditions.push(Prisma.sql`n.session_id = ${sessionId}`, numbersBetween(ofSession, ofSession));
  }
  // The index has finals only.
  if (kind === 'INTERIM') conditions.push(Prisma.sql`segment_search.rowid > 0`);
  if (channel !== undefined) conditions.push(Prisma.sql`g.channel = ${channel}`);
  if (textContains !== undefined) conditions.push(contains(Prisma.sql`g.text`, textContains));
  if (from !== undefined || to !== undefined) {
    const created = sessionConditions({ from, to });
    const ofTime = (number: Prisma.Sql) => Prisma.sql`
      SELECT ${number} FROM sessions s JOIN session_numbers n ON n.session_id = s.id WHERE ${allOf(created)}`;
    conditions.push(...created, numbersBetween(ofTime(Prisma.sql`MIN(n.number)`), ofTime(Prisma.sql`MAX(n.number)`)));
  }
  return conditions;
}

/** The run of the index that sessions of these numbers have; nothing, where there is none. */
function numbersBetween(first: Prisma.Sql, last: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`segment_search.rowid > COALESCE((${last}), 0) * -2147483648
    AND segment_search.rowid < (1 - COALESCE((${first}), 0)) * 2147483648`;
}

function boundsOf({ after, before, inclusive }: KeyRange<FoundKey>): Prisma.Sql[] {
  const orEqual = inclusive ? Prisma.sql`=` : Prisma.empty;
  return [
    ...(after === null ? [] : [Prisma.sql`segment_search.rowid >${orEqual} ${rowId(after)}`]),
    ...(before === null ? [] : [Prisma.sql`segment_search.rowid <${orEqual} ${rowId(before)}`]),
  ];
}

/** As an integer of 64 bits: FTS5 takes no other for a bound. */
function rowId([sessionNumber, sequence]: FoundKey): bigint {
  return BigInt(sequence) - BigInt(sessionNumber) * 2n ** 31n;
}

function rangesBetween(mark: string, marked: string): TextRange[] {
  const ranges: TextRange[] = [];
  let position = 0;
  for (const [index, piece] of marked.split(mark).entries()) {
    const start = position;
    position += piece.length;
    if (index % 2 === 1) ranges.push({ start, end: position });
  }
  return ranges;
}
