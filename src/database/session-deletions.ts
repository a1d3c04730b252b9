import type { PrismaClient } from './generated/prisma/client.ts';

/** How a session goes for good: see `SessionStore` for each. */

export async function deleteSession(client: PrismaClient, sessionId: string, at: Date): Promise<boolean> {
  return client.$transaction(async (transaction) => {
    // Its segments go with it.
    const { count } = await transaction.session.deleteMany({ where: { id: sessionId } });
    if (count === 0) return false;
    await transaction.sessionDeletion.create({ data: { sessionId, deletedAt: at }, select: { sessionId: true } });
    return true;
  });
}

export async function findDeletedSessions(client: PrismaClient): Promise<string[]> {
  const rows = await client.sessionDeletion.findMany({ select: { sessionId: true } });
  return rows.map(({ sessionId }) => sessionId);
}

export async function forgetDeletedSession(client: PrismaClient, sessionId: string): Promise<void> {
  await client.sessionDeletion.deleteMany({ where: { sessionId } });
}
