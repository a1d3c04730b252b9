import { graphql, type ResultOf } from '../api/graphql.ts';

export const SegmentFields = graphql(`
  fragment SegmentFields on Segment {
    id
    sequence
    revision
    kind
    text
    stableLength
    startMs
    endMs
    channel
    speaker
    ownSpeaker
    originalText
    cursor
    words {
      text
      startMs
      confidence
    }
  }
`);

const SessionFields = graphql(`
  fragment SessionFields on Session {
    id
    title
    status
    endReason
    createdAt
    recordingRemovedAt
    language
    audioFormat {
      channels
    }
    speakers
    originalSpeakers
    statistics {
      totalSegments
      wordCount
      averageConfidence
      wordsPerMinute
    }
    coverage {
      receivedMs
      transcribedMs
      gapMs
      failedMs
      pendingMs
    }
    warnings {
      code
      message
    }
  }
`);

export const SessionQuery = graphql(
  `
    query Session($id: ID!) {
      session(id: $id) {
        ...SessionFields
      }
    }
  `,
  [SessionFields],
);

export const SegmentsQuery = graphql(
  `
    query Segments($id: ID!, $first: Int!, $after: String) {
      session(id: $id) {
        segments(first: $first, after: $after) {
          edges {
            node {
              ...SegmentFields
            }
          }
          pageInfo {
            hasNextPage
            endCursor
          }
        }
      }
    }
  `,
  [SegmentFields],
);

export const SegmentAdded = graphql(
  `
    subscription SegmentAdded($id: ID!, $after: String, $fromStart: Boolean!) {
      segmentAdded(sessionId: $id, after: $after, fromStart: $fromStart) {
        ...SegmentFields
      }
    }
  `,
  [SegmentFields],
);

export const SessionUpdated = graphql(
  `
    subscription SessionUpdated($id: ID!) {
      sessionUpdated(sessionId: $id) {
        ...SessionFields
      }
    }
  `,
  [SessionFields],
);

export const TranscriptQuery = graphql(`
  query Transcript($id: ID!, $format: TranscriptFormat!) {
    session(id: $id) {
      transcript(format: $format)
    }
  }
`);

export const RecordingQuery = graphql(`
  query Recording($id: ID!, $format: RecordingFormat!) {
    session(id: $id) {
      recordingUrl(format: $format)
    }
  }
`);

export type SessionFacts = ResultOf<typeof SessionFields>;
