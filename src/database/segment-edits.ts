import { Prisma, type PrismaClient, type SegmentEdit as SegmentEditRow } from './generated/prisma/client.ts';
import { storedWords } from './segment-rows.ts';
import type { SegmentEdit, SpeakerNames, Transcribed } from './session-records.ts';
import type { SegmentChange } from './session-store.ts';
import { speakersColumn, toSpeakerNames } from './session-rows.ts';

/** What people change of segments: see `SessionStore` for each. */

/** In one transaction with the segment's row, if it is there: an edit that was answered is in both, and on the disk. */
export function editSegment(client: PrismaClient, change: SegmentChange): Promise<SegmentEdit | null> {
  return client.$transaction(async (transaction) => {
    if ((await transaction.$executeRaw(keepEdit(change))) === 0) return null;
    await transaction.$executeRaw(showEdit(change.segmentId));
    return toEdit(await transaction.segmentEdit.findUniqueOrThrow({ where: { segmentId: change.segmentId } }));
  });
}

/** Changes no row when there is no such session. */
function keepEdit({ segmentId, sessionId, transcribed, speaker, revision, at }: SegmentChange): Prisma.Sql {
  const changed = [
    ...(transcribed === undefined ? [] : [Prisma.sql`text = excluded.text, words = excluded.words`]),
    ...(speaker === undefined ? [] : [Prisma.sql`speaker = excluded.speaker`]),
    Prisma.sql`revision = MAX(revision + 1, excluded.revision), edited_at = excluded.edited_at`,
  ];
  const words = transcribed === undefined || transcribed === null ? null : JSON.stringify(transcribed.words);
  return Prisma.sql`
    INSERT INTO segment_edits (segment_id, session_id, text, words, speaker, revision, edited_at)
    SELECT ${segmentId}, id, ${transcribed?.text ?? null}, ${words}, ${speaker ?? null}, ${revision + 1}, ${at}
    FROM sessions WHERE id = ${sessionId}
    ON CONFLICT (segment_id) DO UPDATE SET ${Prisma.join(changed)}`;
}

/** Brings the row of a final to what `segment_edits` says, as `insertStatements` do with a row that is written later. */
function showEdit(segmentId: string): Prisma.Sql {
  return Prisma.sql`
    UPDATE segments SET
      text = COALESCE(e.text, original_text, segments.text),
      words = COALESCE(e.words, original_words, segments.words),
      original_text = CASE WHEN e.text IS NOT NULL THEN COALESCE(original_text, segments.text) END,
      original_words = CASE WHEN e.text IS NOT NULL THEN COALESCE(original_words, segments.words) END,
      own_speaker = e.speaker,
      speaker = COALESCE(e.speaker, (SELECT speakers ->> channel FROM sessions WHERE id = segments.session_id)),
      revision = MAX(segments.revision, e.revision),
      edited_at = CASE WHEN e.text IS NOT NULL OR e.speaker IS NOT NULL THEN e.edited_at END
    FROM segment_edits e
    WHERE e.segment_id = segments.id AND segments.id = ${segmentId} AND kind = 'final'`;
}

export async function editsOf(client: PrismaClient, sessionId: string): Promise<SegmentEdit[]> {
  const rows = await client.segmentEdit.findMany({ where: { sessionId } });
  return rows.map(toEdit);
}

export function renameSpeaker(
  client: PrismaClient,
  sessionId: string,
  channel: number,
  name: string | null,
): Promise<SpeakerNames | null> {
  return client.$transaction(async (transaction) => {
    const row = await transaction.session.findUnique({
      where: { id: sessionId },
      select: { speakers: true, originalSpeakers: true, channels: true },
    });
    if (row === null || channel >= row.channels) return null;
    const before = toSpeakerNames(row);
    const { originalSpeakers } = before;
    const shown = name ?? originalSpeakers[channel] ?? null;
    const speakers = before.speakers.with(channel, shown);
    await transaction.session.update({
      where: { id: sessionId },
      data: {
        speakers: speakersColumn(speakers),
        // Also when it says the same: there may be batches with names that were changed meanwhile.
        originalSpeakers: [...originalSpeakers],
      },
      select: { id: true },
    });
    await transaction.$executeRaw`
      UPDATE segments SET speaker = ${shown}
      WHERE session_id = ${sessionId} AND channel = ${channel} AND own_speaker IS NULL AND speaker IS NOT ${shown}`;
    return { speakers, originalSpeakers };
  });
}

function toEdit(row: SegmentEditRow): SegmentEdit {
  const { segmentId, text, words, speaker, revision, editedAt } = row;
  const transcribed: Transcribed | null = text === null ? null : { text, words: storedWords.parse(words) };
  return { segmentId, transcribed, speaker, revision, at: editedAt };
}
