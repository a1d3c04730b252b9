import { Prisma, type PrismaClient } from './generated/prisma/client.ts';
import { insertStatements } from './segment-rows.ts';
import { progressAssignments } from './session-rows.ts';
import type { BatchOutcome, Segment, SegmentBatch } from './session-store.ts';

/** A batch does not start where the database's checkpoint stands: whoever made it has another idea of the journal. */
export class CheckpointMismatchError extends Error {
  override readonly name = 'CheckpointMismatchError';
}

/**
 * Applies a batch in one transaction, once: its condition on the checkpoint lets no second application through.
 *
 * @throws CheckpointMismatchError when the session's checkpoint is neither at the batch's start nor at or beyond its end
 */
export async function commitBatch(client: PrismaClient, batch: SegmentBatch): Promise<BatchOutcome> {
  requireSound(batch);
  return client.$transaction(async (transaction) => {
    const moved = await moveCheckpoint(transaction, batch);
    if (!moved) return outcomeOfEarlierAttempt(transaction, batch);
    // Interims have no sequence, which the unique index of (session_id, sequence) finds. One that became final goes
    // with the others and comes back as the final with the same id.
    await transaction.$executeRaw`DELETE FROM segments WHERE session_id = ${batch.sessionId} AND sequence IS NULL`;
    for (const statement of insertStatements([...batch.finals, ...batch.interims])) {
      await transaction.$executeRaw(statement);
    }
    return 'applied';
  });
}

async function moveCheckpoint(transaction: Prisma.TransactionClient, batch: SegmentBatch): Promise<boolean> {
  const withConfidence = batch.finals.filter((segment) => segment.avgConfidence !== null).length;
  const touched = await transaction.$executeRaw(Prisma.sql`
    UPDATE sessions SET ${progressAssignments(batch.session)},
      confidence_count = confidence_count + ${withConfidence},
      journal_position = ${BigInt(batch.toPosition)}
    WHERE id = ${batch.sessionId} AND journal_position = ${BigInt(batch.fromPosition)}`);
  return touched === 1;
}

async function outcomeOfEarlierAttempt(
  transaction: Prisma.TransactionClient,
  { sessionId, fromPosition, toPosition }: SegmentBatch,
): Promise<BatchOutcome> {
  const session = await transaction.session.findUnique({ where: { id: sessionId }, select: { journalPosition: true } });
  if (session !== null && session.journalPosition >= toPosition) return 'already-applied';
  throw new CheckpointMismatchError(
    session === null
      ? `The batch from ${fromPosition} to ${toPosition} is for the session ${sessionId}, which the database does not have`
      : `The checkpoint of session ${sessionId} is at ${session.journalPosition}, not at ${fromPosition}, where the batch to ${toPosition} starts`,
  );
}

function requireSound({ sessionId, fromPosition, toPosition, finals, interims }: SegmentBatch): void {
  const misplaced = (segment: Segment): boolean => segment.sessionId !== sessionId;
  if (toPosition < fromPosition) throw new RangeError(`A batch cannot go back from ${fromPosition} to ${toPosition}`);
  if (toPosition === fromPosition && finals.length > 0) {
    throw new RangeError(`A batch with finals must move the checkpoint, or it could be applied twice`);
  }
  if (finals.some(misplaced) || interims.some(misplaced)) {
    throw new RangeError(`A batch of session ${sessionId} holds segments of another one`);
  }
  if (finals.some((segment) => segment.kind !== 'FINAL' || segment.sequence === null)) {
    throw new RangeError('The finals of a batch need the kind FINAL and a sequence');
  }
  if (interims.some((segment) => segment.kind !== 'INTERIM' || segment.sequence !== null)) {
    throw new RangeError('The interims of a batch need the kind INTERIM and no sequence');
  }
}
