import { deleteInterims, keptInterims, lastSequenceBefore, moveCheckpointOf } from './commit-batch.ts';
import { Prisma } from './generated/prisma/client.ts';
import { insertStatement, segmentValues } from './segment-rows.ts';
import type { Segment } from './session-records.ts';
import type { SegmentBatch } from './session-store.ts';
import type { GuardedTransaction, SqliteValue } from './sqlite-messages.ts';

/** Carries out a transaction; `false` when its guard did not let it through. */
export type Transact = (transaction: GuardedTransaction) => Promise<boolean>;

/**
 * In one statement: with each, the index of what was said is flushed, which costs as much as a row. Of more, the thread would
 * keep too many statements, one for each number.
 */
const ROWS_PER_STATEMENT = 50;

/**
 * The short way of a batch that only goes on from what is stored, as nearly all do, of a session in which nobody has changed
 * anything: the statements of `commitBatch` in one message. Moving the checkpoint is the guard, so it is applied once, too.
 *
 * @returns false when it is no such batch, or was applied before, or its checkpoint is not the stored one; nothing was
 *   changed then, and `commitBatch` tells which it is.
 */
export function appendBatch(transact: Transact, batch: SegmentBatch): Promise<boolean> {
  const guard = Prisma.sql`${moveCheckpointOf(batch)}
    AND NOT EXISTS (SELECT 1 FROM segments WHERE session_id = ${batch.sessionId} AND sequence > ${lastSequenceBefore(batch)})
    AND original_speakers IS NULL AND NOT EXISTS (SELECT 1 FROM segment_edits WHERE session_id = ${batch.sessionId})`;
  const removal = deleteInterims(batch);
  return transact({
    guard: { sql: guard.sql, values: guard.values.map(toSqlite) },
    steps: [
      { sql: removal.sql, runs: [removal.values.map(toSqlite)] },
      ...insertions([...batch.finals, ...keptInterims(batch)]),
    ],
  });
}

function insertions(segments: readonly Segment[]): GuardedTransaction['steps'] {
  const steps: GuardedTransaction['steps'][number][] = [];
  for (let start = 0; start < segments.length; start += ROWS_PER_STATEMENT) {
    const rows = segments.slice(start, start + ROWS_PER_STATEMENT);
    const values = rows.flatMap((segment) => segmentValues(segment).map(toSqlite));
    steps.push({ sql: insertStatement(rows.length), runs: [values] });
  }
  return steps;
}

/** As Prisma's adapter puts values into columns. @throws TypeError for what has no place in one. */
function toSqlite(value: unknown): SqliteValue {
  if (value === null) return null;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') return value;
  if (value instanceof Date) return value.toISOString().replace('Z', '+00:00');
  throw new TypeError(`A column can't hold a value of the type ${typeof value}`);
}
