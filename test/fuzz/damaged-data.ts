import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { GraphqlClient } from '../support/graphql-client.ts';
import { endSession, sendChunks, speechChunks, startSession } from '../support/operations.ts';
import { until } from '../support/wait.ts';
import { damage, forge } from './damaged-logs.ts';
import { judgeResult, Tally, Violation } from './oracle.ts';
import { Random } from './random.ts';
import { WatchedServer } from './watched-server.ts';

const READ = `query ($id: ID!) { session(id: $id) { status nextSequence statistics { totalSegments } coverage { receivedMs }
  segments(first: 100) { edges { node { sequence text startMs } } } } }`;
const SEND = `mutation ($input: SendAudioInput!) { sendAudio(input: $input) { nextSequence } }`;

/**
 * Damages the logs of `sessions` running sessions while the server is down, and starts it again: it must come up, serve, and
 * say in its log which sessions it could not open. @throws Violation
 */
export async function startOnDamagedLogs(options: {
  readonly seed: number;
  readonly sessions: number;
  readonly built: boolean;
  readonly dataDirectory: string;
}): Promise<Tally> {
  const { seed, sessions, built, dataDirectory } = options;
  const answers = new Tally();
  const ids = await prepare(options);
  for (const [index, folder] of (await readdir(path.join(dataDirectory, 'sessions'))).toSorted().entries()) {
    const random = new Random(seed, 'data', index);
    for (const name of random.pick([['audio.log'], ['journal.log'], ['audio.log', 'journal.log']])) {
      const file = path.join(dataDirectory, 'sessions', folder, name);
      const change = random.chance(0.3) ? forge : damage;
      await writeFile(file, change(await readFile(file), random));
    }
  }
  const server = await WatchedServer.start({ dataDirectory, built });
  const client = new GraphqlClient(server.url);
  try {
    const named = new Set(
      server.complaints.filter(({ msg }) => msg === 'session not recovered').map((line) => line['sessionId']),
    );
    for (const id of ids) {
      const isNamed = named.has(Buffer.from(id, 'base64').toString().replace('Session:', ''));
      const read = await client.request<{ session: { nextSequence: number; status: string } | null }>(READ, { id });
      const answer = judgeResult(read);
      if (answer !== 'data') throw new Violation(`a session with damaged logs can't be read: ${JSON.stringify(read)}`);
      const sequence = read.data?.session?.nextSequence ?? 0;
      const sent = await client.request(SEND, { input: { sessionId: id, sequence, audio: 'AAAA' } });
      answers.add(`${isNamed ? 'named in the log' : 'recovered'}, then ${judgeResult(sent)}`);
    }
    await serveOthers(client);
    const recovered = ids.length - named.size;
    if (sessions > 10 && (recovered === 0 || named.size === 0))
      throw new Violation('all sessions were recovered, or none');
    if (server.exit !== null) throw new Violation(`the server ended: ${server.exit}`);
    return answers;
  } finally {
    await client.dispose();
    await server.kill();
  }
}

/** Sessions with some audio and some finals, of a server that is killed. @returns their ids */
async function prepare({
  sessions,
  built,
  dataDirectory,
}: {
  sessions: number;
  built: boolean;
  dataDirectory: string;
}): Promise<string[]> {
  const server = await WatchedServer.start({ dataDirectory, built });
  const client = new GraphqlClient(server.url);
  try {
    const chunks = speechChunks(['alpha', { silenceMs: 700 }, 'bravo', 'charlie', { silenceMs: 700 }, 'delta'], 200);
    const ids = await Promise.all(
      Array.from({ length: sessions }, async () => {
        const id = await startSession(client);
        await sendChunks(client, id, chunks);
        return id;
      }),
    );
    const segments = `query ($id: ID!) { session(id: $id) { statistics { totalSegments } } }`;
    for (const id of ids) {
      await until(async () => {
        const { session } = await client.data<{ session: { statistics: { totalSegments: number } } }>(segments, { id });
        return session.statistics.totalSegments >= 2;
      });
    }
    return ids;
  } finally {
    await client.dispose();
    await server.kill();
  }
}

async function serveOthers(client: GraphqlClient): Promise<void> {
  const chunks = speechChunks(['echo', { silenceMs: 700 }]);
  const id = await startSession(client);
  await sendChunks(client, id, chunks);
  const { statistics } = await endSession(client, id, chunks.length);
  if (statistics.totalSegments !== 1) throw new Violation('a new session is not transcribed');
}
