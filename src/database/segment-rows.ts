import { z } from 'zod';
import { Prisma, type Segment as SegmentRow } from './generated/prisma/client.ts';
import type { Segment } from './session-store.ts';
import { segmentKinds } from './vocabulary.ts';

export type { SegmentRow };

/** What a raw query selects from `segments g` to get rows like Prisma's own. */
export const SEGMENT_COLUMNS = Prisma.sql`
  g.id, g.session_id AS "sessionId", g.sequence, g.revision, g.kind, g.text,
  g.start_ms AS "startMs", g.end_ms AS "endMs", g.avg_confidence AS "avgConfidence", g.words,
  g.speaker, g.channel, g.created_at AS "createdAt"`;

const storedWords = z.array(
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
  };
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

/** Inserts one segment, given its `segmentValues`. */
export const INSERT_SEGMENT = `INSERT INTO segments (${INSERTED_COLUMNS.join(', ')})
  VALUES (${INSERTED_COLUMNS.map(() => '?').join(', ')})`;

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
  const columns = Prisma.raw(INSERTED_COLUMNS.join(', '));
  const statements: Prisma.Sql[] = [];
  for (let start = 0; start < segments.length; start += ROWS_PER_STATEMENT) {
    const rows = segments.slice(start, start + ROWS_PER_STATEMENT);
    const values = rows.map((segment) => Prisma.sql`(${Prisma.join(segmentValues(segment))})`);
    statements.push(Prisma.sql`INSERT INTO segments (${columns}) VALUES ${Prisma.join(values)}`);
  }
  return statements;
}
