import type { SessionStatistics } from '../database/session-records.ts';
import { builder } from './builder.ts';

/** What `averageLatencyMs` is, wherever it stands. */
export const LATENCY =
  "Final latency, in milliseconds: how long after somebody had stopped speaking the words were there for good. Mean over final segments of the time from the acknowledgement of the segment's last audio (before its `endMs`, which is up to 0.2 s behind the last sound) until the segment was written to the session's journal, which the silence that shows its end is part of. Left out are those of which it is not known: whose audio came faster than it was spoken (an upload, or what was sent after a network was away), or came before the server was started last.";

export const SessionStatisticsRef = builder.objectRef<SessionStatistics>('SessionStatistics').implement({
  description:
    'Figures of a session, from its final segments only, as the recogniser wrote them: what people change later does not count. A figure without data is null.',
  fields: (t) => ({
    totalSegments: t.exposeInt('totalSegments', { description: 'Final segments.' }),
    averageConfidence: t.exposeFloat('averageConfidence', {
      nullable: true,
      description: "Mean of the final segments' `avgConfidence`, 0 to 1; null while none has one.",
    }),
    totalDuration: t.exposeFloat('totalDuration', {
      description: 'Seconds from the earliest start of a final segment to the latest end of one; 0 without one.',
    }),
    wordCount: t.exposeInt('wordCount', { description: 'Words: what stands between white space.' }),
    speakingDuration: t.exposeFloat('speakingDuration', {
      description:
        "Sum of the final segments' lengths, in seconds; where two channels speak at the same time, both count.",
    }),
    wordsPerMinute: t.exposeFloat('wordsPerMinute', {
      nullable: true,
      description: 'Words per minute of speaking (not of recording); null without speech.',
    }),
    averageLatencyMs: t.exposeFloat('averageLatencyMs', {
      nullable: true,
      description: `${LATENCY} It is null while that is not known of any.`,
    }),
  }),
});
