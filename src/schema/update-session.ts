import type { SessionRecord } from '../database/session-records.ts';
import { builder } from './builder.ts';
import { idOf } from './global-ids.ts';
import { SessionRef } from './node-refs.ts';

const UpdateSessionInput = builder.inputType('UpdateSessionInput', {
  description: 'What is to be changed of a session: what is left out stays as it is.',
  fields: (t) => ({
    sessionId: t.id({ required: true, description: 'Global id of the session.' }),
    title: t.string({ description: 'For people, up to 500 characters; null: none.' }),
  }),
});

const UpdateSessionPayload = builder.objectRef<{ session: SessionRecord }>('UpdateSessionPayload').implement({
  description: 'The answer to `updateSession`.',
  fields: (t) => ({
    session: t.expose('session', { type: SessionRef, description: 'The session as it is now.' }),
  }),
});

builder.mutationField('updateSession', (t) =>
  t.field({
    type: UpdateSessionPayload,
    description:
      'Changes what people see of a session, whether it is running or over. Subscribers of `sessionUpdated` are told.',
    args: { input: t.arg({ type: UpdateSessionInput, required: true, description: 'What is to be changed.' }) },
    resolve: async (_root, { input }, { services }) => ({
      session: await services.sessions.update(idOf('Session', input.sessionId), { title: input.title }),
    }),
  }),
);
