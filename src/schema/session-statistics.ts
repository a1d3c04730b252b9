import type { SessionStatistics } from '../database/session-store.ts';
import { builder } from './builder.ts';

export const SessionStatisticsRef = builder.objectRef<SessionStatistics>('SessionStatistics').implement({
  description: 'Figures of a session, from its final segments only. A figure without data is null.',
  fields: (t) => ({
    totalSegments: t.exposeInt('totalSegments', { description: 'Final segments.' }),
    averageConfidence: t.exposeFloat('averageConfidence', {
      nullable: true,
      description: "Mean of the final segments' `avgConfidence`, 0 to 1; null while none has one.",
    }),
    totalDuration: t.exposeFloat('totalDuration', {
      description: 'Seconds from the start of the first final segment to the end of the last; 0 without one.',
    }),
    wordCount: t.exposeInt('wordCount', { description: 'Words: what stands between white space.' }),
    speakingDuration: t.exposeFloat('speakingDuration', {
      description: "Sum of the final segments' lengths, in seconds.",
    }),
    wordsPerMinute: t.exposeFloat('wordsPerMinute', {
      nullable: true,
      description: 'Words per minute of speaking (not of recording); null without speech.',
    }),
  }),
});
