import type { SessionRecord } from '../database/session-records.ts';
import { AudioFormatInput } from './audio-format.ts';
import { builder } from './builder.ts';
import { SessionRef } from './node-refs.ts';

const StartSessionInput = builder.inputType('StartSessionInput', {
  description: 'What a new session is to be.',
  fields: (t) => ({
    externalId: t.string({
      description:
        "The client's own name for the recording, 1 to 200 characters: a client that crashed finds its session again with it.",
    }),
    title: t.string({ description: 'For people, up to 500 characters.' }),
    language: t.string({
      required: true,
      defaultValue: 'en',
      description: 'BCP 47 tag of what will be spoken, for example `en` or `en-GB`.',
    }),
    audio: t.field({
      type: AudioFormatInput,
      required: true,
      defaultValue: { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 1 },
      description: 'The format in which the audio will be sent.',
    }),
    speakers: t.stringList({
      required: { list: false, items: false },
      description:
        'By channel, who speaks there, as `Segment.speaker` gives it back: up to one name for each channel, 1 to 100 characters on one line; null where it is not known.',
    }),
    metadata: t.field({
      type: 'JSON',
      description: 'Any JSON but a bare number, up to 16 KiB and 100 levels; kept and given back as it is.',
    }),
  }),
});

const StartSessionPayload = builder.objectRef<{ session: SessionRecord }>('StartSessionPayload').implement({
  description: 'The answer to `startSession`.',
  fields: (t) => ({
    session: t.expose('session', { type: SessionRef, description: 'The session: new, or found by its `externalId`.' }),
  }),
});

builder.mutationField('startSession', (t) =>
  t.field({
    type: StartSessionPayload,
    description:
      'Starts a session. With a known `externalId` it gives the session of that name back if that is still open and has the same audio format, and is refused with `SESSION_CONFLICT` otherwise.',
    args: { input: t.arg({ type: StartSessionInput, required: true, description: 'What the session is to be.' }) },
    resolve: async (_root, { input }, { services }) => ({
      session: await services.sessions.start({
        externalId: input.externalId ?? null,
        title: input.title ?? null,
        language: input.language,
        audioFormat: input.audio,
        speakers: (input.speakers ?? []).map((name) => name ?? null),
        metadata: input.metadata ?? null,
      }),
    }),
  }),
);
