import { getIntrospectionQuery, GraphQLError } from 'graphql';
import { describe, expect, it } from 'vitest';
import { Documents } from '../../src/http/documents.ts';
import { createSchema } from '../../src/schema/create-schema.ts';

const documents = new Documents(createSchema(), (error) =>
  error instanceof GraphQLError ? error : new GraphQLError(String(error)),
);
const LIMIT = 20_000;

/** What is said against a document, or against running it with these variables; `null`: nothing. */
function refusal(query: string, variables: Record<string, unknown> = {}, operationName?: string): string | null {
  const prepared = documents.prepare(query);
  if (prepared.errors !== null) return prepared.errors[0]?.message ?? '';
  return prepared.checkCost?.(operationName, variables)?.message ?? null;
}

/** The cost that a refusal names. */
function costOf(query: string, variables?: Record<string, unknown>): number {
  const message = refusal(query, variables) ?? 'no refusal';
  return Number(/may cost (\d+), more than 20000: ask for smaller pages/u.exec(message)?.[1]);
}

/** A list of sessions with their segments: 1,000 for the search, and for each item the edge, the node and what is in them. */
function nested(sessions: number, segments: number): number {
  return 1_000 + 1 + sessions * (1 + 1 + 1 + segments * (1 + 1 + 2));
}

describe('the cost of an operation', () => {
  it('is the product of nested pages, and what is above the limit is refused with both figures', () => {
    const query = (sessions: string, segments: string) =>
      `{ sessions(${sessions}) { edges { node { segments(${segments}) { edges { node { id text } } } } } } }`;
    expect(costOf(query('first: 100', 'first: 100'))).toBe(nested(100, 100));
    expect(costOf(query('last: 100', 'last: 47'))).toBe(nested(100, 47));
    expect(refusal(query('first: 100', 'first: 46'))).toBeNull();
    // Without a number a page has 20 items.
    expect(refusal(query('first: 100', 'first: 100').replace('(first: 100)', ''))).toBeNull();
    expect(nested(20, 100)).toBeLessThan(LIMIT);
  });

  it('takes page sizes from variables, their defaults, and conditions', () => {
    const query = `query ($sessions: Int = 100, $segments: Int, $all: Boolean = true) {
      sessions(first: $sessions) { edges { node { segments(first: $segments) @include(if: $all) { edges { node { id text } } } } } } }`;
    expect(costOf(query, { segments: 100 })).toBe(nested(100, 100));
    expect(refusal(query, { segments: 100, sessions: 10 })).toBeNull();
    expect(refusal(query, { segments: 100, all: false })).toBeNull();
    expect(refusal(query, {})).toBeNull();
    expect(refusal(query, { segments: null, sessions: null })).toBeNull();
    const skipped = query.replace('@include(if: $all)', '@skip(if: $all)');
    expect(refusal(skipped, { segments: 100 })).toBeNull();
    expect(costOf(skipped, { segments: 100, all: false })).toBe(nested(100, 100));
  });

  it('counts page sizes that are none as the largest or the smallest: the field itself refuses them', () => {
    const query =
      'query ($first: Int) { sessions(first: $first) { edges { node { segments { edges { cursor } } } } } }';
    for (const first of [1e9, -5, 2.5, 'many', {}]) expect(refusal(query, { first })).toBeNull();
  });

  it('counts fragments wherever they are spread, inline ones, and aliases', () => {
    const list = 'segments(first: 100) { ...Page }';
    const page = 'fragment Page on SegmentConnection { edges { node { ... on Segment { id ... { text } } } } }';
    const sessions = (inside: string) => `{ sessions(first: 40) { edges { node { ${inside} } } } } ${page}`;
    expect(refusal(sessions(list))).toBeNull();
    expect(costOf(sessions(`a: ${list} b: ${list}`))).toBe(1_000 + 1 + 40 * (2 + 2 * (1 + 100 * 4)));
  });

  it('counts lists without pages by their usual lengths', () => {
    const words =
      '{ sessions(first: 50) { edges { node { segments(first: 4) { edges { node { words { text } } } } } } } }';
    expect(refusal(words)).toBeNull();
    expect(costOf(words.replace('first: 4', 'first: 10'))).toBe(1_001 + 50 * (3 + 10 * (2 + 20 * 2)));
  });

  it('counts searches, statistics and descriptions of the schema besides what they give', () => {
    const aliased = (count: number, field: string) =>
      `{ ${Array.from({ length: count }, (_, index) => `a${index}: ${field}`).join(' ')} }`;
    for (const field of ['statistics { totalSegments }', 'segments(first: 1) { edges { cursor } }']) {
      expect(refusal(aliased(15, field))).toBeNull();
      expect(costOf(aliased(20, field))).toBeGreaterThan(LIMIT);
    }
    expect(costOf(aliased(5, '__schema { types { name } }'))).toBe(25_000);
    expect(refusal(getIntrospectionQuery({ inputValueDeprecation: true, oneOf: true }))).toBeNull();
  });

  it('is that of the operation that runs, not of others beside it', () => {
    const query = `query cheap { __typename }
      query dear { sessions(first: 100) { edges { node { segments(first: 100) { edges { node { id text } } } } } } }`;
    expect(refusal(query, {}, 'cheap')).toBeNull();
    expect(refusal(query, {}, 'dear')).toMatch(/may cost/u);
    expect(refusal(query, {}, 'neither')).toBeNull();
  });

  it('need not be looked at when an operation is sent again, if no variables could make it too much', () => {
    for (const query of [
      'mutation ($input: SendAudioInput!) { sendAudio(input: $input) { nextSequence session { id } } }',
      'query ($id: ID!, $first: Int) { session(id: $id) { segments(first: $first) { edges { node { text } } } } }',
      'subscription ($id: ID!) { segmentAdded(sessionId: $id) { id text words { text } } }',
    ]) {
      expect(documents.prepare(query)).toMatchObject({ errors: null, checkCost: null });
    }
  });
});

