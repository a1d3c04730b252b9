import type { DayTotals, Totals } from '../database/session-store.ts';
import { builder } from './builder.ts';
import { LATENCY } from './session-statistics.ts';
import { SessionFilterInput, toSessionFilter } from './session-filter.ts';

const RECORDED = 'Length of all recordings, in seconds.';
const SPEAKING = "Sum of the final segments' lengths, in seconds.";
const CONFIDENCE = "Mean of the final segments' `avgConfidence`, 0 to 1; null without one.";

const CONFIDENCE_COUNT =
  'Final segments that have a confidence: the weight of `averageConfidence` when days are put together.';
const LATENCY_COUNT =
  'Final segments whose latency is known: the weight of `averageLatencyMs` when days are put together.';
const WORDS_PER_MINUTE = 'Words per minute of speaking (not of recording); null without speech.';
const AVERAGE_LATENCY = `${LATENCY} Null where that is not known of any.`;

const DayStatisticsRef = builder.objectRef<DayTotals>('DayStatistics').implement({
  description: 'Figures of the sessions that were started on one day.',
  fields: (t) => ({
    day: t.exposeString('day', { description: 'Calendar day in the time zone that was asked for, `YYYY-MM-DD`.' }),
    totalSessions: t.exposeInt('sessions', { description: 'Sessions started.' }),
    totalSegments: t.exposeInt('segments', { description: 'Final segments.' }),
    wordCount: t.exposeInt('words', { description: 'Words.' }),
    recordedDuration: t.exposeFloat('recordedDuration', { description: RECORDED }),
    speakingDuration: t.exposeFloat('speakingDuration', { description: SPEAKING }),
    averageConfidence: t.exposeFloat('averageConfidence', { nullable: true, description: CONFIDENCE }),
    confidenceCount: t.exposeInt('confidenceCount', { description: CONFIDENCE_COUNT }),
    wordsPerMinute: t.exposeFloat('wordsPerMinute', { nullable: true, description: WORDS_PER_MINUTE }),
    averageLatencyMs: t.exposeFloat('averageLatencyMs', { nullable: true, description: AVERAGE_LATENCY }),
    latencyCount: t.exposeInt('latencyCount', { description: LATENCY_COUNT }),
  }),
});

const OverallStatisticsRef = builder.objectRef<{ totals: Totals; days: DayTotals[] }>('OverallStatistics').implement({
  description: 'Figures across sessions, from final segments only.',
  fields: (t) => ({
    totalSessions: t.int({ description: 'Sessions.', resolve: ({ totals }) => totals.sessions }),
    totalSegments: t.int({ description: 'Final segments.', resolve: ({ totals }) => totals.segments }),
    wordCount: t.int({ description: 'Words.', resolve: ({ totals }) => totals.words }),
    recordedDuration: t.float({ description: RECORDED, resolve: ({ totals }) => totals.recordedDuration }),
    speakingDuration: t.float({ description: SPEAKING, resolve: ({ totals }) => totals.speakingDuration }),
    averageConfidence: t.float({
      nullable: true,
      description: CONFIDENCE,
      resolve: ({ totals }) => totals.averageConfidence,
    }),
    confidenceCount: t.int({ description: CONFIDENCE_COUNT, resolve: ({ totals }) => totals.confidenceCount }),
    wordsPerMinute: t.float({
      nullable: true,
      description: WORDS_PER_MINUTE,
      resolve: ({ totals }) => totals.wordsPerMinute,
    }),
    averageLatencyMs: t.float({
      nullable: true,
      description: AVERAGE_LATENCY,
      resolve: ({ totals }) => totals.averageLatencyMs,
    }),
    latencyCount: t.int({ description: LATENCY_COUNT, resolve: ({ totals }) => totals.latencyCount }),
    days: t.expose('days', {
      type: [DayStatisticsRef],
      extensions: { cost: { items: 366 } },
      description: 'Day by day, the earliest first; days without a session are left out.',
    }),
  }),
});

builder.queryField('statistics', (t) =>
  t.field({
    type: OverallStatisticsRef,
    extensions: { cost: { own: 1_000 } },
    description: 'Figures across sessions, as the database has them: a running session may be ahead by one batch.',
    args: {
      filter: t.arg({ type: SessionFilterInput, description: 'Which sessions; all by default.' }),
      timeZone: t.arg.string({
        description: 'IANA time zone whose calendar days are meant, for example `Europe/Berlin`; UTC by default.',
      }),
    },
    resolve: (_root, { filter, timeZone }, { services }) =>
      services.reader.totals(toSessionFilter(filter), timeZone ?? 'UTC'),
  }),
);
