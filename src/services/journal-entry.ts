import { z } from 'zod';

const sample = z.number().int().nonnegative();
const share = z.number().min(0).max(1).nullable();
const resume = z.object({ readFromFrame: sample, state: z.unknown() });

const entry = z.discriminatedUnion('type', [
  /** First of a journal, and again whenever a restart found another recogniser or other settings. */
  z.object({
    type: z.literal('recogniser'),
    at: z.iso.datetime(),
    engine: z.string(),
    modelHash: z.string(),
    settings: z.record(z.string(), z.union([z.number(), z.string()])),
  }),
  z.object({
    type: z.literal('final'),
    /** Counts the session's finals from 1. */
    sequence: z.number().int().positive(),
    channel: sample,
    startSample: sample,
    endSample: sample,
    text: z.string(),
    words: z.array(
      z.object({ text: z.string(), startSample: sample.nullable(), endSample: sample.nullable(), confidence: share }),
    ),
    confidence: share,
    revision: sample,
    createdAt: z.iso.datetime(),
    decidedSample: sample,
    resume,
  }),
  z.object({ type: z.literal('silence'), channel: sample, decidedSample: sample, resume }),
  /** The client declared that it lost this stretch. */
  z.object({ type: z.literal('gap'), startSample: sample, endSample: sample, decidedSample: sample, resume }),
  /** Acknowledged audio that could not be transcribed: its record in the audio log is damaged. */
  z.object({ type: z.literal('failed'), startSample: sample, endSample: sample, decidedSample: sample, resume }),
  /** Everything up to the end of the audio is decided. */
  z.object({
    type: z.literal('ended'),
    reason: z.enum(['CLIENT', 'IDLE_TIMEOUT', 'MAX_DURATION', 'FAILURE']),
    at: z.iso.datetime(),
    decidedSample: sample,
    resume,
  }),
  /** Audio came after the session had been ended for idleness. */
  z.object({ type: z.literal('reopened'), at: z.iso.datetime() }),
]);

/** One line of a session's journal: something derived from its audio that will not change any more. */
export type JournalEntry = z.infer<typeof entry>;
export type FinalEntry = Extract<JournalEntry, { type: 'final' }>;

/** @throws when the value is no journal entry. */
export function parseJournalEntry(value: unknown): JournalEntry {
  return entry.parse(value);
}
