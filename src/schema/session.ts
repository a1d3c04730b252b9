import { builder } from './builder.ts';
import { AudioFormatRef } from './audio-format.ts';
import { CoverageRef } from './coverage.ts';
import { decodeGlobalId, idOf } from './global-ids.ts';
import { SessionRef } from './node-refs.ts';
import { pageArguments, searchCost, toConnection, toPageRequest } from './pagination.ts';
import { SessionFilterInput, toSessionFilter } from './session-filter.ts';
import { SessionOrderInput } from './session-order.ts';
import { SessionStatisticsRef } from './session-statistics.ts';
import { EndReasonRef, SessionStatusRef } from './session-status.ts';
import { SessionWarningRef } from './session-warning.ts';

builder.node(SessionRef, {
  description: 'One recording, from `startSession` to its end.',
  id: { resolve: ({ id }) => id },
  loadOne: (id, { loaders }) => loaders.session.load(id),
  fields: (t) => ({
    externalId: t.exposeString('externalId', {
      nullable: true,
      description: "The client's own name for the recording, unique among all sessions; null when it gave none.",
    }),
    title: t.exposeString('title', { nullable: true, description: 'For people; null when none was given.' }),
    status: t.expose('status', { type: SessionStatusRef, description: 'Where the session stands.' }),
    endReason: t.expose('endReason', {
      type: EndReasonRef,
      nullable: true,
      description: 'Why the session ended; null while it takes audio.',
    }),
    language: t.exposeString('language', { description: 'BCP 47 tag of what is spoken, for example `en`.' }),
    audioFormat: t.expose('audioFormat', { type: AudioFormatRef, description: 'The format of all of its audio.' }),
    speakers: t.stringList({
      nullable: { list: false, items: true },
      description:
        'By channel, one entry for each: who speaks there, as `startSession` or `renameSpeaker` was told; null where nobody has said so. Subscribers of `sessionUpdated` are told when it changes.',
      resolve: ({ speakers }) => [...speakers],
    }),
    originalSpeakers: t.stringList({
      nullable: { list: false, items: true },
      description: 'The same as the client said at the start, whatever was changed since.',
      resolve: ({ originalSpeakers }) => [...originalSpeakers],
    }),
    metadata: t.expose('metadata', {
      type: 'JSON',
      nullable: true,
      description: "The client's own JSON, as it was given at the start; null when none was.",
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When the session was started.' }),
    endedAt: t.expose('endedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the session ended; null while it takes audio.',
    }),
    nextSequence: t.exposeInt('nextSequence', {
      description: 'The sequence number of the chunk expected next; all below are on stable storage.',
    }),
    statistics: t.expose('statistics', {
      type: SessionStatisticsRef,
      description: 'Figures of its final segments: live while the session runs.',
    }),
    coverage: t.expose('coverage', { type: CoverageRef, description: 'What became of every part of its audio.' }),
    warnings: t.field({
      type: [SessionWarningRef],
      description:
        'What is wrong with the session now; empty when all is well. Subscribers of `sessionUpdated` are told.',
      resolve: (session, _arguments, { services }) => services.warnings.of(session),
    }),
    recordingRemovedAt: t.expose('recordingRemovedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the recording was removed because it was old enough; null while there is one.',
    }),
  }),
});

const SessionConnectionRef = builder.connectionObject(
  { type: SessionRef, name: 'SessionConnection', description: 'A page of sessions.' },
  { name: 'SessionEdge', description: 'A session in a list.' },
);

builder.queryField('session', (t) =>
  t.field({
    type: SessionRef,
    nullable: true,
    description: 'The session with this id; null when there is none.',
    args: { id: t.arg.id({ required: true, description: 'Global id of a session.' }) },
    resolve: (_root, { id }, { loaders }) => {
      const decoded = decodeGlobalId(id);
      return decoded?.typename === 'Session' ? loaders.session.load(decoded.id) : null;
    },
  }),
);

builder.queryField('sessions', (t) =>
  t.field({
    type: SessionConnectionRef,
    extensions: { cost: searchCost },
    description:
      'Sessions, the newest first unless `orderBy` says otherwise. Order and filter follow the database, which may be behind a running session by one batch.',
    args: {
      ...pageArguments,
      filter: t.arg({ type: SessionFilterInput, description: 'Which sessions; all by default.' }),
      orderBy: t.arg({ type: SessionOrderInput, description: 'Their order; the newest first by default.' }),
    },
    resolve: async (_root, { filter, orderBy, ...page }, { services }) =>
      toConnection(
        await services.reader.listSessions(
          toSessionFilter(filter),
          orderBy ?? { field: 'CREATED_AT', direction: 'DESC' },
          toPageRequest(page),
        ),
      ),
  }),
);

builder.subscriptionField('sessionUpdated', (t) =>
  t.field({
    type: SessionRef,
    description:
      'How a session stands, at once and whenever its status, statistics or coverage change, at most once a second. Completes when the session is over.',
    args: { sessionId: t.arg.id({ required: true, description: 'Global id of a session.' }) },
    subscribe: (_root, { sessionId }, { services }) => services.sessions.updates(idOf('Session', sessionId)),
    resolve: (session) => session,
  }),
);
