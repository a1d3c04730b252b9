import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeOf, type GraphqlClient } from '../support/graphql-client.ts';
import { endSession, sendChunks, speechChunks, startSession } from '../support/operations.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { until } from '../support/wait.ts';

const SEARCH = `query ($filter: SegmentFilter, $first: Int, $after: String, $last: Int, $before: String) {
  segments(filter: $filter, first: $first, after: $after, last: $last, before: $before) {
    totalCount
    edges { cursor highlights { start end } node { text startMs sequence session { title } } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  } }`;
const SILENCE = { silenceMs: 1_000 };

interface Found {
  readonly totalCount: number | null;
  readonly edges: readonly {
    readonly highlights: readonly { readonly start: number; readonly end: number }[];
    readonly node: { readonly text: string; readonly sequence: number; readonly session: { readonly title: string } };
  }[];
  readonly pageInfo: Readonly<Record<'hasNextPage' | 'hasPreviousPage', boolean>> &
    Readonly<Record<'startCursor' | 'endCursor', string | null>>;
}

async function search(client: GraphqlClient, text: string, page: object = {}, filter: object = {}): Promise<Found> {
  const variables = { filter: { search: text, ...filter }, ...page };
  return (await client.data<{ segments: Found }>(SEARCH, variables)).segments;
}

const hitsOf = ({ edges }: Found) => edges.map(({ node }) => `${node.session.title} ${node.sequence}: ${node.text}`);

describe('a search through everything that was said', () => {
  let folder: string;
  let server: TestServer;
  const ids: Record<string, string> = {};

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'verbatim-test-'));
    server = await startTestServer({ dataDirectory: folder });
    for (const title of ['first', 'second', 'third']) {
      const id = await startSession(server.client, { title });
      ids[title] = id;
      const script = ['alpha', 'bravo', SILENCE, 'alpha', title === 'third' ? 'kilo' : 'delta', SILENCE] as const;
      const { nextSequence } = await sendChunks(server.client, id, speechChunks(script));
      await endSession(server.client, id, nextSequence);
    }
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  });

  it('finds the moment, in its session, and says what of the text was searched for', async () => {
    const found = await search(server.client, 'ALPHA ki');
    expect(hitsOf(found)).toEqual(['third 2: alpha kilo']);
    expect(found).toMatchObject({ totalCount: null, pageInfo: { hasNextPage: false, hasPreviousPage: false } });
    const [hit] = found.edges;
    expect(hit?.highlights.map(({ start, end }) => hit.node.text.slice(start, end))).toEqual(['alpha', 'kilo']);
    expect(hitsOf(await search(server.client, '"kilo alpha"'))).toEqual([]);
    expect(hitsOf(await search(server.client, 'alpha', {}, { sessionId: ids['first'] }))).toHaveLength(2);
    const { segments } = await server.client.data<{ segments: Found }>(SEARCH, { filter: { textContains: 'alpha' } });
    expect(segments.edges.map(({ highlights }) => highlights)).toEqual(Array.from({ length: 6 }, () => []));
  });

  it('goes page by page in both directions, the session first that was started last', async () => {
    const all = ['third', 'second', 'first'].flatMap((title) => [`${title} 1`, `${title} 2`]);
    const places = (found: Found) => hitsOf(found).map((hit) => hit.split(':')[0]);
    const first = await search(server.client, 'alpha', { first: 4 });
    expect(places(first)).toEqual(all.slice(0, 4));
    expect(first.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false });
    const second = await search(server.client, 'alpha', { first: 4, after: first.pageInfo.endCursor });
    expect(places(second)).toEqual(all.slice(4));
    expect(second.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
    const back = await search(server.client, 'alpha', { last: 2, before: second.pageInfo.startCursor });
    expect(places(back)).toEqual(all.slice(2, 4));
    expect(back.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: true });
  });

  it('answers whatever is typed, and says when there is nothing to look for in it', async () => {
    const { client } = server;
    for (const text of [
      '"alpha',
      'alpha" OR "x',
      'text:alpha',
      'NEAR(alpha kilo)',
      'alpha*',
      '-alpha',
      '^alpha',
      '🎉 alpha 🎉',
    ]) {
      const { errors } = await client.request(SEARCH, { filter: { search: text } });
      expect(errors, text).toBeUndefined();
    }
    for (const text of ['', '"', '?!', '🎉', 'x '.repeat(51), 'x'.repeat(1_001)]) {
      expect(codeOf(await client.request(SEARCH, { filter: { search: text } })), text).toBe('BAD_USER_INPUT');
    }
    const { edges } = await search(client, 'alpha');
    expect(edges).toHaveLength(6);
    expect(codeOf(await client.request(SEARCH, { filter: { search: 'alpha' }, after: 'nonsense' }))).toBe(
      'BAD_USER_INPUT',
    );
    const many = Array.from(
      { length: 21 },
      (_, index) => `s${index}: segments(filter: { search: "a" }) { edges { cursor } }`,
    );
    expect(codeOf(await client.request(`{ ${many.join(' ')} }`))).toBe('BAD_USER_INPUT');
  });

  it('finds what a running session says as soon as it is stored, and after a restart', async () => {
    const id = await startSession(server.client, { title: 'running' });
    const script = (['golf', 'hotel', 'india', 'juliett', 'alpha'] as const).flatMap(
      (word) => [word, SILENCE] as const,
    );
    await sendChunks(server.client, id, speechChunks(script));
    const isFound = async () => hitsOf(await search(server.client, 'juliett'))[0] === 'running 4: juliett';
    await until(isFound, { timeoutMs: 30_000, what: 'the batch' });

    await server.stop();
    server = await startTestServer({ dataDirectory: folder });
    expect(await isFound()).toBe(true);
    expect(hitsOf(await search(server.client, 'kilo'))).toEqual(['third 2: alpha kilo']);
  });

  it('finds what a person made of a text, and what was there before when that is restored', async () => {
    const { client } = server;
    const { segments } = await client.data<{ segments: { edges: { node: { id: string } }[] } }>(
      '{ segments(filter: { search: "kilo" }) { edges { node { id } } } }',
    );
    const write = (text: string | null) =>
      client.data('mutation ($input: UpdateSegmentInput!) { updateSegment(input: $input) { segment { id } } }', {
        input: { segmentId: segments.edges[0]?.node.id, text },
      });
    await write('Alfa, Kilogramme');
    expect(hitsOf(await search(client, 'kilo '))).toEqual([]);
    expect(hitsOf(await search(client, 'kilog'))).toEqual(['third 2: Alfa, Kilogramme']);
    await write(null);
    expect(hitsOf(await search(client, 'kilo '))).toEqual(['third 2: alpha kilo']);
  });

  it('finds nothing of a session that was deleted', async () => {
    const { client } = server;
    await client.data('mutation ($input: DeleteSessionInput!) { deleteSession(input: $input) { deletedSessionId } }', {
      input: { sessionId: ids['third'] },
    });
    expect(hitsOf(await search(client, 'kilo'))).toEqual([]);
    expect(hitsOf(await search(client, 'delta'))).toHaveLength(2);
  });
});
