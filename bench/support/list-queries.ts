import { z } from 'zod';
import { COMMON_TEXT, longestSessionId, RARE_TEXT, type StoredSessions } from './stored-sessions.ts';

/** A question about stored sessions, over the API. */
export interface ListQuery {
  /** For people. */
  readonly what: string;
  readonly document: string;
  readonly variables: Readonly<Record<string, unknown>>;
  /** What it has in common with others, which are told as one. */
  readonly group: string;
  /** What it may read: about as much as it answers, however many rows there are; a row of each session; or every segment. */
  readonly reads: 'page' | 'sessions' | 'segments';
}

const ORDER_FIELDS = ['CREATED_AT', 'TITLE', 'TOTAL_DURATION', 'TOTAL_SEGMENTS', 'AVERAGE_CONFIDENCE'] as const;
type OrderField = (typeof ORDER_FIELDS)[number];
const DIRECTIONS = ['DESC', 'ASC'] as const;

/** Cursors deep in the lists, as the server gives them. */
interface Places {
  readonly session: Readonly<Record<OrderField, string>>;
  /** In the list across sessions. */
  readonly segment: string;
  /** Near the end of the longest session. */
  readonly final: string;
  /** Among the hits of a search for a common word, in the longest session. */
  readonly hit: string;
}

const SESSIONS = `query ($first: Int, $after: String, $last: Int, $before: String, $filter: SessionFilter, $orderBy: SessionOrder) {
  sessions(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $orderBy) {
    edges { cursor node { id externalId title status createdAt statistics { totalSegments averageConfidence totalDuration } coverage { receivedMs } warnings { code } } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`;
const SEGMENT = 'id sequence kind text startMs endMs avgConfidence channel words { text startMs endMs confidence }';
const FINALS = `query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  session(id: $id) { id segments(first: $first, after: $after, last: $last, before: $before) {
    totalCount edges { cursor node { ${SEGMENT} } } pageInfo { hasNextPage hasPreviousPage }
  } }
}`;
const SEGMENTS = `query ($first: Int, $after: String, $last: Int, $before: String, $filter: SegmentFilter) {
  segments(first: $first, after: $after, last: $last, before: $before, filter: $filter) {
    edges { cursor node { ${SEGMENT} session { id title } } } pageInfo { hasNextPage hasPreviousPage }
  }
}`;
const SEARCH = SEGMENTS.replace('edges {', 'edges { highlights { start end }');
const STATISTICS = `query ($filter: SessionFilter, $timeZone: String) {
  statistics(filter: $filter, timeZone: $timeZone) {
    totalSessions totalSegments wordCount recordedDuration speakingDuration averageConfidence wordsPerMinute averageLatencyMs
    days { day totalSegments averageConfidence averageLatencyMs }
  }
}`;
const SESSION = `query ($id: ID!) {
  session(id: $id) { statistics { totalSegments averageConfidence totalDuration wordCount speakingDuration wordsPerMinute averageLatencyMs } coverage { receivedMs } }
}`;
const STORED = 'query { sessions { edges { node { stored { totalSegments finalSegments interimSegments } } } } }';

const PAGE = 20;
const TIME = { from: '2026-06-01T00:00:00Z', to: '2026-06-29T00:00:00Z' };

/**
 * All ways of asking for lists and statistics that the API has, each at the beginning and deep in its list.
 *
 * @param ask runs an operation and gives its data
 */
export async function listQueries(
  size: StoredSessions,
  ask: (document: string, variables: Readonly<Record<string, unknown>>) => Promise<unknown>,
): Promise<ListQuery[]> {
  const places = await findPlaces(size, ask);
  return [
    ...sessionQueries(places),
    ...finalQueries(size, places),
    ...segmentQueries(size, places),
    ...searchQueries(size, places),
    ...statisticsQueries(size),
  ];
}

