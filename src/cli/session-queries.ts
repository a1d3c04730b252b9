import { z } from 'zod';
import { encodeGlobalId } from '../schema/global-ids.ts';
import type { ApiConnection } from './api-connection.ts';
import { Answer } from '../client/answers.ts';
import { readSegment, SEGMENT_FIELDS, type Segment } from '../client/segments.ts';
import { pageInfo, SESSION_FIELDS, sessionDetails, type SessionDetails } from './api-types.ts';
import { CommandLineError } from './errors.ts';
import { databaseId } from './session-report.ts';

/** The largest page that the API gives. */
const PAGE = 100;
/** Length of a database id (a UUID, RFC 9562, in its text form). */
const DATABASE_ID_LENGTH = 36;

const SESSION = `query ($id: ID!) { session(id: $id) {${SESSION_FIELDS} } }`;
const SESSIONS = `query ($first: Int!, $after: String) {
  sessions(first: $first, after: $after, orderBy: { field: CREATED_AT, direction: DESC }) {
    edges { node {${SESSION_FIELDS} } }
    pageInfo { hasNextPage endCursor }
  }
}`;
const SEGMENTS = `query ($id: ID!, $first: Int!, $after: String) {
  session(id: $id) {
    segments(first: $first, after: $after, kind: FINAL) {
      edges { node {${SEGMENT_FIELDS} } }
      pageInfo { hasNextPage endCursor }
    }
  }
}`;

const transcriptSegment = z.unknown().transform((node) => readSegment(new Answer(node)));
const sessionAnswer = z.object({ session: sessionDetails.nullable() });
const sessionsAnswer = z.object({
  sessions: z.object({ edges: z.array(z.object({ node: sessionDetails })), pageInfo }),
});
const segmentsAnswer = z.object({
  session: z
    .object({ segments: z.object({ edges: z.array(z.object({ node: transcriptSegment })), pageInfo }) })
    .nullable(),
});

/** The newest sessions, newest first, at most `limit`. */
export async function listSessions(connection: ApiConnection, limit: number): Promise<SessionDetails[]> {
  const found: SessionDetails[] = [];
  for await (const session of newestSessions(connection, Math.min(limit, PAGE))) {
    found.push(session);
    if (found.length >= limit) break;
  }
  return found;
}

/**
 * A session by its global id, its database id, or the beginning of the latter.
 * @throws CommandLineError when there is none, or more than one.
 */
export async function findSession(connection: ApiConnection, id: string): Promise<SessionDetails> {
  const prefix = databaseId(id).toLowerCase();
  if (prefix.length === DATABASE_ID_LENGTH) {
    const globalId = encodeGlobalId('Session', prefix);
    const { session } = await connection.request(SESSION, { id: globalId }, sessionAnswer);
    if (session === null) throw notFound(id);
    return session;
  }
  const matches: SessionDetails[] = [];
  for await (const session of newestSessions(connection, PAGE)) {
    if (databaseId(session.id).startsWith(prefix)) matches.push(session);
  }
  const [match, ...others] = matches;
  if (match === undefined) throw notFound(id);
  if (others.length > 0) {
    throw new CommandLineError(`${matches.length} sessions begin with ${id}: give more of the id`);
  }
  return match;
}

/** All finals of a session, in order. */
export async function readTranscript(connection: ApiConnection, sessionId: string): Promise<Segment[]> {
  const segments: Segment[] = [];
  for (let after: string | null = null; ;) {
    const variables: Record<string, unknown> = { id: sessionId, first: PAGE, after };
    const { session } = await connection.request(SEGMENTS, variables, segmentsAnswer);
    if (session === null) throw notFound(sessionId);
    segments.push(...session.segments.edges.map(({ node }) => node));
    if (!session.segments.pageInfo.hasNextPage) return segments;
    after = session.segments.pageInfo.endCursor;
  }
}

async function* newestSessions(connection: ApiConnection, first: number): AsyncGenerator<SessionDetails> {
  for (let after: string | null = null; ;) {
    const variables: Record<string, unknown> = { first, after };
    const { sessions } = await connection.request(SESSIONS, variables, sessionsAnswer);
    for (const { node } of sessions.edges) yield node;
    if (!sessions.pageInfo.hasNextPage) return;
    after = sessions.pageInfo.endCursor;
  }
}

function notFound(id: string): CommandLineError {
  return new CommandLineError(`there is no session ${id}: \`verbatim sessions\` lists them`);
}
