import type { Segment, SessionRecord } from '../database/session-records.ts';
import { formatTranscript, type TranscriptFormat } from '../transcripts/transcript-formats.ts';
import type { SessionReader } from './session-reader.ts';

const PAGE = 500;

/**
 * What was said in a session, in a format for people or programs: all finals up to now.
 * @param session as the caller has read it; `json` has it, too, without ids, which mean nothing elsewhere
 */
export async function transcriptOf(
  reader: Pick<SessionReader, 'finalsOf'>,
  session: SessionRecord,
  format: TranscriptFormat,
): Promise<string> {
  const finals = await allFinals(reader, session.id);
  if (format !== 'json') return formatTranscript(format, finals, session);
  const { id: _id, recordingRemovedAt: _removed, nextSequence: _next, journalPosition: _position, ...about } = session;
  const segments = finals.map(
    ({
      id: _segmentId,
      sessionId: _sessionId,
      kind: _kind,
      revision: _revision,
      stableLength: _stable,
      edit,
      ...said
    }) => ({
      ...said,
      ...(edit !== undefined && {
        originalText: edit.original?.text ?? null,
        originalWords: edit.original?.words ?? null,
        ownSpeaker: edit.ownSpeaker,
        editedAt: edit.at,
      }),
    }),
  );
  return formatTranscript(format, segments, about);
}

async function allFinals(reader: Pick<SessionReader, 'finalsOf'>, sessionId: string): Promise<Segment[]> {
  const segments: Segment[] = [];
  for (;;) {
    const afterSequence = segments.at(-1)?.sequence ?? 0;
    const range = { sessionId, afterSequence, beforeSequence: Infinity, limit: PAGE, fromEnd: false };
    const page = await reader.finalsOf(range);
    if (page.length === 0) return segments;
    segments.push(...page);
  }
}
