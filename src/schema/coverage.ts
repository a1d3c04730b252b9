import type { Coverage } from '../database/session-records.ts';
import { builder } from './builder.ts';

export const CoverageRef = builder.objectRef<Coverage>('Coverage').implement({
  description:
    'The account of a timeline, in milliseconds: every part of it is in exactly one class, so that `receivedMs` is the sum of the other five. Where two channels differ, the first of these counts: failed, pending, transcribed, silence, gap.',
  fields: (t) => ({
    receivedMs: t.exposeInt('receivedMs', { description: 'The whole timeline: acknowledged audio and declared gaps.' }),
    transcribedMs: t.exposeInt('transcribedMs', { description: 'Covered by final segments, of any channel.' }),
    silenceMs: t.exposeInt('silenceMs', { description: 'Nothing was said.' }),
    gapMs: t.exposeInt('gapMs', { description: 'Lost by the client, which said so with `skipAudio`.' }),
    failedMs: t.exposeInt('failedMs', {
      description: 'Could not be transcribed: the stored audio is damaged, or the recogniser fails on it each time.',
    }),
    pendingMs: t.exposeInt('pendingMs', { description: 'Not decided yet; 0 once the session is completed.' }),
  }),
});
