import { z } from 'zod';
import { cursorFormat } from './cursors.ts';
import { Prisma, type PrismaClient } from './generated/prisma/client.ts';
import { type KeysetList, keysetPage } from './keyset-page.ts';
import { SESSION_COLUMNS, type SessionRow, toSessionRecord } from './session-rows.ts';
import type {
  Page,
  PageRequest,
  SessionFilter,
  SessionOrder,
  SessionOrderField,
  SessionRecord,
} from './session-store.ts';
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

/** In the asked order, sessions without a value last in either direction; among equals by id. */
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

function sessionList(
  client: PrismaClient,
  filter: SessionFilter,
  { field, direction }: SessionOrder,
): KeysetList<SessionRow, SessionKey> {
  const order = ORDERS[field];
  const matching = sessionConditions(filter);
  const exists = async (condition: Prisma.Sql): Promise<boolean> => {
    const found = await client.$queryRaw<unknown[]>`
      SELECT 1 FROM sessions s WHERE ${allOf([...matching, condition])} LIMIT 1`;
    return found.length > 0;
  };
  return {
    cursors: cursorFormat(`sessions by ${field}`, z.tuple([order.value, z.string()])),
    keyOf: (row) => [order.valueOf(row), row.id],
    rows: ({ after, before }, limit, fromEnd) => {
      const conditions = [...matching];
      if (after !== null) conditions.push(follows(order, direction, after, Prisma.sql`>`));
      if (before !== null) conditions.push(precedes(order, direction, before, Prisma.sql`<`));
      return client.$queryRaw<SessionRow[]>`
        SELECT ${SESSION_COLUMNS} FROM sessions s WHERE ${allOf(conditions)}
        ORDER BY ${ordering(order, direction, fromEnd)} LIMIT ${limit}`;
    },
    existsAtOrBefore: (key) => exists(precedes(order, direction, key, Prisma.sql`<=`)),
    existsAtOrAfter: (key) => exists(follows(order, direction, key, Prisma.sql`>=`)),
  };
}

function ordering({ column, nullable }: Order, direction: SessionOrder['direction'], fromEnd: boolean): Prisma.Sql {
  const ascending = (direction === 'ASC') !== fromEnd ? Prisma.sql`ASC` : Prisma.sql`DESC`;
  const forwards = fromEnd ? Prisma.sql`DESC` : Prisma.sql`ASC`;
  const nullsLast = nullable ? Prisma.sql`${column} IS NULL ${forwards},` : Prisma.empty;
  return Prisma.sql`${nullsLast} ${column} ${ascending}, s.id ${forwards}`;
}

/** Behind `key`; `compareIds` (`>` or `>=`) decides about the key itself. The outer bound lets an index be used. */
function follows(
  { column, nullable, isDate }: Order,
  direction: SessionOrder['direction'],
  [value, id]: SessionKey,
  compareIds: Prisma.Sql,
): Prisma.Sql {
  if (value === null) return Prisma.sql`(${column} IS NULL AND s.id ${compareIds} ${id})`;
  const bound = isDate ? new Date(value) : value;
  const beyond = direction === 'ASC' ? Prisma.sql`>` : Prisma.sql`<`;
  const within = Prisma.sql`${column} ${beyond}= ${bound} AND (${column} ${beyond} ${bound} OR s.id ${compareIds} ${id})`;
  return nullable ? Prisma.sql`(${column} IS NULL OR (${within}))` : Prisma.sql`(${within})`;
}

/** Before `key`; `compareIds` (`<` or `<=`) decides about the key itself. */
function precedes(
  { column, isDate }: Order,
  direction: SessionOrder['direction'],
  [value, id]: SessionKey,
  compareIds: Prisma.Sql,
): Prisma.Sql {
  if (value === null) return Prisma.sql`(${column} IS NOT NULL OR s.id ${compareIds} ${id})`;
  const bound = isDate ? new Date(value) : value;
  const beyond = direction === 'ASC' ? Prisma.sql`<` : Prisma.sql`>`;
  return Prisma.sql`(${column} ${beyond}= ${bound} AND (${column} ${beyond} ${bound} OR s.id ${compareIds} ${id}))`;
}
