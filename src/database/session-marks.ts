import type { PrismaClient } from './generated/prisma/client.ts';
import type { ReceivedAudio } from './session-store.ts';
import { DatabaseRefusedError } from './store-errors.ts';
import { endReasons, sessionStatuses } from './vocabulary.ts';

/** What is said about a session from outside of its journal: see `SessionStore` for each. */

export async function rewindCheckpoint(client: PrismaClient, sessionId: string, position: number): Promise<void> {
  await client.session.updateMany({
    where: { id: sessionId, journalPosition: { gt: position } },
    data: { journalPosition: position },
  });
}

export async function markFailed(
  client: PrismaClient,
  sessionId: string,
  at: Date,
  { nextSequence, receivedMs }: ReceivedAudio,
): Promise<void> {
  const status = sessionStatuses.toColumn('FAILED');
  const endReason = endReasons.toColumn('FAILURE');
  await client.$transaction(async (transaction) => {
    const touched = await transaction.$executeRaw`
      UPDATE sessions SET status = ${status}, end_reason = ${endReason}, ended_at = COALESCE(ended_at, ${at}),
        next_sequence = ${nextSequence}, received_ms = ${receivedMs}
      WHERE id = ${sessionId}`;
    if (touched === 0) throw new DatabaseRefusedError(`The database does not have the session ${sessionId}`);
    await transaction.$executeRaw`DELETE FROM segments WHERE session_id = ${sessionId} AND sequence IS NULL`;
  });
}

export async function updateTitle(client: PrismaClient, sessionId: string, title: string | null): Promise<boolean> {
  const { count } = await client.session.updateMany({ where: { id: sessionId }, data: { title } });
  return count > 0;
}

export async function findExpiredRecordings(client: PrismaClient, endedBefore: Date, limit: number): Promise<string[]> {
  const rows = await client.session.findMany({
    where: { recordingRemovedAt: null, endedAt: { lt: endedBefore }, status: sessionStatuses.toColumn('COMPLETED') },
    orderBy: [{ endedAt: 'asc' }, { id: 'asc' }],
    take: limit,
    select: { id: true },
  });
  return rows.map(({ id }) => id);
}

export async function markRecordingRemoved(client: PrismaClient, sessionId: string, at: Date): Promise<void> {
  await client.session.updateMany({ where: { id: sessionId }, data: { recordingRemovedAt: at } });
}
