import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeOf } from '../support/graphql-client.ts';
import {
  endSession,
  SEGMENT_ADDED,
  sendChunk,
  sendChunks,
  speechChunks,
  START,
  startSession,
  type SegmentView,
} from '../support/operations.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { until } from '../support/wait.ts';

interface PageInfo {
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  readonly startCursor: string | null;
  readonly endCursor: string | null;
}
interface Connection<T> {
  readonly edges: readonly { readonly cursor: string; readonly node: T }[];
  readonly pageInfo: PageInfo;
}
const PAGE_INFO = 'pageInfo { hasNextPage hasPreviousPage startCursor endCursor }';
const SILENCE = { silenceMs: 1_000 };

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

describe('startSession', () => {
  it('keeps what it was given', async () => {
    const metadata = { meeting: { room: 'A', people: ['x', 'y'] }, private: true, score: 1.5, nothing: null };
    const input = {
      externalId: 'kept',
      title: 'Board meeting',
      language: 'en-GB',
      audio: { encoding: 'MULAW', sampleRate: 8_000, channels: 2 },
      speakers: [null, 'Bob & “Co”'],
      metadata,
    };
    const id = await startSession(server.client, input);
    const { session } = await server.client.data<{ session: object }>(
      `query ($id: ID!) { session(id: $id) {
        externalId title language speakers metadata endReason endedAt audioFormat { encoding sampleRate channels } } }`,
      { id },
    );
    const { audio: audioFormat, ...rest } = input;
    expect(session).toEqual({ ...rest, audioFormat, endReason: null, endedAt: null });
  });

  it('finds the open session of an externalId again, unless the format differs or it is over', async () => {
    const { client } = server;
    const input = { externalId: 'again' };
    const id = await startSession(client, input);
    expect(await startSession(client, input)).toBe(id);
    const otherFormat = { ...input, audio: { encoding: 'PCM_F32LE' } };
    expect(codeOf(await client.request(START, { input: otherFormat }))).toBe('SESSION_CONFLICT');
    await endSession(client, id);
    expect(codeOf(await client.request(START, { input }))).toBe('SESSION_CONFLICT');
  });

  it.each([
    ['a sample rate that is too low', { audio: { sampleRate: 7_999 } }],
    ['a sample rate that is too high', { audio: { sampleRate: 48_001 } }],
    ['three channels', { audio: { channels: 3 } }],
    ['no channels', { audio: { channels: 0 } }],
    ['more speakers than channels', { speakers: ['Ann', 'Bob'] }],
    ['a speaker without a name', { speakers: [' '] }],
    ['a speaker with a name that is too long', { speakers: ['x'.repeat(101)] }],
    ['a speaker with a name on two lines', { speakers: ['Ann\nBob'] }],
    ['a speaker with half of a character', { speakers: ['\ud83d'] }],
    ['an unknown language', { language: 'tlh' }],
    ['an unknown encoding', { audio: { encoding: 'AAC' } }],
    ['an empty externalId', { externalId: '' }],
    ['a title that is too long', { title: 'x'.repeat(501) }],
    ['metadata that is too large', { metadata: 'x'.repeat(17_000) }],
    ['a field that does not exist', { colour: 'red' }],
  ])('refuses %s with BAD_USER_INPUT', async (_what, input) => {
    expect(codeOf(await server.client.request(START, { input }))).toBe('BAD_USER_INPUT');
  });

  it('refuses more sessions than the server may have open, and says when to try again', async () => {
    const small = await startTestServer({ maxOpenSessions: 1 });
    try {
      await startSession(small.client);
      const refused = await small.client.request(START, { input: {} });
      expect(codeOf(refused)).toBe('OVERLOADED');
      expect(refused.errors?.[0]?.extensions['retryAfterMs']).toBeGreaterThan(0);
    } finally {
      await small.stop();
    }
  });
});

describe('transcript', () => {
  it('is the whole session as a text to keep, in each format', async () => {
    const { client } = server;
    const sessionId = await startSession(client, { title: 'Talk', speakers: ['Ann'] });
    await sendChunks(client, sessionId, speechChunks(['alpha', 'bravo', SILENCE, 'charlie', SILENCE]));
    await endSession(client, sessionId);
    const session: Record<string, string> = {};
    for (const fields of [
      'text: transcript srt: transcript(format: SRT)',
      'vtt: transcript(format: VTT)',
      'csv: transcript(format: CSV) json: transcript(format: JSON)',
    ]) {
      const answer = await client.data<{ session: Record<string, string> }>(
        `query ($id: ID!) { session(id: $id) { ${fields} } }`,
        { id: sessionId },
      );
      Object.assign(session, answer.session);
    }
    expect(session['text']).toBe('Ann: alpha bravo\nAnn: charlie\n');
    expect(session['srt']).toMatch(/^1\n00:00:00,\d{3} --> 00:00:0\d,\d{3}\nAnn: alpha bravo\n\n2\n/u);
    expect(session['vtt']).toMatch(/^WEBVTT\n\n00:00:00\.\d{3} --> 00:00:0\d\.\d{3}\n<v Ann>alpha bravo\n/u);
    expect(session['csv']?.split('\r\n')[2]).toMatch(/^2,\d+,\d+,0,"Ann",[\d.]+,"charlie"$/u);
    expect(JSON.parse(session['json'] ?? '')).toMatchObject({
      session: { title: 'Talk', status: 'COMPLETED', statistics: { totalSegments: 2 } },
      segments: [
        { sequence: 1, text: 'alpha bravo' },
        { sequence: 2, text: 'charlie' },
      ],
    });
  });
});

