import { z } from 'zod';
import { Prisma, type Segment as SegmentRow } from './generated/prisma/client.ts';
import type { AppliedEdit, Segment } from './session-records.ts';
import { segmentKinds } from './vocabulary.ts';

export type { SegmentRow };

/** What a raw query selects from `segments g` to get rows like Prisma's own. */
export const SEGMENT_COLUMNS = Prisma.sql`
  g.id, g.session_id AS "sessionId", g.sequence, g.revision, g.kind, g.text,
  g.start_ms AS "startMs", g.end_ms AS "endMs", g.avg_confidence AS "avgConfidence", g.words,
  g.speaker, g.channel, g.created_at AS "createdAt",
  g.original_text AS "originalText", g.original_words AS "originalWords", g.own_speaker AS "ownSpeaker",
  g.edited_at AS "editedAt"`;

export const storedWords = z.array(
  z.object({
    text: z.string(),
    startMs: z.number().nullable(),
    endMs: z.number().nullable(),
    confidence: z.number().nullable(),
  }),
);

export function toSegment(row: SegmentRow): Segment {
  return {
    id: row.id,
    sessionId: row.sessionId,
    sequence: row.sequence,
    revision: row.revision,
    kind: segmentKinds.fromColumn(row.kind),
    text: row.text,
    startMs: row.startMs,
    endMs: row.endMs,
    avgConfidence: row.avgConfidence,
    words: storedWords.parse(row.words),
    speaker: row.speaker,
    channel: row.channel,
    createdAt: row.createdAt,
    ...(row.editedAt !== null && { edit: appliedEdit(row, row.editedAt) }),
  };
}

function appliedEdit({ originalText, originalWords, ownSpeaker }: SegmentRow, at: Date): AppliedEdit {
  const original = originalText === null ? null : { text: originalText, words: storedWords.parse(originalWords) };
  return { original, ownSpeaker, at };
}

/** What a new row is given, in the order of `segmentValues`. */
const INSERTED_COLUMNS = [
  'id',
  'session_id',
  'sequence',
  'revision',
  'kind',
  'text',
  'start_ms',
  'end_ms',
  'avg_confidence',
  'words',
  'speaker',
  'channel',
  'created_at',
] as const;

/**
 * What is inserted of `rows`, of which each is a list of the `INSERTED_COLUMNS`: the segments as people are to see them. What a
 * person has changed of a final stands in `segment_edits`, and who speaks in the session's row, whatever was known of both
 * when the batch was made.
 */
const INSERT_AS_EDITED = {
  before: `INSERT INTO segments (${INSERTED_COLUMNS.join(', ')}, original_text, original_words, own_speaker, edited_at)
    SELECT r.id, r.session_id, r.sequence, MAX(r.revision, COALESCE(e.revision, 0)), r.kind,
      COALESCE(e.text, r.text), r.start_ms, r.end_ms, r.avg_confidence, COALESCE(e.words, r.words),
      COALESCE(e.speaker, s.speakers ->> CAST(r.channel AS INTEGER)), r.channel, r.created_at,
      CASE WHEN e.text IS NOT NULL THEN r.text END, CASE WHEN e.text IS NOT NULL THEN r.words END, e.speaker,
      CASE WHEN e.text IS NOT NULL OR e.speaker IS NOT NULL THEN e.edited_at END
    FROM (SELECT ${INSERTED_COLUMNS.map((name, index) => `column${index + 1} AS ${name}`).join(', ')} FROM (VALUES `,
  after: `)) r
    LEFT JOIN sessions s ON s.id = r.session_id
    LEFT JOIN segment_edits e ON e.segment_id = r.id AND r.kind = 'final'`,
} as const;

/** Inserts so many segments, given the `segmentValues` of each, of a session in which nobody has changed anything. */
export function insertStatement(segments: number): string {
  const row = `(${INSERTED_COLUMNS.map(() => '?').join(', ')})`;
  return `INSERT INTO segments (${INSERTED_COLUMNS.join(', ')}) VALUES ${Array.from({ length: segments }, () => row).join(', ')}`;
}

type ColumnValue = string | number | Date | null;

/** What `segment` has for each of the columns of a new row. */
export function segmentValues(segment: Segment): ColumnValue[] {
  return [
    segment.id,
    segment.sessionId,
    segment.sequence,
    segment.revision,
    segmentKinds.toColumn(segment.kind),
    segment.text,
    segment.startMs,
    segment.endMs,
    segment.avgConfidence,
    JSON.stringify(segment.words),
    segment.speaker,
    segment.channel,
    segment.createdAt,
  ];
}

/** Keeps the statement's parameters (13 for a row) far below SQLite's limit of 32,766. */
const ROWS_PER_STATEMENT = 500;

/** The statements that insert `segments`; raw, because Prisma's `createMany` takes some five times as long. */
export function insertStatements(segments: readonly Segment[]): Prisma.Sql[] {
  const statements: Prisma.Sql[] = [];
  for (let start = 0; start < segments.length; start += ROWS_PER_STATEMENT) {
    const rows = segments.slice(start, start + ROWS_PER_STATEMENT);
    const values = rows.map((segment) => Prisma.sql`(${Prisma.join(segmentValues(segment))})`);
    statements.push(Prisma.join(values, ', ', INSERT_AS_EDITED.before, INSERT_AS_EDITED.after));
  }
  return statements;
}