function sessionQueries(places: Places): ListQuery[] {
  const ask = (group: string, what: string, variables: object, reads: ListQuery['reads'] = 'page') => ({
    what: `sessions ${what}`,
    document: SESSIONS,
    variables: { ...variables },
    group: `sessions, ${group}`,
    reads,
  });
  const filtered = (what: string, filter: object, reads: ListQuery['reads'] = 'page') =>
    ask(reads === 'page' ? 'filtered' : what, what, { first: PAGE, filter }, reads);
  return [
    ...ORDER_FIELDS.flatMap((field) =>
      DIRECTIONS.flatMap((direction) => {
        const orderBy = { field, direction };
        return [
          ask('first page in any order', `by ${field} ${direction}, first page`, { first: PAGE, orderBy }),
          ask('deep in the list in any order', `by ${field} ${direction}, after one deep in the list`, {
            first: PAGE,
            after: places.session[field],
            orderBy,
          }),
          ask('deep in the list in any order', `by ${field} ${direction}, before one deep in the list`, {
            last: PAGE,
            before: places.session[field],
            orderBy,
          }),
        ];
      }),
    ),
    ask('first page in any order', 'last page', { last: PAGE }),
    filtered('that are completed', { statuses: ['COMPLETED'] }),
    filtered('that failed', { statuses: ['FAILED'] }),
    filtered('that are open', { statuses: ['ACTIVE', 'FINALIZING'] }, 'sessions'),
    filtered('with an external id', { externalId: 'meeting-0' }),
    filtered('of a time', TIME),
    filtered('in a rare language', { language: 'cy' }, 'sessions'),
    filtered('with a title that none has', { titleContains: 'meeting -' }, 'sessions'),
    {
      what: 'sessions with what is stored of them',
      document: STORED,
      variables: {},
      group: 'sessions, with what is stored of them',
      reads: 'page',
    },
  ];
}

function finalQueries(size: StoredSessions, { final }: Places): ListQuery[] {
  const ask = (what: string, variables: object) => ({
    what: `segments of a session, ${what}`,
    document: FINALS,
    variables: { id: globalId(longestSessionId(size)), ...variables },
    group: 'segments of a long session, anywhere',
    reads: 'page' as const,
  });
  return [
    ask('first page', { first: PAGE }),
    ask('last page', { last: PAGE }),
    ask('after one deep in the list', { first: PAGE, after: final }),
    ask('before one deep in the list', { last: PAGE, before: final }),
  ];
}

function segmentQueries(size: StoredSessions, { segment }: Places): ListQuery[] {
  const ask = (group: string, what: string, variables: object, reads: ListQuery['reads'] = 'page') => ({
    what: `segments of all sessions, ${what}`,
    document: SEGMENTS,
    variables: { ...variables },
    group: `segments of all sessions, ${group}`,
    reads,
  });
  const filtered = (what: string, filter: object, reads: ListQuery['reads'] = 'page') =>
    ask(reads === 'page' ? 'filtered' : what, what, { first: PAGE, filter }, reads);
  return [
    ask('first and last page', 'first page', { first: PAGE }),
    ask('first and last page', 'last page', { last: PAGE }),
    ask('deep in the list', 'after one deep in the list', { first: PAGE, after: segment }),
    ask('deep in the list', 'before one deep in the list', { last: PAGE, before: segment }),
    ask('deep in the list', 'between two', { first: PAGE, after: segment, before: segment }),
    filtered('of one session', { sessionId: globalId(longestSessionId(size)) }),
    filtered('of a time', TIME),
    filtered('finals', { kind: 'FINAL' }),
    filtered('drafts', { kind: 'INTERIM' }, 'sessions'),
    filtered('of the second channel', { channel: 1 }),
    filtered('with a common word', { textContains: COMMON_TEXT }),
    filtered('with a rare word', { textContains: RARE_TEXT }, 'segments'),
  ];
}

