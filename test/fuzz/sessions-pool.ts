import type { GraphqlClient } from '../support/graphql-client.ts';
import { endSession, sendChunks, speechChunks, startSession } from '../support/operations.ts';
import type { Random } from './random.ts';

/** Ids and cursors that are right, for inputs that are wrong in other ways. */
export interface KnownThings {
  /** One that is active, and one that is completed. */
  readonly sessionIds: readonly string[];
  readonly segmentIds: readonly string[];
  readonly cursors: readonly string[];
}

/** Starts an active session and a completed one, and looks up what they have. */
export async function prepareKnownThings(client: GraphqlClient): Promise<KnownThings> {
  const chunks = speechChunks(['alpha', { silenceMs: 700 }, 'bravo', { silenceMs: 700 }]);
  const completed = await startSession(client, { title: 'completed' });
  await sendChunks(client, completed, chunks);
  await endSession(client, completed, chunks.length);
  const active = await startSession(client, { title: 'active' });
  await sendChunks(client, active, chunks);
  const { sessions, segments } = await client.data<{
    sessions: { edges: { cursor: string }[] };
    segments: { edges: { cursor: string; node: { id: string; cursor: string | null } }[] };
  }>('{ sessions { edges { cursor } } segments { edges { cursor node { id cursor } } } }');
  return {
    sessionIds: [active, completed],
    segmentIds: segments.edges.map(({ node }) => node.id),
    cursors: [
      ...sessions.edges.map(({ cursor }) => cursor),
      ...segments.edges.flatMap(({ cursor, node }) => [cursor, ...(node.cursor === null ? [] : [node.cursor])]),
    ],
  };
}

/** A global id: right, of another type, of nothing, or no id at all. */
export function anyId({ sessionIds, segmentIds }: KnownThings, random: Random): string {
  const encoded = (text: string) => Buffer.from(text).toString('base64');
  switch (random.below(8)) {
    case 0:
    case 1:
    case 2:
      return random.pick(sessionIds);
    case 3:
      return random.pick([...segmentIds, 'none']);
    case 4:
      return encoded(`Session:${random.pick(['', '00000000-0000-0000-0000-000000000000', '../../etc/passwd', '\0'])}`);
    case 5:
      return encoded(`${random.pick(['Session', 'Segment', 'User', ''])}:${random.text(40)}`);
    case 6:
      return random.pick(sessionIds).slice(0, -random.between(1, 5));
    default:
      return random.text(60);
  }
}

/** A cursor: right, of another list, changed, or none at all. */
export function anyCursor({ cursors }: KnownThings, random: Random): string {
  const encoded = (text: string) => Buffer.from(text).toString('base64url');
  switch (random.below(5)) {
    case 0:
    case 1:
      return random.pick([...cursors, '']);
    case 2:
      return encoded(
        `${random.pick(['final', 'interim', 'session'])}:${random.pick(['0', '1', '-1', '9999999999', 'x'])}`,
      );
    case 3:
      return encoded(
        JSON.stringify(random.pick([null, [], {}, [1, 2], ['x', null], { id: 1 }, ['\0', '9'.repeat(400)]])),
      );
    default:
      return random.text(60);
  }
}

/** Ends all sessions that are not over, except those given; what they hold is free again when it resolves. */
export async function endAllSessions(client: GraphqlClient, except: ReadonlySet<string>): Promise<void> {
  const query = `{ sessions(first: 100, filter: { statuses: [ACTIVE] }) { edges { node { id status } } } }`;
  for (let round = 0; round < 100; round++) {
    const { sessions } = await client.data<{ sessions: { edges: { node: { id: string; status: string } }[] } }>(query);
    const open = sessions.edges
      .map(({ node }) => node)
      .filter(({ id, status }) => status === 'ACTIVE' && !except.has(id));
    if (open.length === 0) return;
    await Promise.all(open.map(({ id }) => endSession(client, id)));
  }
  throw new Error('There are always more sessions to end');
}
