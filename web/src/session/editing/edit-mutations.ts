import { useMutation } from 'urql';
import { sentenceOf } from '../../api/client.ts';
import { graphql } from '../../api/graphql.ts';
import type { ShownSegment } from '../../transcript/segments.ts';
import type { Change } from '../session-mutations.ts';
import { SegmentFields, type SessionFacts } from '../session-queries.ts';

const UpdateSegmentMutation = graphql(
  `
    mutation UpdateSegment($input: UpdateSegmentInput!) {
      updateSegment(input: $input) {
        segment {
          ...SegmentFields
        }
      }
    }
  `,
  [SegmentFields],
);

const RenameSpeakerMutation = graphql(`
  mutation RenameSpeaker($input: RenameSpeakerInput!) {
    renameSpeaker(input: $input) {
      session {
        id
        speakers
        originalSpeakers
      }
    }
  }
`);

interface SegmentChange {
  readonly text?: string | null;
  readonly speaker?: string | null;
}

export function useUpdateSegment(
  onChanged: (segment: ShownSegment) => void,
): Change<[id: string, change: SegmentChange]> {
  const [, update] = useMutation(UpdateSegmentMutation);
  return async (segmentId, change) => {
    const { data, error } = await update({ input: { segmentId, ...change } });
    if (data !== undefined) onChanged(data.updateSegment.segment);
    return error === undefined ? null : `${sentenceOf(error)} Nothing was changed: try again.`;
  };
}

export function useRenameSpeaker(
  onRenamed: (names: Pick<SessionFacts, 'speakers' | 'originalSpeakers'>) => void,
): Change<[sessionId: string, channel: number, name: string | null]> {
  const [, rename] = useMutation(RenameSpeakerMutation);
  return async (sessionId, channel, name) => {
    const { data, error } = await rename({ input: { sessionId, channel, name } });
    if (data !== undefined) onRenamed(data.renameSpeaker.session);
    return error === undefined ? null : `${sentenceOf(error)} Nothing was changed: try again.`;
  };
}