function searchQueries(size: StoredSessions, { hit }: Places): ListQuery[] {
  const ask = (group: string, what: string, search: string, variables: object = { first: PAGE }, filter = {}) => ({
    what: `search for ${what}`,
    document: SEARCH,
    variables: { filter: { search, ...filter }, ...variables },
    group: `search, ${group}`,
    reads: 'page' as const,
  });
  const sessionId = globalId(longestSessionId(size));
  return [
    ask('a rare word', 'a rare word', `"${RARE_TEXT}"`),
    ask('frequent words', 'a frequent word', `"${COMMON_TEXT}"`),
    ask('frequent words', 'one, last page', `"${COMMON_TEXT}"`, { last: PAGE }),
    ask('frequent words', 'one, after a hit deep in the list', `"${COMMON_TEXT}"`, { first: PAGE, after: hit }),
    ask('frequent words', 'one, before a hit deep in the list', `"${COMMON_TEXT}"`, { last: PAGE, before: hit }),
    ask('frequent words', 'one, in one session', `"${COMMON_TEXT}"`, { first: PAGE }, { sessionId }),
    ask('frequent words', 'two', `the ${COMMON_TEXT} `),
    ask('frequent words', 'two that stand together', '"the one"'),
    ask('beginnings of frequent words', 'a beginning of two letters', COMMON_TEXT.slice(0, 2)),
    ask('beginnings of frequent words', 'a beginning of three letters', COMMON_TEXT.slice(0, 3)),
    ask('beginnings of frequent words', 'a word and a beginning of two letters', `the ${COMMON_TEXT.slice(0, 2)}`),
    { ...ask('a longer beginning', 'a beginning of five letters', COMMON_TEXT.slice(0, 5)), reads: 'segments' },
    {
      ...ask('frequent words of a time', 'one, of a time', `"${COMMON_TEXT}"`, { first: PAGE }, TIME),
      reads: 'sessions',
    },
  ];
}

function statisticsQueries(size: StoredSessions): ListQuery[] {
  const ask = (what: string, variables: object) => ({
    what: `statistics ${what}`,
    document: STATISTICS,
    variables: { ...variables },
    group: `statistics ${what}`,
    reads: 'sessions' as const,
  });
  return [
    ask('of all sessions', {}),
    ask('of all sessions, in Berlin', { timeZone: 'Europe/Berlin' }),
    ask('of a month', { filter: { from: '2026-05-30T00:00:00Z', to: '2026-06-30T00:00:00Z' } }),
    ask('of those that failed', { filter: { statuses: ['FAILED'] } }),
    {
      what: 'statistics of one session',
      document: SESSION,
      variables: { id: globalId(longestSessionId(size)) },
      group: 'statistics of one session',
      reads: 'page',
    },
  ];
}

const firstEdge = z
  .object({ edges: z.array(z.object({ cursor: z.string() })).min(1) })
  .transform(({ edges }) => edges[0]?.cursor ?? '');

async function findPlaces(
  size: StoredSessions,
  ask: (document: string, variables: Readonly<Record<string, unknown>>) => Promise<unknown>,
): Promise<Places> {
  const middle = Math.floor(size.sessions / 4) * 2;
  const orders = ORDER_FIELDS.map(
    (field) => `${field}: sessions(filter: $session, orderBy: { field: ${field} }) { edges { cursor } }`,
  );
  const document = `query ($session: SessionFilter, $id: ID!, $common: String) {
    ${orders.join(' ')}
    segments(filter: { sessionId: $id }, last: 30) { edges { cursor } }
    session(id: $id) { segments(last: 30) { edges { cursor } } }
    hits: segments(filter: { sessionId: $id, search: $common }, last: 3) { edges { cursor } }
  }`;
  const answer = z
    .object({
      CREATED_AT: firstEdge,
      TITLE: firstEdge,
      TOTAL_DURATION: firstEdge,
      TOTAL_SEGMENTS: firstEdge,
      AVERAGE_CONFIDENCE: firstEdge,
      segments: firstEdge,
      session: z.object({ segments: firstEdge }),
      hits: firstEdge,
    })
    .parse(
      await ask(document, {
        session: { externalId: `meeting-${middle}` },
        id: globalId(longestSessionId(size)),
        common: `"${COMMON_TEXT}"`,
      }),
    );
  const { segments, session, hits, ...orderPlaces } = answer;
  return { session: orderPlaces, segment: segments, final: session.segments, hit: hits };
}

function globalId(sessionId: string): string {
  return Buffer.from(`Session:${sessionId}`).toString('base64');
}
