import { z } from 'zod';

const share = z.number().nullable();

/** The fields of a session that the command line asks for. */
export const SESSION_FIELDS = `
  id externalId title status endReason language createdAt endedAt nextSequence
  audioFormat { encoding sampleRate channels }
  speakers
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
  /** By channel; `null`: nobody is named. */
  speakers: z.array(z.string().nullable()),
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
