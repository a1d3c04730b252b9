import { sessionStatuses } from '../database/vocabulary.ts';
import { builder } from './builder.ts';
import { SessionRef } from './node-refs.ts';
import { SessionStatusRef } from './session-status.ts';

const StoredSessionRef = builder.prismaObject('Session', {
  variant: 'StoredSession',
  description:
    'What the database has of a session: what an SQL query finds. It follows a running session in batches; once the session is completed, both say the same.',
  fields: (t) => ({
    status: t.field({
      type: SessionStatusRef,
      description: 'Where the session stood at its last batch.',
      select: { status: true },
      resolve: ({ status }) => sessionStatuses.fromColumn(status),
    }),
    totalSegments: t.exposeInt('totalSegments', { description: "Final segments, from the session's own row." }),
    receivedMs: t.exposeInt('receivedMs', {
      description: 'Length of the timeline at the last batch, in milliseconds.',
    }),
    // Counted by a statement of our own: Prisma's would count the segments of all sessions for it.
    finalSegments: t.int({
      select: { id: true },
      description: 'Rows of final segments.',
      resolve: async ({ id }, _args, { loaders }) => (await loaders.storedCounts.load(id)).finals,
    }),
    interimSegments: t.int({
      select: { id: true },
      description: 'Rows of drafts: one per channel at most, none once the session is completed.',
      resolve: async ({ id }, _args, { loaders }) => (await loaders.storedCounts.load(id)).interims,
    }),
  }),
});

builder.objectField(SessionRef, 'stored', (t) =>
  t.prismaField({
    type: StoredSessionRef,
    description: 'What the database has of it by now.',
    resolve: (query, { id }, _args, { database }) => database.session.findUniqueOrThrow({ ...query, where: { id } }),
  }),
);
