import type { SessionWarning } from '../services/session-warnings.ts';
import { builder } from './builder.ts';

const SessionWarningCodeRef = builder.enumType('SessionWarningCode', {
  description: 'What is not as it should be with a session, though nothing that was acknowledged is lost.',
  values: {
    NO_TEXT: { description: 'For 30 s there was what sounded like speech, and no words were found in it.' },
    AUDIO_FAILED: {
      description: 'A part of the audio could not be transcribed; `coverage.failedMs` says how much.',
    },
    RECOGNITION_STALLED: { description: 'Audio waits, and the recogniser has not moved for 30 s.' },
    JOURNAL_STALLED: { description: 'Segments cannot be stored, because the disk is full or fails.' },
    WRITER_STALLED: { description: 'Segments wait for the database much longer than a batch may.' },
    DATABASE_REFUSED: { description: 'The database will not take the segments; they stand in the journal.' },
    NOT_RECOVERED: { description: "The session's logs could not be opened after a restart." },
  } as const,
});

export const SessionWarningRef = builder.objectRef<SessionWarning>('SessionWarning').implement({
  description: 'Something that is wrong with a session, and would otherwise go unseen.',
  fields: (t) => ({
    code: t.expose('code', { type: SessionWarningCodeRef, description: 'For programs.' }),
    channel: t.int({
      nullable: true,
      description: 'The channel that it is about, counted from 0; null when it is about the whole session.',
      resolve: ({ channel }) => channel ?? null,
    }),
    message: t.exposeString('message', { description: 'For people: what it means and what to do.' }),
  }),
});
