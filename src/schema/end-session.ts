import type { SessionRecord } from '../database/session-records.ts';
import { builder } from './builder.ts';
import { idOf } from './global-ids.ts';
import { SessionRef } from './node-refs.ts';

const EndSessionInput = builder.inputType('EndSessionInput', {
  description: 'Which session to end.',
  fields: (t) => ({
    sessionId: t.id({ required: true, description: 'Global id of the session.' }),
    nextSequence: t.int({
      description:
        'How many chunks were sent: while some of them are missing, the end is refused with `AUDIO_OUT_OF_ORDER`. Without it the session ends with what has arrived.',
    }),
  }),
});

const EndSessionPayload = builder.objectRef<{ session: SessionRecord }>('EndSessionPayload').implement({
  description: 'The answer to `endSession`.',
  fields: (t) => ({
    session: t.expose('session', {
      type: SessionRef,
      description: 'The session: `COMPLETED`, or still `FINALIZING` when much is left to transcribe.',
    }),
  }),
});

builder.mutationField('endSession', (t) =>
  t.field({
    type: EndSessionPayload,
    description:
      'Ends a session: transcribes what is left, stores it and computes the statistics. Waits up to 10 s for that and else answers with `FINALIZING`; follow `sessionUpdated` then. Asking again changes nothing.',
    args: { input: t.arg({ type: EndSessionInput, required: true, description: 'Which session to end.' }) },
    resolve: async (_root, { input }, { services }) => ({
      session: await services.sessions.end(idOf('Session', input.sessionId), input.nextSequence ?? null),
    }),
  }),
);
