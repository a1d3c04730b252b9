import { Prisma } from './generated/prisma/client.ts';

/** All of `conditions`; true when there is none. */
export function allOf(conditions: readonly Prisma.Sql[]): Prisma.Sql {
  return conditions.length === 0 ? Prisma.sql`1 = 1` : Prisma.join([...conditions], ' AND ', '(', ')');
}

/** Whether `column` contains `part`, whatever characters that has; ASCII letters match in either case. */
export function contains(column: Prisma.Sql, part: string): Prisma.Sql {
  const pattern = `%${part.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
  return Prisma.sql`${column} LIKE ${pattern} ESCAPE '\\'`;
}
