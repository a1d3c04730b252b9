import type { SessionRecord } from '../database/session-records.ts';
import { builder } from './builder.ts';
import { idOf } from './global-ids.ts';
import { SessionRef } from './node-refs.ts';

const RenameSpeakerInput = builder.inputType('RenameSpeakerInput', {
  description: 'Who speaks on a channel of a session.',
  fields: (t) => ({
    sessionId: t.id({ required: true, description: 'Global id of the session.' }),
    channel: t.int({ required: true, description: 'Channel of the audio, counted from 0.' }),
    name: t.string({
      description: '1 to 100 characters on one line; null or left out: what the client said at the start.',
    }),
  }),
});

const RenameSpeakerPayload = builder.objectRef<{ session: SessionRecord }>('RenameSpeakerPayload').implement({
  description: 'The answer to `renameSpeaker`.',
  fields: (t) => ({
    session: t.expose('session', { type: SessionRef, description: 'The session as it is now.' }),
  }),
});

builder.mutationField('renameSpeaker', (t) =>
  t.field({
    type: RenameSpeakerPayload,
    description:
      'Says who speaks on a channel of a session that is running or over: for all of its segments, those to come included, but for those that have a name of their own (`updateSegment`). What the client said at the start is kept (`originalSpeakers`). Subscribers of `sessionUpdated` are told; those of `segmentAdded` are not given again what they were given before.',
    args: { input: t.arg({ type: RenameSpeakerInput, required: true, description: 'Which channel, and its name.' }) },
    resolve: async (_root, { input }, { services }) => ({
      session: await services.editing.renameSpeaker(
        idOf('Session', input.sessionId),
        input.channel,
        input.name ?? null,
      ),
    }),
  }),
);