describe('updateSession', () => {
  const UPDATE = `mutation ($input: UpdateSessionInput!) { updateSession(input: $input) { session { id title } } }`;

  it('changes the title of a session, or takes it away', async () => {
    const { client } = server;
    const sessionId = await startSession(client, { title: 'Board' });
    const update = (changes: object) => client.data(UPDATE, { input: { sessionId, ...changes } });
    const has = (title: string | null) => ({ updateSession: { session: { id: sessionId, title } } });
    expect(await update({ title: 'Board meeting' })).toEqual(has('Board meeting'));
    expect(await update({})).toEqual(has('Board meeting'));
    expect(await update({ title: null })).toEqual(has(null));
  });
});

describe('deleteSession', () => {
  const DELETE = `mutation ($input: DeleteSessionInput!) { deleteSession(input: $input) { deletedSessionId } }`;

  it('takes a running session out of every list and completes its subscriptions', async () => {
    const { client } = server;
    const sessionId = await startSession(client, { title: 'secret' });
    const shown: unknown[] = [];
    const heard = (async () => {
      const events = client.events<{ segmentAdded: SegmentView }>(SEGMENT_ADDED, { sessionId, fromStart: true });
      for await (const { segmentAdded } of events) shown.push(segmentAdded.text);
    })();
    await sendChunks(client, sessionId, speechChunks(['alpha', SILENCE]));
    await until(() => shown.includes('alpha'));

    const input = { sessionId };
    expect(await client.data(DELETE, { input })).toEqual({ deleteSession: { deletedSessionId: sessionId } });
    await heard;
    const rest = `query ($id: ID!) {
      session(id: $id) { id }
      sessions(filter: { titleContains: "secret" }) { edges { node { id } } } }`;
    expect(await client.data(rest, { id: sessionId })).toEqual({
      session: null,
      sessions: { edges: [] },
    });
    const [late] = speechChunks(['bravo']);
    if (late === undefined) throw new Error('No chunk to send');
    expect(codeOf(await sendChunk(client, sessionId, 0, late))).toBe('NOT_FOUND');
    expect(codeOf(await client.request(DELETE, { input }))).toBe('NOT_FOUND');
  });
});

describe('queries for what is absent', () => {
  it.each(['nonsense', 'U2Vzc2lvbjpub25l', 'U2VnbWVudDpub25l', ''])('give null for the id "%s"', async (id) => {
    const query = 'query ($id: ID!) { session(id: $id) { id } node(id: $id) { id } }';
    expect(await server.client.data(query, { id })).toEqual({ session: null, node: null });
  });

  it('node gives sessions and segments with their types', async () => {
    const { client } = server;
    const sessionId = await startSession(client);
    await sendChunks(client, sessionId, speechChunks(['alpha', SILENCE]));
    await endSession(client, sessionId);
    const { session } = await client.data<{ session: { segments: Connection<{ id: string }> } }>(
      'query ($id: ID!) { session(id: $id) { segments { edges { node { id } } } } }',
      { id: sessionId },
    );
    const segmentId = session.segments.edges[0]?.node.id ?? '';
    const nodes = await client.data(
      `query ($a: ID!, $b: ID!) { a: node(id: $a) { __typename id } b: node(id: $b) { __typename id ... on Segment { text } } }`,
      { a: sessionId, b: segmentId },
    );
    expect(nodes).toEqual({
      a: { __typename: 'Session', id: sessionId },
      b: { __typename: 'Segment', id: segmentId, text: 'alpha' },
    });
  });
});

