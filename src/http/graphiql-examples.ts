/** 100 ms of silence in the format that the first example asks for: 1,600 samples of 16 bits. */
const SILENCE = Buffer.alloc(3_200).toString('base64');

const SESSION_ID = 'paste the id that startSession gave';

/** What GraphiQL's tabs show at the first visit: a session from its start to its end, in order. */
export const EXAMPLE_OPERATIONS: readonly { readonly query: string; readonly variables: Record<string, unknown> }[] = [
  {
    // GraphiQL shows its first tab without the tab's variables, so this one has none.
    query: `# 1. Start a session. Copy its id into the variables of the other tabs.
mutation StartSession {
  startSession(
    input: { title: "My first session", audio: { encoding: PCM_S16LE, sampleRate: 16000, channels: 1 } }
  ) {
    session {
      id
      status
      nextSequence
    }
  }
}
`,
    variables: {},
  },
  {
    query: `# 2. Watch the words come: run this, then send audio in the next tab.
subscription SegmentAdded($sessionId: ID!, $after: String) {
  segmentAdded(sessionId: $sessionId, after: $after) {
    id
    kind
    revision
    text
    startMs
    endMs
    avgConfidence
    cursor
  }
}
`,
    variables: { sessionId: SESSION_ID },
  },
  {
    query: `# 3. Send a chunk (here 100 ms of silence); raise "sequence" by one for the next.
mutation SendAudio($input: SendAudioInput!) {
  sendAudio(input: $input) {
    nextSequence
    receivedMs
    backlogMs
    duplicate
  }
}
`,
    variables: { input: { sessionId: SESSION_ID, sequence: 0, audio: SILENCE } },
  },
  {
    query: `# 4. End the session.
mutation EndSession($input: EndSessionInput!) {
  endSession(input: $input) {
    session {
      status
      endReason
      statistics {
        totalSegments
        averageConfidence
        totalDuration
        wordCount
      }
      coverage {
        receivedMs
        transcribedMs
        silenceMs
        pendingMs
      }
    }
  }
}
`,
    variables: { input: { sessionId: SESSION_ID } },
  },
  {
    query: `# 5. Find it again.
query Sessions($first: Int) {
  sessions(first: $first) {
    edges {
      node {
        id
        title
        status
        createdAt
        statistics {
          totalSegments
          averageConfidence
          totalDuration
          wordsPerMinute
        }
        segments(first: 5) {
          edges {
            node {
              sequence
              text
            }
          }
        }
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`,
    variables: { first: 10 },
  },
];
