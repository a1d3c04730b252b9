import { builder } from './builder.ts';
import { idOf } from './global-ids.ts';

const DeleteSessionInput = builder.inputType('DeleteSessionInput', {
  description: 'Which session to delete.',
  fields: (t) => ({
    sessionId: t.id({ required: true, description: 'Global id of the session.' }),
  }),
});

const DeleteSessionPayload = builder.objectRef<{ sessionId: string }>('DeleteSessionPayload').implement({
  description: 'The answer to `deleteSession`.',
  fields: (t) => ({
    deletedSessionId: t.id({
      description: 'Global id of the session that was deleted: what is kept under it elsewhere can go, too.',
      resolve: ({ sessionId }) => sessionId,
    }),
  }),
});

builder.mutationField('deleteSession', (t) =>
  t.field({
    type: DeleteSessionPayload,
    description:
      'Deletes a session for good: its segments, its recording, and all that was known of it. A session that is running is stopped; what was sent and not transcribed yet is deleted with it. Subscriptions to it complete. Asking again gives `NOT_FOUND`.',
    args: { input: t.arg({ type: DeleteSessionInput, required: true, description: 'Which session to delete.' }) },
    resolve: async (_root, { input }, { services }) => {
      await services.deletion.delete(idOf('Session', input.sessionId));
      return { sessionId: input.sessionId };
    },
  }),
);
