import { Prisma, type PrismaClient } from './generated/prisma/client.ts';
import { insertStatements } from './segment-rows.ts';
import { progressAssignments } from './session-rows.ts';
import type { Segment } from './session-records.ts';
import type { BatchOutcome, SegmentBatch } from './session-store.ts';
import { DatabaseRefusedError } from './store-errors.ts';

/** A batch does not start where the database's checkpoint stands: whoever made it has another idea of the journal. */
class CheckpointMismatchError extends DatabaseRefusedError {
  override readonly name = 'CheckpointMismatchError';
}

/** A batch that contradicts itself. */
class UnsoundBatchError extends DatabaseRefusedError {
  override readonly name = 'UnsoundBatchError';
}

/** What the moved checkpoint leaves to be looked at. */
interface MovedRow {
  /** Of the finals that were there before the batch. */
  readonly lastSequence: number | bigint | null;
}

/**
 * Applies a sound batch in one transaction, once: its condition on the checkpoint lets no second application through.
 *
 * @throws CheckpointMismatchError when the session's checkpoint is neither at the batch's start nor at or beyond its end
 */
export async function commitBatch(client: PrismaClient, batch: SegmentBatch): Promise<BatchOutcome> {
  return client.$transaction(async (transaction) => {
    const moved = await moveCheckpoint(transaction, batch);
    if (moved === null) return outcomeOfEarlierAttempt(transaction, batch);
    const isRewritten = Number(moved.lastSequence ?? 0) > lastSequenceBefore(batch);
    if (isRewritten) await removeReplaced(transaction, batch);
    await transaction.$executeRaw(deleteInterims(batch));
    // A draft that is shown again may have the id of a final that is not yet written again.
    const interims = isRewritten ? [] : keptInterims(batch);
    for (const statement of insertStatements([...batch.finals, ...interims])) {
      await transaction.$executeRaw(statement);
    }
    if (isRewritten) await recountConfidences(transaction, batch);
    return 'applied';
  });
}

/** `null` when the checkpoint is not where the batch begins. */
async function moveCheckpoint(transaction: Prisma.TransactionClient, batch: SegmentBatch): Promise<MovedRow | null> {
  const [moved] = await transaction.$queryRaw<MovedRow[]>(Prisma.sql`
    ${moveCheckpointOf(batch)}
    RETURNING (SELECT MAX(sequence) FROM segments WHERE session_id = ${batch.sessionId}) AS "lastSequence"`);
  return moved ?? null;
}

/**
 * Makes way for finals that are written again after the checkpoint was put back. Those that no batch has reached yet stay
 * until then; what is beyond a completed session's last final was of a journal that is not the session's any more.
 */
async function removeReplaced(
  transaction: Prisma.TransactionClient,
  { sessionId, finals, session }: SegmentBatch,
): Promise<void> {
  const [first, last] = [finals.at(0), finals.at(-1)];
  if (first !== undefined && last !== undefined) {
    await transaction.$executeRaw`
      DELETE FROM segments WHERE session_id = ${sessionId}
        AND sequence >= ${first.sequence}
        AND (sequence <= ${last.sequence} OR id IN (${Prisma.join(finals.map(({ id }) => id))}))`;
  }
  if (session.status === 'COMPLETED') {
    await transaction.$executeRaw`
      DELETE FROM segments WHERE session_id = ${sessionId} AND sequence > ${session.statistics.totalSegments}`;
  }
}

/** The weight of the session's average, from the rows that the average is of. */
async function recountConfidences(
  transaction: Prisma.TransactionClient,
  { sessionId, session }: SegmentBatch,
): Promise<void> {
  await transaction.$executeRaw`
    UPDATE sessions SET confidence_count =
      (SELECT COUNT(avg_confidence) FROM segments
       WHERE session_id = ${sessionId} AND sequence BETWEEN 1 AND ${session.statistics.totalSegments})
    WHERE id = ${sessionId}`;
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

/** Moves a session's checkpoint from where the batch begins, and with it the session's columns; else no row. */
export function moveCheckpointOf({ sessionId, fromPosition, toPosition, finals, session }: SegmentBatch): Prisma.Sql {
  const withConfidence = finals.filter((segment) => segment.avgConfidence !== null).length;
  return Prisma.sql`
    UPDATE sessions SET ${progressAssignments(session)},
      confidence_count = confidence_count + ${withConfidence},
      journal_position = ${BigInt(toPosition)}
    WHERE id = ${sessionId} AND journal_position = ${BigInt(fromPosition)}`;
}

/** Finals beyond this sequence that are there before the batch are of a journal that is written again. */
export function lastSequenceBefore({ session, finals }: SegmentBatch): number {
  return session.statistics.totalSegments - finals.length;
}

/**
 * Interims have no sequence, which the unique index of (session_id, sequence) finds. One that became final goes with the
 * others and comes back as the final with the same id.
 */
export function deleteInterims({ sessionId }: SegmentBatch): Prisma.Sql {
  return Prisma.sql`DELETE FROM segments WHERE session_id = ${sessionId} AND sequence IS NULL`;
}

/** Completed sessions have no drafts, which those who look for drafts rely on. */
export function keptInterims({ session, interims }: SegmentBatch): readonly Segment[] {
  return session.status === 'COMPLETED' ? [] : interims;
}

/** @throws DatabaseRefusedError when the batch contradicts itself. */
export function requireSound({ sessionId, fromPosition, toPosition, finals, interims }: SegmentBatch): void {
  const misplaced = (segment: Segment): boolean => segment.sessionId !== sessionId;
  if (toPosition < fromPosition)
    throw new UnsoundBatchError(`A batch cannot go back from ${fromPosition} to ${toPosition}`);
  if (toPosition === fromPosition && finals.length > 0) {
    throw new UnsoundBatchError(`A batch with finals must move the checkpoint, or it could be applied twice`);
  }
  if (finals.some(misplaced) || interims.some(misplaced)) {
    throw new UnsoundBatchError(`A batch of session ${sessionId} holds segments of another one`);
  }
  if (finals.some((segment) => segment.kind !== 'FINAL' || segment.sequence === null)) {
    throw new UnsoundBatchError('The finals of a batch need the kind FINAL and a sequence');
  }
  if (interims.some((segment) => segment.kind !== 'INTERIM' || segment.sequence !== null)) {
    throw new UnsoundBatchError('The interims of a batch need the kind INTERIM and no sequence');
  }
}
