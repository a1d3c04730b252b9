import { transcriptOf } from '../services/session-transcript.ts';
import type { TranscriptFormat } from '../transcripts/transcript-formats.ts';
import { builder } from './builder.ts';
import { SessionRef } from './node-refs.ts';

const TranscriptFormatRef = builder.enumType('TranscriptFormat', {
  description: 'How a transcript is written down; all of them are UTF-8 text.',
  values: {
    TXT: { value: 'txt', description: 'To be read: a segment a line, after the name of who speaks where it is known.' },
    SRT: { value: 'srt', description: 'SubRip subtitles, for video players.' },
    VTT: { value: 'vtt', description: 'WebVTT captions, for browsers.' },
    CSV: { value: 'csv', description: 'For spreadsheets: a segment a line, with times and confidence (RFC 4180).' },
    JSON: { value: 'json', description: 'Everything that is known of the session and its segments, with all words.' },
  } as const satisfies Record<Uppercase<TranscriptFormat>, { value: TranscriptFormat; description: string }>,
});

/** Has all segments of a session, of which a long day has several thousand: two of them to an operation. */
const TRANSCRIPT_COST = 9_000;

builder.objectField(SessionRef, 'transcript', (t) =>
  t.string({
    extensions: { cost: { own: TRANSCRIPT_COST } },
    description:
      'What was said, up to now: all final segments in the order of time, as a text to keep. Subtitles split long segments where the times of words allow it.',
    args: {
      format: t.arg({
        type: TranscriptFormatRef,
        defaultValue: 'txt',
        required: true,
        description: 'How it is written.',
      }),
    },
    resolve: (session, { format }, { services }) => transcriptOf(services.reader, session, format),
  }),
);
