import { builder } from './builder.ts';

const SessionOrderFieldRef = builder.enumType('SessionOrderField', {
  description:
    'What sessions can be ordered by. Sessions that are equal in it are in the order of their ids, in the same direction; those without it come last.',
  values: {
    CREATED_AT: { description: 'When they were started.' },
    TITLE: { description: 'Their titles.' },
    TOTAL_DURATION: { description: '`statistics.totalDuration`.' },
    TOTAL_SEGMENTS: { description: '`statistics.totalSegments`.' },
    AVERAGE_CONFIDENCE: { description: '`statistics.averageConfidence`.' },
  } as const,
});

const OrderDirectionRef = builder.enumType('OrderDirection', {
  description: 'Which end comes first.',
  values: {
    ASC: { description: 'The lowest, or the earliest.' },
    DESC: { description: 'The highest, or the latest.' },
  } as const,
});

export const SessionOrderInput = builder.inputType('SessionOrder', {
  description: 'The order of a list of sessions.',
  fields: (t) => ({
    field: t.field({ type: SessionOrderFieldRef, required: true, description: 'What to order by.' }),
    direction: t.field({
      type: OrderDirectionRef,
      required: true,
      defaultValue: 'DESC',
      description: 'Which end comes first.',
    }),
  }),
});
