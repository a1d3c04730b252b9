import { z } from 'zod';
import { cursorFormat } from './cursors.ts';
import { Prisma, type PrismaClient } from './generated/prisma/client.ts';
import { type KeyRange, type KeysetList, keysetPage } from './keyset-page.ts';
import { SESSION_COLUMNS, type SessionRow, toSessionRecord } from './session-rows.ts';
import type { Page, PageRequest, SessionFilter, SessionOrder, SessionOrderField } from './lists.ts';
import type { SessionRecord } from './session-records.ts';
import { allOf, contains } from './sql.ts';
import { sessionStatuses } from './vocabulary.ts';

type OrderValue = string | number | null;
/** The value that a list is ordered by (dates in ms since 1970), then the id. */
type SessionKey = readonly [value: OrderValue, id: string];

interface Order {
  readonly column: Prisma.Sql;
  readonly nullable: boolean;
  readonly valueOf: (row: SessionRow) => OrderValue;
  readonly value: z.ZodType<OrderValue>;
  readonly isDate?: true;
}

const milliseconds = z.int().min(0).max(8.64e15);
const ORDERS: Record<SessionOrderField, Order> = {
  CREATED_AT: {
    column: Prisma.sql`s.created_at`,
    nullable: false,
    valueOf: (row) => row.createdAt.getTime(),
    value: milliseconds,
    isDate: true,
  },
  TITLE: { column: Prisma.sql`s.title`, nullable: true, valueOf: (row) => row.title, value: z.string().nullable() },
  TOTAL_DURATION: {
    column: Prisma.sql`s.total_duration`,
    nullable: false,
    valueOf: (row) => row.totalDuration,
    value: z.number(),
  },
  TOTAL_SEGMENTS: {
    column: Prisma.sql`s.total_segments`,
    nullable: false,
    valueOf: (row) => row.totalSegments,
    value: z.number(),
  },
  AVERAGE_CONFIDENCE: {
    column: Prisma.sql`s.average_confidence`,
    nullable: true,
    valueOf: (row) => row.averageConfidence,
    value: z.number().nullable(),
  },
};

/** In the asked order, sessions without a value last in either direction; among equals by id, in the same direction. */
export function listSessions(
  client: PrismaClient,
  filter: SessionFilter,
  order: SessionOrder,
  page: PageRequest,
): Promise<Page<SessionRecord>> {
  return keysetPage(sessionList(client, filter, order), page, toSessionRecord);
}

/** Conditions on `sessions s`. */
export function sessionConditions(filter: SessionFilter): Prisma.Sql[] {
  const conditions: Prisma.Sql[] = [];
  if (filter.statuses !== undefined) {
    const words = filter.statuses.map((status) => sessionStatuses.toColumn(status));
    conditions.push(words.length === 0 ? Prisma.sql`1 = 0` : Prisma.sql`s.status IN (${Prisma.join(words)})`);
  }
  if (filter.externalId !== undefined) conditions.push(Prisma.sql`s.external_id = ${filter.externalId}`);
  if (filter.language !== undefined) conditions.push(Prisma.sql`s.language = ${filter.language}`);
  if (filter.titleContains !== undefined) conditions.push(contains(Prisma.sql`s.title`, filter.titleContains));
  if (filter.from !== undefined) conditions.push(Prisma.sql`s.created_at >= ${filter.from}`);
  if (filter.to !== undefined) conditions.push(Prisma.sql`s.created_at < ${filter.to}`);
  return conditions;
}

/** A run of the order's index: sessions with a value, or those without one, that meet the conditions. */
interface Stretch {
  readonly valued: boolean;
  readonly conditions: readonly Prisma.Sql[];
}

function sessionList(
  client: PrismaClient,
  filter: SessionFilter,
  { field, direction }: SessionOrder,
): KeysetList<SessionRow, SessionKey, Stretch> {
  const order = ORDERS[field];
  const matching = sessionConditions(filter);
  return {
    cursors: cursorFormat(`sessions by ${field}`, z.tuple([order.value, z.string()])),
    keyOf: (row) => [order.valueOf(row), row.id],
    stretches: (range) =>
      (order.nullable ? [true, false] : [true]).flatMap((valued) => {
        const bounds = boundsWithin(order, direction, range, valued);
        return bounds === null ? [] : [{ valued, conditions: [...matching, ...bounds] }];
      }),
    rows: ({ valued, conditions }, limit, fromEnd) => {
      const ascending = (direction === 'ASC') !== fromEnd ? Prisma.sql`ASC` : Prisma.sql`DESC`;
      const byValue = valued ? Prisma.sql`${order.column} ${ascending},` : Prisma.empty;
      return client.$queryRaw<SessionRow[]>`
        SELECT ${SESSION_COLUMNS} FROM sessions s WHERE ${allOf(conditions)}
        ORDER BY ${byValue} s.id ${ascending} LIMIT ${limit}`;
    },
    isEmpty: async ({ conditions }) => {
      const found = await client.$queryRaw<unknown[]>`SELECT 1 FROM sessions s WHERE ${allOf(conditions)} LIMIT 1`;
      return found.length === 0;
    },
  };
}

/** What a range means for the sessions with a value, which come first, or for those without; `null`: it has none of them. */
function boundsWithin(
  { column, nullable, isDate }: Order,
  direction: SessionOrder['direction'],
  { after, before, inclusive }: KeyRange<SessionKey>,
  valued: boolean,
): Prisma.Sql[] | null {
  const isValued = (key: SessionKey) => key[0] !== null;
  const isAhead = valued ? after !== null && !isValued(after) : before !== null && isValued(before);
  if (isAhead) return null;
  const bounds = nullable ? [Prisma.sql`${column} IS ${valued ? Prisma.sql`NOT NULL` : Prisma.sql`NULL`}`] : [];
  const bound = (key: SessionKey | null, forwards: boolean) => {
    if (key === null || isValued(key) !== valued) return;
    const comparison =
      COMPARISONS[(direction === 'ASC') === forwards ? 'above' : 'below'][inclusive ? 'orEqual' : 'only'];
    const [value, id] = key;
    const columnValue = isDate && value !== null ? new Date(value) : value;
    bounds.push(
      valued
        ? Prisma.sql`(${column}, s.id) ${comparison} (${columnValue}, ${id})`
        : Prisma.sql`s.id ${comparison} ${id}`,
    );
  };
  bound(after, true);
  bound(before, false);
  return bounds;
}

const COMPARISONS = {
  above: { only: Prisma.sql`>`, orEqual: Prisma.sql`>=` },
  below: { only: Prisma.sql`<`, orEqual: Prisma.sql`<=` },
} as const;