describe('lists', () => {
  let own: TestServer;
  let ids: string[];
  let talk: string;
  beforeAll(async () => {
    own = await startTestServer();
    ids = [];
    for (const title of ['e', 'd', 'c', 'b', 'a']) ids.push(await startSession(own.client, { title }));
    talk = ids[0] ?? '';
    const words = ['alpha', 'bravo', 'charlie', 'delta', 'echo'] as const;
    await sendChunks(own.client, talk, speechChunks(words.flatMap((word) => [word, SILENCE])));
    await endSession(own.client, talk);
  });
  afterAll(() => own.stop());

  async function sessions(args: string): Promise<Connection<{ id: string; title: string }>> {
    const query = `{ sessions(${args}) { edges { cursor node { id title } } ${PAGE_INFO} } }`;
    return (await own.client.data<{ sessions: Connection<{ id: string; title: string }> }>(query)).sessions;
  }

  async function segments(args: string): Promise<Connection<{ sequence: number }>> {
    const { session } = await own.client.data<{ session: { segments: Connection<{ sequence: number }> } }>(
      `query ($id: ID!) { session(id: $id) { segments(${args}) { edges { cursor node { sequence } } ${PAGE_INFO} } } }`,
      { id: talk },
    );
    return session.segments;
  }

  const sequencesOf = ({ edges }: Connection<{ sequence: number }>) => edges.map(({ node }) => node.sequence);

  it('show the newest session first, page by page, each once', async () => {
    const seen: string[] = [];
    for (let after = ''; ;) {
      const page = await sessions(`first: 2${after}`);
      seen.push(...page.edges.map(({ node }) => node.id));
      if (!page.pageInfo.hasNextPage) break;
      after = `, after: "${page.pageInfo.endCursor}"`;
    }
    expect(seen).toEqual(ids.toReversed());
  });

  it('order and filter sessions as asked', async () => {
    const byTitle = await sessions('first: 10, orderBy: { field: TITLE, direction: ASC }');
    expect(byTitle.edges.map(({ node }) => node.title)).toEqual(['a', 'b', 'c', 'd', 'e']);
    const completed = await sessions('first: 10, filter: { statuses: [COMPLETED] }');
    expect(completed.edges.map(({ node }) => node.id)).toEqual([talk]);
    expect((await sessions('first: 10, filter: { titleContains: "B" }')).edges).toHaveLength(1);
  });

  it('page through the segments of a session in both directions, and tell what lies around a page', async () => {
    const first = await segments('first: 2');
    expect(sequencesOf(first)).toEqual([1, 2]);
    expect(first.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false });
    const second = await segments(`first: 2, after: "${first.pageInfo.endCursor}"`);
    expect(sequencesOf(second)).toEqual([3, 4]);
    expect(second.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: true });
    const last = await segments(`first: 2, after: "${second.pageInfo.endCursor}"`);
    expect(sequencesOf(last)).toEqual([5]);
    expect(last.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
    const backwards = await segments(`last: 3, before: "${last.pageInfo.startCursor}"`);
    expect(sequencesOf(backwards)).toEqual([2, 3, 4]);
    expect(backwards.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: true });
    const none = await segments(`first: 2, after: "${last.pageInfo.endCursor}"`);
    expect(none.edges).toEqual([]);
    expect(none.pageInfo).toEqual({ hasNextPage: false, hasPreviousPage: true, startCursor: null, endCursor: null });
    expect(sequencesOf(await segments('last: 0'))).toEqual([]);
    expect((await segments('kind: INTERIM')).edges).toEqual([]);
  });

  it('find segments across sessions by their text', async () => {
    const { segments: found } = await own.client.data<{ segments: Connection<{ text: string; session: object }> }>(
      `{ segments(filter: { textContains: "CHAR" }) { edges { node { text session { title } } } ${PAGE_INFO} } }`,
    );
    expect(found.edges.map(({ node }) => node)).toEqual([{ text: 'charlie', session: { title: 'e' } }]);
  });

  it('count across sessions, day by day in the time zone asked for', async () => {
    const { statistics } = await own.client.data<{ statistics: { days: Record<string, unknown>[] } }>(
      `{ statistics(timeZone: "Pacific/Auckland") { totalSessions totalSegments wordCount
        days { day totalSessions totalSegments wordCount averageConfidence } } }`,
    );
    expect(statistics).toMatchObject({ totalSessions: 5, totalSegments: 5, wordCount: 5 });
    const today = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Pacific/Auckland' }).format(new Date());
    expect(statistics.days.at(-1)).toMatchObject({ day: today });
  });

  it.each([
    ['first: 101'],
    ['last: 101'],
    ['first: -1'],
    ['first: 1, last: 1'],
    ['after: "nonsense"'],
    ['before: "ZmluYWw6MDE"'],
  ])('refuse the arguments %s with BAD_USER_INPUT', async (args) => {
    const pages = [
      `{ sessions(${args}) { ${PAGE_INFO} } }`,
      `{ segments(${args}) { ${PAGE_INFO} } }`,
      `{ session(id: "${talk}") { segments(${args}) { ${PAGE_INFO} } } }`,
    ];
    for (const query of pages) expect(codeOf(await own.client.request(query))).toBe('BAD_USER_INPUT');
  });

  it('refuse time zones that do not exist and ids of another type', async () => {
    const { client } = own;
    expect(codeOf(await client.request('{ statistics(timeZone: "Mars/Base") { wordCount } }'))).toBe('BAD_USER_INPUT');
    expect(codeOf(await client.request('{ segments(filter: { sessionId: "x" }) { totalCount } }'))).toBe(
      'BAD_USER_INPUT',
    );
  });
});
