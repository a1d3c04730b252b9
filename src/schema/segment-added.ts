import { ServiceError } from '../services/errors.ts';
import { builder } from './builder.ts';
import { idOf } from './global-ids.ts';
import { SegmentRef } from './node-refs.ts';
import { sequenceOf } from './segment-cursor.ts';

builder.subscriptionField('segmentAdded', (t) =>
  t.field({
    type: SegmentRef,
    description:
      'The segments of a session as they come: every revision of an interim that there is time for, and every final segment exactly once and in order. With `after` or `fromStart` first the final segments that were missed, without a gap or a double. A final segment that a person changes (`updateSegment`) comes once more, with a higher `revision`: to those who were given it before, also after a resume; all others are given it as it is now. Its cursor is no point to resume from: keep the furthest. Completes after the last final segment; a connection that ends otherwise (WebSocket code 1001: the server stops, 1013: you read too slowly) is to be opened again, and resumed `after` the last cursor.',
    args: {
      sessionId: t.arg.id({ required: true, description: 'Global id of a session.' }),
      after: t.arg.string({
        description: 'The `cursor` of the last final segment that you were given. Not together with `fromStart`.',
      }),
      fromStart: t.arg.boolean({
        defaultValue: false,
        description: 'True: from the first final segment. Without it and without `after`: from now on.',
      }),
    },
    subscribe: (_root, { sessionId, after, fromStart }, { services }) =>
      services.sessions.segments(idOf('Session', sessionId), firstWanted(after ?? null, fromStart ?? false)),
    resolve: (segment) => segment,
  }),
);

/** The sequence after which final segments are wanted, or `null`: from now on. */
function firstWanted(after: string | null, fromStart: boolean): number | null {
  if (after === null) return fromStart ? 0 : null;
  if (fromStart) throw new ServiceError('BAD_USER_INPUT', 'Give `after` or `fromStart`, not both.');
  return sequenceOf(after);
}
