import type { Segment, Word } from '../database/session-records.ts';
import { ServiceError } from '../services/errors.ts';
import { builder } from './builder.ts';
import { SegmentRef, SessionRef } from './node-refs.ts';
import { finalCursor } from './segment-cursor.ts';

export const SegmentKindRef = builder.enumType('SegmentKind', {
  description: 'Whether a segment may still change.',
  values: {
    INTERIM: { description: 'A draft: it is being spoken, and each revision replaces the one before.' },
    FINAL: { description: 'The utterance ended: this is its transcript. Only people change it (`updateSegment`).' },
  } as const,
});

const WordRef = builder.objectRef<Word>('Word').implement({
  description: 'A word of a segment.',
  fields: (t) => ({
    text: t.exposeString('text', { description: 'The word as it is written in the segment.' }),
    startMs: t.exposeInt('startMs', {
      nullable: true,
      description: "Milliseconds from the session's first sample; null where that is not known, as in interims.",
    }),
    endMs: t.exposeInt('endMs', {
      nullable: true,
      description: "Milliseconds from the session's first sample; null where that is not known, as in interims.",
    }),
    confidence: t.exposeFloat('confidence', {
      nullable: true,
      description: '0 to 1; null when the recogniser gives none.',
    }),
  }),
});

builder.node(SegmentRef, {
  description:
    'The transcript of one utterance. An interim and the final that replaces it have the same id. Times count samples of the session, not the wall clock.',
  id: { resolve: ({ id }) => id },
  loadOne: (id, { services }) => services.reader.segment(id),
  fields: (t) => ({
    session: t.field({
      type: SessionRef,
      description: 'The session it belongs to.',
      resolve: async ({ sessionId }, _args, { loaders }) => {
        const session = await loaders.session.load(sessionId);
        if (session === null) throw new ServiceError('NOT_FOUND', `There is no session ${sessionId} any more.`);
        return session;
      },
    }),
    sequence: t.exposeInt('sequence', {
      nullable: true,
      description: "Counts the session's final segments from 1; null while `INTERIM`.",
    }),
    revision: t.exposeInt('revision', {
      description:
        'Rises with each version of the segment, those that people make of a final one included: show the highest that you were given.',
    }),
    kind: t.expose('kind', { type: SegmentKindRef, description: 'Whether it may still change.' }),
    text: t.exposeString('text', {
      description: 'What was said. An interim with an empty text is withdrawn: nothing was said after all.',
    }),
    stableLength: t.int({
      description:
        'How much of the text stays as it is, from its beginning, in UTF-16 code units: the whole text when it is final; of an interim up to the end of a word, and 0 while that is not known. Later interims of the segment begin with exactly this (unless it is withdrawn, or the server was restarted), so captions do not flicker there; its final may still differ, though it seldom does.',
      resolve: ({ kind, text, stableLength = 0 }: Segment) => (kind === 'FINAL' ? text.length : stableLength),
    }),
    startMs: t.exposeInt('startMs', { description: "Milliseconds from the session's first sample." }),
    endMs: t.exposeInt('endMs', { description: "Milliseconds from the session's first sample." }),
    avgConfidence: t.exposeFloat('avgConfidence', {
      nullable: true,
      description:
        'Mean of the confidences of the words that the recogniser wrote, 0 to 1, also when its text was changed since; null when the recogniser gives none.',
    }),
    words: t.field({
      type: [WordRef],
      // A usual utterance; the longest have three times as many.
      extensions: { cost: { items: 20 } },
      description:
        'Its words in order; may be empty. Of a text that a person has changed, those that the recogniser had written keep their times and confidence, and those that are new have none.',
      resolve: ({ words }) => [...words],
    }),
    speaker: t.exposeString('speaker', {
      nullable: true,
      description:
        'Who speaks: its own name (`ownSpeaker`), else that of its channel (`Session.speakers`); null when nobody has said so.',
    }),
    ownSpeaker: t.string({
      nullable: true,
      description:
        'The name that `updateSegment` gave to this segment alone; null: it goes by that of its channel, also when that is changed.',
      resolve: ({ edit }: Segment) => edit?.ownSpeaker ?? null,
    }),
    originalText: t.string({
      nullable: true,
      description: 'What the recogniser wrote; null when nobody has changed it.',
      resolve: ({ edit }: Segment) => edit?.original?.text ?? null,
    }),
    editedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When a person changed its text or its speaker last; null while both are as they came.',
      resolve: ({ edit }: Segment) => edit?.at ?? null,
    }),
    channel: t.exposeInt('channel', {
      description: 'Channel of the audio, counted from 0: each is transcribed by itself.',
    }),
    createdAt: t.expose('createdAt', {
      type: 'DateTime',
      description: 'When the recogniser made it; `editedAt` says when a person changed it.',
    }),
    cursor: t.string({
      nullable: true,
      description:
        'Its cursor in `Session.segments` and the resume point of `segmentAdded`: keep that of the last final segment you were given. Null while `INTERIM`.',
      resolve: ({ sequence }: Segment) => (sequence === null ? null : finalCursor(sequence)),
    }),
  }),
});
