import type { RecordingFormat } from '../services/recordings/recordings.ts';
import { builder } from './builder.ts';
import { encodeGlobalId } from './global-ids.ts';
import { SessionRef } from './node-refs.ts';

const RecordingFormatRef = builder.enumType('RecordingFormat', {
  description: 'How a recording is written as a file. In both, time 0 of the file is time 0 of the segments.',
  values: {
    WAV: { description: 'Every sample as it was sent: 16 bits, at the rate and with the channels of its audio.' },
    MP4_OPUS: {
      description:
        'MP4 with Opus of 24 kbit/s for each channel, some 11 MB an hour: for slow connections, and to be kept.',
    },
  } as const satisfies Record<RecordingFormat, { description: string }>,
});

builder.objectField(SessionRef, 'recordingUrl', (t) =>
  t.string({
    nullable: true,
    description:
      'Where its sound can be fetched: a path on this server that gives a file, whole or in part (`Range`). Where a token is needed, the link is good without it, for a day. Null when the recording is not kept any more.',
    args: {
      format: t.arg({ type: RecordingFormatRef, required: true, defaultValue: 'WAV', description: 'As which file.' }),
    },
    resolve: ({ id, recordingRemovedAt }, { format }, { recordingLink }) =>
      recordingRemovedAt === null ? recordingLink(encodeGlobalId('Session', id), format) : null,
  }),
);
