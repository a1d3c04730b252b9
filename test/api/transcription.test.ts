import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { synthesiseToneSpeech } from '../../src/recognition/scripted/tone-speech.ts';
import {
  collectSegments,
  endSession,
  finalsOf,
  readSession,
  SEGMENT_ADDED,
  SEGMENT_FIELDS,
  sendChunks,
  speechChunks,
  startSession,
  textsOf,
  type SegmentView,
} from '../support/operations.ts';
import { interleave } from '../support/recognition.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const SILENCE = { silenceMs: 1_000 };
const SCRIPT = ['alpha', 'bravo', 'charlie', SILENCE, 'delta', 'echo', SILENCE, 'foxtrot', SILENCE] as const;
const SENTENCES = ['alpha bravo charlie', 'delta echo', 'foxtrot'];

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

/** A session with the finals of `SENTENCES`, over. */
async function completedSession(): Promise<string> {
  const id = await startSession(server.client);
  const chunks = speechChunks(SCRIPT);
  await sendChunks(server.client, id, chunks);
  await endSession(server.client, id, chunks.length);
  return id;
}

describe('a session of two channels', () => {
  it('shows what both are saying, and can be asked for the one or the other', async () => {
    const { client } = server;
    const audio = { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 2 };
    const id = await startSession(client, { audio, speakers: ['Ann', 'Bob'] });
    const watching = collectSegments(client, id, { fromStart: true });
    const bytes = interleave(
      synthesiseToneSpeech(['alpha', 'bravo', SILENCE, 'charlie', SILENCE], 16_000),
      synthesiseToneSpeech([{ silenceMs: 900 }, 'delta', 'echo', SILENCE], 16_000),
    );
    await sendChunks(client, id, [Buffer.from(bytes)]);
    const session = await endSession(client, id, 1);
    const finals = finalsOf(await watching);
    expect(finals.map(({ channel, speaker, text }) => `${channel} ${speaker} ${text}`)).toEqual([
      '0 Ann alpha bravo',
      '1 Bob delta echo',
      '0 Ann charlie',
    ]);
    const { receivedMs, ...classes } = session.coverage;
    expect(Object.values(classes).reduce((sum, ms) => sum + ms, 0)).toBe(receivedMs);

    const { segments } = await client.data<{ segments: { edges: { node: SegmentView }[] } }>(
      `query ($id: ID) { segments(filter: { sessionId: $id, channel: 1 }) { edges { node { ${SEGMENT_FIELDS} } } } }`,
      { id },
    );
    expect(segments.edges.map(({ node }) => node)).toEqual(finals.filter(({ channel }) => channel === 1));
  });
});

