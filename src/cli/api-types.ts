import { z } from 'zod';

const share = z.number().nullable();

const word = z.object({
  text: z.string(),
  startMs: z.number().nullable(),
  endMs: z.number().nullable(),
  confidence: share,
});

/** The fields of a segment that the command line asks for. */
export const SEGMENT_FIELDS = `
  id sequence revision kind text startMs endMs avgConfidence speaker channel createdAt cursor
  words { text startMs endMs confidence }`;

export const transcriptSegment = z.object({
  id: z.string(),
  /** `null` for an interim. */
  sequence: z.int().nullable(),
  revision: z.int(),
  kind: z.enum(['INTERIM', 'FINAL']),
  text: z.string(),
  /** Milliseconds from the session's first sample. */
  startMs: z.int().nonnegative(),
  endMs: z.int().nonnegative(),
  /** 0..1, or `null` when the recogniser gives none. */
  avgConfidence: share,
  speaker: z.string().nullable(),
  channel: z.int(),
  createdAt: z.string(),
  /** Where a subscription resumes after this final; `null` for an interim. */
  cursor: z.string().nullable(),
  words: z.array(word),
});
export type TranscriptSegment = z.infer<typeof transcriptSegment>;

/** The fields of a session that the command line asks for. */
export const SESSION_FIELDS = `
  id externalId title status endReason language createdAt endedAt nextSequence
  audioFormat { encoding sampleRate channels }
  statistics { totalSegments averageConfidence totalDuration wordCount speakingDuration wordsPerMinute }
  coverage { receivedMs transcribedMs silenceMs gapMs failedMs pendingMs }`;

export const sessionDetails = z.object({
  id: z.string(),
  externalId: z.string().nullable(),
  title: z.string().nullable(),
  status: z.enum(['ACTIVE', 'FINALIZING', 'COMPLETED', 'FAILED']),
  endReason: z.string().nullable(),
  language: z.string(),
  createdAt: z.string(),
  endedAt: z.string().nullable(),
  /** The chunk expected next. */
  nextSequence: z.int().nonnegative(),
  audioFormat: z.object({ encoding: z.string(), sampleRate: z.int(), channels: z.int() }),
  statistics: z.object({
    totalSegments: z.int(),
    averageConfidence: share,
    /** Seconds. */
    totalDuration: z.number(),
    wordCount: z.int(),
    /** Seconds. */
    speakingDuration: z.number(),
    wordsPerMinute: share,
  }),
  /** Milliseconds. */
  coverage: z.object({
    receivedMs: z.int(),
    transcribedMs: z.int(),
    silenceMs: z.int(),
    gapMs: z.int(),
    failedMs: z.int(),
    pendingMs: z.int(),
  }),
});
export type SessionDetails = z.infer<typeof sessionDetails>;

export const pageInfo = z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() });
