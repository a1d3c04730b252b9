import { ServiceError } from '../services/errors.ts';
import type { Waveform } from '../services/waveforms/waveforms.ts';
import { builder } from './builder.ts';
import { SessionRef } from './node-refs.ts';

const DEFAULT_COUNT = 1_000;
const MAX_COUNT = 4_000;
/** Besides what the answer has, a recording may have to be read: four of them to an operation. */
const WAVEFORM_COST = 4_500;

const WaveformRef = builder.objectRef<Waveform>('Waveform').implement({
  description:
    'How loud a recording is over time, to be drawn. The timeline is divided into stretches of equal length, from its first sample on, so that a stretch stands exactly where the segments and the recording have it.',
  fields: (t) => ({
    durationMs: t.exposeInt('durationMs', {
      description: 'Of the whole timeline, in milliseconds; that of a running session up to now.',
    }),
    measuredMs: t.exposeInt('measuredMs', {
      description:
        'How far it was measured, in milliseconds from its start. Less than `durationMs` while a long recording is read for the first time: ask again in some seconds.',
    }),
    stretchMs: t.exposeFloat('stretchMs', {
      description:
        'How long each stretch is, in milliseconds; the last one may be shorter. Stretch n begins at n times that.',
    }),
    peaks: t.field({
      type: t.listRef(t.listRef('Float', { nullable: true })),
      description:
        'By channel, for each stretch that was measured: the largest magnitude of a sample, 0 to 1. Null where there is no audio: a gap, or what is damaged.',
      resolve: ({ peaks }) => peaks.map((channel) => [...channel]),
    }),
  }),
});

builder.objectField(SessionRef, 'waveform', (t) =>
  t.field({
    type: WaveformRef,
    nullable: true,
    extensions: { cost: { own: WAVEFORM_COST } },
    description:
      'How loud its recording is over time. It is answered within some seconds: what is not measured by then is left out, and is there when it is asked for later. Null when the recording is not kept any more, or can not be read.',
    args: {
      count: t.arg.int({
        required: true,
        defaultValue: DEFAULT_COUNT,
        description: `Into how many stretches the timeline is divided at most: 1 to ${MAX_COUNT}. There may be fewer.`,
      }),
    },
    resolve: (session, { count }, { services }) => {
      if (count < 1 || count > MAX_COUNT)
        throw new ServiceError('BAD_USER_INPUT', `\`count\` must be from 1 to ${MAX_COUNT}.`);
      return services.waveforms.of(session, count);
    },
  }),
);
