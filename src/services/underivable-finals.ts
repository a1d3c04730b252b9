import { msToFrames } from '../audio/format.ts';
import type { SessionStore } from '../database/session-store.ts';
import { LogDamagedError } from '../log/storage-errors.ts';
import type { OpenSession } from './open-session.ts';

const PAGE_FINALS = 500;

/**
 * To be asked before a session's checkpoint is put back: the finals that its journal lost are derived again from the audio,
 * and replace those in the database. Where the audio is lost as well, the database has the only ones.
 * @throws LogDamagedError when the database has such a final.
 */
export async function requireDerivable(
  store: Pick<SessionStore, 'finalsBySequence'>,
  { id, record, audio, state }: OpenSession,
): Promise<void> {
  const { sampleRate } = record.audioFormat;
  if (audio.damagedRanges.length === 0) return;
  let afterSequence = state.lastSequence;
  for (;;) {
    const page = { sessionId: id, afterSequence, beforeSequence: Infinity, limit: PAGE_FINALS, fromEnd: false };
    const [finals = []] = await store.finalsBySequence([page]);
    for (const { sequence, startMs, endMs } of finals) {
      const [start, end] = [msToFrames(startMs, sampleRate), msToFrames(endMs, sampleRate)];
      if (audio.damagedRanges.some(({ startFrame, frames }) => startFrame < end && start < startFrame + frames)) {
        throw new LogDamagedError(
          `Session ${id} lost journal entries and the audio of its final ${sequence}, which only the database has now: put the session's folder of a backup in place`,
        );
      }
      afterSequence = sequence ?? afterSequence;
    }
    if (finals.length < PAGE_FINALS) return;
  }
}
