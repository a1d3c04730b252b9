import { ServiceError } from '../services/errors.ts';
import type { AudioAcknowledgement } from '../services/audio-intake.ts';
import { builder } from './builder.ts';
import { idOf } from './global-ids.ts';
import { SessionRef } from './node-refs.ts';

const SEQUENCE = 'Number of the chunk, counted from 0; gaps declared with `skipAudio` are counted too.';

const SendAudioInput = builder.inputType('SendAudioInput', {
  description: 'One chunk of audio.',
  fields: (t) => ({
    sessionId: t.id({ required: true, description: 'Global id of the session.' }),
    sequence: t.int({ required: true, description: SEQUENCE }),
    audio: t.field({
      type: 'Base64',
      required: true,
      description:
        "Whole frames in the session's audio format, or the next piece of its container, cut anywhere: what it completes counts, and the rest waits for the pieces behind it (at the end of the session it is not audio). Chunks of 100 ms to 1 s are usual; 1 MiB at most by default.",
    }),
  }),
});

const SkipAudioInput = builder.inputType('SkipAudioInput', {
  description: 'A stretch of audio that the client lost.',
  fields: (t) => ({
    sessionId: t.id({ required: true, description: 'Global id of the session.' }),
    sequence: t.int({ required: true, description: SEQUENCE }),
    durationMs: t.int({ required: true, description: 'How much was lost, in milliseconds.' }),
  }),
});

const SendAudioPayload = builder.objectRef<AudioAcknowledgement>('SendAudioPayload').implement({
  description: 'The acknowledgement of a chunk: everything below `nextSequence` is on stable storage.',
  fields: (t) => ({
    nextSequence: t.exposeInt('nextSequence', { description: 'Sequence number of the chunk expected next.' }),
    receivedMs: t.exposeInt('receivedMs', { description: 'Length of the timeline so far, in milliseconds.' }),
    backlogMs: t.exposeInt('backlogMs', {
      description:
        'Acknowledged audio that is still to be recognised, in milliseconds: grows when the server is overloaded.',
    }),
    duplicate: t.exposeBoolean('duplicate', {
      description: 'This chunk had been stored before, with the same bytes; nothing was changed.',
    }),
    session: t.field({
      type: SessionRef,
      description: 'The session as it stands now.',
      resolve: async ({ sessionId }, _args, { loaders }) => {
        const session = await loaders.session.load(sessionId);
        if (session === null) throw new ServiceError('NOT_FOUND', `There is no session ${sessionId} any more.`);
        return session;
      },
    }),
  }),
});

builder.mutationFields((t) => ({
  sendAudio: t.field({
    type: SendAudioPayload,
    description:
      'Stores a chunk of audio and answers when it is on stable storage: what was acknowledged is not lost. May be repeated after a doubtful answer (the same bytes are stored once) and sent ahead of the answers: chunks count in the order in which they arrive.',
    args: { input: t.arg({ type: SendAudioInput, required: true, description: 'The chunk.' }) },
    resolve: (_root, { input }, { services }) =>
      services.audio.send(idOf('Session', input.sessionId), input.sequence, input.audio),
  }),
  skipAudio: t.field({
    type: SendAudioPayload,
    description:
      'Declares that the client lost this much audio at this place, for example because its own buffer overflowed: the timeline goes on behind it, and the coverage shows the gap. A container has to go on behind it where a packet begins, or with a new header; anything else is passed over up to there. Takes a sequence number like a chunk.',
    args: { input: t.arg({ type: SkipAudioInput, required: true, description: 'What was lost.' }) },
    resolve: (_root, { input }, { services }) =>
      services.audio.skip(idOf('Session', input.sessionId), input.sequence, input.durationMs),
  }),
}));
