import { z } from 'zod';

const sample = z.number().int().nonnegative();
const share = z.number().min(0).max(1).nullable();

/** How far the audio log was durable when an entry was written: the proof, should the log ever have less. */
const audioEvidence = z.object({
  /** The chunk that was expected next. */
  nextSequence: sample,
  /** Length of the timeline in source frames. */
  receivedFrames: sample,
});
export type AudioEvidence = z.infer<typeof audioEvidence>;

/** What every entry has that decides a part of the timeline. */
const basis = {
  /** All samples before this one are decided, of the entry's channel or, where it has none, of all channels. */
  decidedSample: sample,
  /** Where recognition goes on behind this entry. */
  resume: z.object({ readFromFrame: sample, state: z.unknown() }),
  audio: audioEvidence.optional(),
};

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
    /**
     * From when the audio before `endSample` was acknowledged until this entry was written, in milliseconds; `null` when that
     * is not known, or the audio came faster than it was spoken (see `ArrivalTimes`). A figure about the server, on which
     * nothing depends: an entry that is derived again may have another one.
     */
    latencyMs: z.number().int().nonnegative().nullable().default(null),
    ...basis,
  }),
  z.object({
    type: z.literal('silence'),
    channel: sample,
    /** How much of it sounded like speech. */
    speechSamples: sample.default(0),
    ...basis,
  }),
  /** The client declared that it lost this stretch: of all channels. */
  z.object({ type: z.literal('gap'), startSample: sample, endSample: sample, ...basis }),
  /** Acknowledged audio that could not be transcribed: its record is damaged, or the recogniser fails on it each time. */
  z.object({
    type: z.literal('failed'),
    /** The one that it failed on; `null`: all of them. */
    channel: sample.nullable().default(null),
    startSample: sample,
    endSample: sample,
    ...basis,
  }),
  /** Everything up to the end of the audio is decided. */
  z.object({
    type: z.literal('ended'),
    reason: z.enum(['CLIENT', 'IDLE_TIMEOUT', 'MAX_DURATION', 'FAILURE']),
    at: z.iso.datetime(),
    ...basis,
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
