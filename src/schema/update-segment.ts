import type { Segment } from '../database/session-records.ts';
import { builder } from './builder.ts';
import { idOf } from './global-ids.ts';
import { SegmentRef } from './node-refs.ts';

const UpdateSegmentInput = builder.inputType('UpdateSegmentInput', {
  description: 'What is to be changed of a final segment: what is left out stays as it is.',
  fields: (t) => ({
    segmentId: t.id({ required: true, description: 'Global id of the segment.' }),
    text: t.string({
      description:
        'What was really said, 1 to 5,000 characters and 500 words at most, on one line (white space is made single spaces); null: what the recogniser wrote.',
    }),
    speaker: t.string({
      description: 'Who said this, 1 to 100 characters on one line; null: who speaks on its channel.',
    }),
  }),
});

const UpdateSegmentPayload = builder.objectRef<{ segment: Segment }>('UpdateSegmentPayload').implement({
  description: 'The answer to `updateSegment`.',
  fields: (t) => ({
    segment: t.expose('segment', { type: SegmentRef, description: 'The segment as it is now.' }),
  }),
});

builder.mutationField('updateSegment', (t) =>
  t.field({
    type: UpdateSegmentPayload,
    description:
      'Corrects what was heard, or says who spoke, in one final segment of a session that is running or over. What the recogniser wrote is kept (`originalText`) and can be restored. Of two changes at a time the last one stands. Subscribers of `segmentAdded` are given the segment again, with a higher `revision`; confidence and statistics stay those of what was heard. A draft is refused with `BAD_USER_INPUT`.',
    args: { input: t.arg({ type: UpdateSegmentInput, required: true, description: 'What is to be changed.' }) },
    resolve: async (_root, { input }, { services }) => ({
      segment: await services.editing.updateSegment(idOf('Segment', input.segmentId), {
        text: input.text,
        speaker: input.speaker,
      }),
    }),
  }),
);