describe('what one document may ask for in other words', () => {
  const times = (count: number, text: (index: number) => string) =>
    Array.from({ length: count }, (_, index) => text(index)).join(' ');

  it('is limited in aliases, written out', () => {
    const session = (index: number) => `a${index}: session(id: "x") { id }`;
    expect(refusal(`{ ${times(50, session)} }`)).toBeNull();
    expect(refusal(`{ ${times(51, session)} }`)).toMatch(/more than 50 aliases: split it/u);
    const fragment = `fragment F on Session { ${times(10, (index) => `b${index}: title`)} }`;
    const spread = (count: number) => `{ ${times(count, () => 'session(id: "x") { ...F }')} } ${fragment}`;
    expect(refusal(spread(5))).toBeNull();
    expect(refusal(spread(6))).toMatch(/more than 50 aliases/u);
  });

  it('is limited in mutations, those of fragments among them', () => {
    const end = (index: number) => `a${index}: endSession(input: { sessionId: "x" }) { session { id } }`;
    expect(refusal(`mutation { ${times(10, end)} }`)).toBeNull();
    expect(refusal(`mutation { ${times(11, end)} }`)).toMatch(/more than 10 mutations: send several operations/u);
    expect(refusal(`mutation { ...F ... { ...F } } fragment F on Mutation { ${times(6, end)} }`)).toMatch(/mutations/u);
  });

  it('is limited in operations and directives', () => {
    const operation = (index: number) => `query q${index} { __typename }`;
    expect(refusal(times(10, operation), {}, 'q1')).toBeNull();
    expect(refusal(times(11, operation), {}, 'q1')).toMatch(/more than 10 operations/u);
    expect(refusal(`{ __typename ${times(51, () => '@skip(if: false)')} }`)).toMatch(/more than 50 directives/u);
  });
});
