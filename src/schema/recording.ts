import { builder } from './builder.ts';
import { encodeGlobalId } from './global-ids.ts';
import { SessionRef } from './node-refs.ts';

builder.objectField(SessionRef, 'recordingUrl', (t) =>
  t.string({
    nullable: true,
    description:
      'Where its sound can be fetched: a path on this server that gives a WAV file (16 bits, at the rate and with the channels of its audio), whole or in part (`Range`). Time 0 of the file is time 0 of the segments. Where a token is needed, the link is good without it, for a day. Null when the recording is not kept any more.',
    resolve: ({ id, recordingRemovedAt }, _arguments, { recordingLink }) =>
      recordingRemovedAt === null ? recordingLink(encodeGlobalId('Session', id)) : null,
  }),
);