describe('a session from its start to its end', () => {
  it('delivers exactly the words that were said, accounts for all audio, and completes', async () => {
    const { client } = server;
    const id = await startSession(client, { title: 'Main flow' });
    const watching = collectSegments(client, id, { fromStart: true });
    const chunks = speechChunks(SCRIPT);
    const acknowledged = await sendChunks(client, id, chunks);
    expect(acknowledged).toMatchObject({ nextSequence: chunks.length, duplicate: false });

    const session = await endSession(client, id, chunks.length);
    expect(session).toMatchObject({
      status: 'COMPLETED',
      endReason: 'CLIENT',
      nextSequence: chunks.length,
      statistics: { totalSegments: 3, wordCount: 6 },
    });
    const { receivedMs, ...classes } = session.coverage;
    expect(receivedMs).toBe(acknowledged.receivedMs);
    expect(Object.values(classes).reduce((sum, ms) => sum + ms, 0)).toBe(receivedMs);
    expect(classes.pendingMs).toBe(0);

    const finals = finalsOf(await watching);
    expect(textsOf(finals)).toEqual(SENTENCES);
    expect(finals.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    expect(finals.every(({ avgConfidence }) => avgConfidence !== null && avgConfidence > 0.5)).toBe(true);
  });

  it('shows drafts while the words are spoken, and replaces them by a final of the same id', async () => {
    const { client } = server;
    const id = await startSession(client);
    const spoken = speechChunks(['golf', 'hotel', 'india', 'juliett', 'kilo', 'lima']);
    const silence = speechChunks([SILENCE]);
    const drafts: SegmentView[] = [];
    let final: SegmentView | null = null;
    const events = client.events<{ segmentAdded: SegmentView }>(SEGMENT_ADDED, { sessionId: id });
    const sent = sendChunks(client, id, spoken);
    for await (const { segmentAdded: segment } of events) {
      if (segment.kind === 'FINAL') {
        final = segment;
        break;
      }
      // Only after a draft was seen does the silence come that makes it final.
      if (drafts.push(segment) === 1) await sent.then(() => sendChunks(client, id, silence, spoken.length));
    }
    expect(final?.text).toBe('golf hotel india juliett kilo lima');
    expect(drafts.length).toBeGreaterThan(0);
    for (const draft of drafts) {
      expect(draft).toMatchObject({ id: final?.id, sequence: null, cursor: null });
      expect(draft.revision).toBeLessThan(final?.revision ?? 0);
      expect(final?.text.startsWith(draft.text)).toBe(true);
    }
    await endSession(client, id);
  });

  it('tells words with their times and confidence, and statistics that follow from the segments', async () => {
    const id = await completedSession();
    const { session } = await server.client.data<{
      session: {
        segments: {
          totalCount: number;
          edges: {
            cursor: string;
            node: SegmentView & { words: Record<string, unknown>[]; session: { id: string } };
          }[];
        };
        statistics: Record<string, number>;
      };
    }>(
      `query ($id: ID!) { session(id: $id) {
        segments { totalCount edges { cursor node { ${SEGMENT_FIELDS} session { id } words { text startMs endMs confidence } } } }
        statistics { totalSegments averageConfidence totalDuration wordCount speakingDuration wordsPerMinute } } }`,
      { id },
    );
    const segments = session.segments.edges.map(({ node }) => node);
    expect(session.segments.totalCount).toBe(3);
    expect(session.segments.edges.map(({ cursor }) => cursor)).toEqual(segments.map(({ cursor }) => cursor));
    expect(segments.map(({ session: { id: parent } }) => parent)).toEqual([id, id, id]);
    expect(segments.map(({ words }) => words.map(({ text }) => text).join(' '))).toEqual(SENTENCES);
    for (const { words, startMs, endMs } of segments) {
      for (const word of words) {
        expect(word['startMs']).toBeGreaterThanOrEqual(startMs);
        expect(word['endMs']).toBeLessThanOrEqual(endMs);
        expect(word['confidence']).toBeGreaterThan(0.5);
      }
    }
    const speaking = segments.reduce((sum, { startMs, endMs }) => sum + (endMs - startMs), 0) / 1000;
    const confidences = segments.map(({ avgConfidence }) => avgConfidence ?? 0);
    expect(session.statistics['totalSegments']).toBe(3);
    expect(session.statistics['wordCount']).toBe(6);
    expect(session.statistics['speakingDuration']).toBeCloseTo(speaking, 6);
    expect(session.statistics['wordsPerMinute']).toBeCloseTo(6 / (speaking / 60), 6);
    expect(session.statistics['totalDuration']).toBeCloseTo(
      ((segments.at(-1)?.endMs ?? 0) - (segments[0]?.startMs ?? 0)) / 1000,
      6,
    );
    expect(session.statistics['averageConfidence']).toBeCloseTo(confidences.reduce((a, b) => a + b) / 3, 6);
  });

  it('ends once, however often it is told to', async () => {
    const id = await completedSession();
    const first = await readSession(server.client, id);
    expect(await endSession(server.client, id)).toEqual(first);
    expect(await endSession(server.client, id, first.nextSequence)).toEqual(first);
  });

  it('without any audio has null where there is nothing to tell', async () => {
    const id = await startSession(server.client);
    await endSession(server.client, id);
    const { session } = await server.client.data<{ session: object }>(
      `query ($id: ID!) { session(id: $id) { status statistics { totalSegments averageConfidence totalDuration wordsPerMinute } } }`,
      { id },
    );
    expect(session).toEqual({
      status: 'COMPLETED',
      statistics: { totalSegments: 0, averageConfidence: null, totalDuration: 0, wordsPerMinute: null },
    });
  });
});

describe('segmentAdded', () => {
  it('goes on after a cursor: what was missed comes once and in order', async () => {
    const id = await completedSession();
    const all = await collectSegments(server.client, id, { fromStart: true });
    expect(textsOf(all)).toEqual(SENTENCES);
    const after = all[0]?.cursor ?? '';
    expect(textsOf(await collectSegments(server.client, id, { after }))).toEqual(SENTENCES.slice(1));
    const last = all.at(-1)?.cursor ?? '';
    expect(await collectSegments(server.client, id, { after: last })).toEqual([]);
  });

  it('from now on tells nothing of a session that is over, and completes', async () => {
    const id = await completedSession();
    expect(await collectSegments(server.client, id)).toEqual([]);
  });

  it('never is ahead of a query: who was shown a final finds it', async () => {
    const { client } = server;
    const id = await startSession(client);
    const events = client.events<{ segmentAdded: SegmentView }>(SEGMENT_ADDED, { sessionId: id, fromStart: true });
    void sendChunks(client, id, speechChunks(SCRIPT));
    let shown = 0;
    for await (const { segmentAdded: segment } of events) {
      if (segment.kind === 'INTERIM') continue;
      shown += 1;
      const { session, node } = await client.data<{
        session: { segments: { edges: unknown[] }; statistics: { totalSegments: number } };
        node: { text: string } | null;
      }>(
        `query ($id: ID!, $segment: ID!) {
          session(id: $id) { segments { edges { node { id } } } statistics { totalSegments } }
          node(id: $segment) { ... on Segment { text } } }`,
        { id, segment: segment.id },
      );
      expect(session.segments.edges.length).toBeGreaterThanOrEqual(shown);
      expect(session.statistics.totalSegments).toBeGreaterThanOrEqual(shown);
      expect(node?.text).toBe(segment.text);
      if (shown === SENTENCES.length) break;
    }
    await endSession(client, id);
  });
});

describe('sessionUpdated', () => {
  it('tells how the session stands at once, and completes with the completed session', async () => {
    const { client } = server;
    const id = await startSession(client);
    const statuses: string[] = [];
    const updates = client.events<{ sessionUpdated: { status: string; nextSequence: number } }>(
      `subscription ($id: ID!) { sessionUpdated(sessionId: $id) { status nextSequence } }`,
      { id },
    );
    for await (const { sessionUpdated: session } of updates) {
      if (statuses.push(session.status) === 1) {
        await sendChunks(client, id, speechChunks(['alpha', SILENCE]));
        await endSession(client, id);
      }
    }
    expect(statuses[0]).toBe('ACTIVE');
    expect(statuses.at(-1)).toBe('COMPLETED');
  });
});

describe('what the database has of a session', () => {
  it('agrees with the session once it is completed, without a draft', async () => {
    const id = await completedSession();
    const { session } = await server.client.data<{ session: { stored: object } }>(
      `query ($id: ID!) { session(id: $id) { stored { status totalSegments finalSegments interimSegments } } }`,
      { id },
    );
    expect(session.stored).toEqual({ status: 'COMPLETED', totalSegments: 3, finalSegments: 3, interimSegments: 0 });
  });
});
