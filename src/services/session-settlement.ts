import { setTimeout as delay } from 'node:timers/promises';
import type { SessionStore } from '../database/session-store.ts';
import { DatabaseUnavailableError } from '../database/store-errors.ts';
import type { Logger } from './logger.ts';
import type { OpenSession } from './open-session.ts';
import { SegmentsRefusedError, type SegmentWriter } from './segment-writer.ts';
import { statisticsOf } from './statistics.ts';

export interface SettlementParts {
  readonly store: Pick<SessionStore, 'markFailed'>;
  readonly writer: Pick<SegmentWriter, 'flush'>;
  readonly logger: Logger;
}

/** Between two attempts to tell the database that a session failed, in milliseconds. */
const MARK_RETRY_MS = 5_000;

/**
 * Brings a session's end into the database: it is completed or, should the database refuse its segments for good, failed.
 * Resolves when the database has it.
 * @param isStopping true: no waiting for a database that is away
 * @throws when the writer or the waiting was stopped
 */
export async function settleSession(
  session: OpenSession,
  { store, writer, logger }: SettlementParts,
  isStopping: () => boolean,
): Promise<void> {
  const sessionId = session.id;
  try {
    await writer.flush(session);
    const { totalSegments, averageConfidence } = statisticsOf(session.state.sums);
    logger.info(
      { sessionId, finals: totalSegments, averageConfidence, endReason: session.endReason },
      'session completed',
    );
  } catch (error) {
    if (!(error instanceof SegmentsRefusedError)) throw error;
    await markFailed(session, store, isStopping);
    logger.error({ sessionId, err: error }, 'session failed: its segments stand in its journal only');
  }
}

async function markFailed(
  { id, audio, receivedMs }: OpenSession,
  store: SettlementParts['store'],
  isStopping: () => boolean,
): Promise<void> {
  for (;;) {
    try {
      await store.markFailed(id, new Date(), { nextSequence: audio.nextSequence, receivedMs });
      return;
    } catch (error) {
      if (isStopping() || !(error instanceof DatabaseUnavailableError)) throw error;
      await delay(MARK_RETRY_MS, undefined, { ref: false });
    }
  }
}
