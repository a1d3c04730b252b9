import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ToneSpeechPart } from '../../src/recognition/scripted/tone-speech.ts';
import { piecesOf, TONE_SENTENCES, toneContainers } from '../support/containers.ts';
import { GraphqlClient } from '../support/graphql-client.ts';
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
  type SegmentView,
} from '../support/operations.ts';
import { startServerProcess, type ServerProcess } from '../support/server-process.ts';

const pause: ToneSpeechPart = { silenceMs: 700 };
const SCRIPT: ToneSpeechPart[] = [
  ...(['alpha', 'bravo', 'charlie', pause, 'delta', 'echo', pause, 'foxtrot', 'golf', 'hotel', pause] as const),
  ...(['india', pause, 'juliett', 'kilo', pause, 'lima', 'mike', 'november', pause, 'oscar', pause] as const),
];
const START_TIME_MS = 60_000;

/** Each in about 64 chunks. */
const STREAMS = [
  {
    name: 'samples',
    audio: { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 1 },
    chunks: speechChunks(SCRIPT),
    words: SCRIPT.filter((part) => typeof part === 'string').join(' '),
  },
  ...toneContainers()
    .filter(({ format }) => format.encoding === 'WEBM_OPUS')
    .map(({ name, format, bytes }) => ({
      name,
      audio: format,
      chunks: piecesOf(bytes, () => Math.ceil(bytes.length / 64)).map((piece) => Buffer.from(piece)),
      words: TONE_SENTENCES.join(' '),
    })),
];

/** What must be the same whatever happens to the server: all but the session's name. */
function account(finals: readonly SegmentView[]) {
  return finals.map(({ sequence, revision, text, startMs, endMs, avgConfidence }) => ({
    sequence,
    revision,
    text,
    startMs,
    endMs,
    avgConfidence,
  }));
}

describe('kill -9 of the server in the middle of a stream', () => {
  let dataDirectory: string;
  let server: ServerProcess;
  let client: GraphqlClient;

  const start = async () => {
    server = await startServerProcess(dataDirectory);
    client = new GraphqlClient(server.url);
  };

  beforeEach(async () => {
    dataDirectory = await mkdtemp(path.join(tmpdir(), 'verbatim-kill-'));
    await start();
  }, START_TIME_MS);

  afterEach(async () => {
    await client.dispose();
    await server.kill();
    await rm(dataDirectory, { recursive: true, force: true });
  });

  /** Receives finals until `enough` of them came, or the server dies. */
  async function watch(sessionId: string, after: string | null, seen: SegmentView[], enough = Infinity): Promise<void> {
    const variables = { sessionId, ...(after === null ? { fromStart: true } : { after }) };
    try {
      for await (const { segmentAdded } of client.events<{ segmentAdded: SegmentView }>(SEGMENT_ADDED, variables)) {
        if (segmentAdded.kind === 'FINAL') seen.push(segmentAdded);
        if (seen.length >= enough) return;
      }
    } catch (error) {
      if (enough !== Infinity) throw error;
    }
  }

  async function storedFinals(id: string): Promise<SegmentView[]> {
    const { session } = await client.data<{ session: { segments: { edges: { node: SegmentView }[] } } }>(
      `query ($id: ID!) { session(id: $id) { segments(first: 100) { edges { node { ${SEGMENT_FIELDS} } } } } }`,
      { id },
    );
    return session.segments.edges.map(({ node }) => node);
  }

  it.each(STREAMS)(
    'loses nothing of $name that was acknowledged, changes nothing that was shown, and gives each final once',
    async ({ audio, chunks, words }) => {
      const reference = await startSession(client, { audio });
      await sendChunks(client, reference, chunks);
      await endSession(client, reference, chunks.length);
      const undisturbed = finalsOf(await collectSegments(client, reference, { fromStart: true }));
      expect(undisturbed.map(({ text }) => text).join(' ')).toBe(words);

      const sessionId = await startSession(client, { externalId: 'meeting', audio });
      const seen: SegmentView[] = [];
      let sent = 0;
      // The first kill comes right after an acknowledgement, the others after finals were shown too.
      for (const [upTo, finalsShown] of [
        [5, 0],
        [27, 1],
        [46, 3],
      ] as const) {
        const acknowledged = await sendChunks(client, sessionId, chunks.slice(sent, upTo), sent);
        expect(acknowledged.nextSequence).toBe(upTo);
        sent = upTo;
        if (finalsShown > 0) await watch(sessionId, seen.at(-1)?.cursor ?? null, seen, finalsShown);
        await client.dispose();
        await server.kill();
        await start();

        // A client that crashed too finds its session by its own name for it.
        expect(await startSession(client, { externalId: 'meeting', audio })).toBe(sessionId);
        expect(await readSession(client, sessionId)).toMatchObject({ status: 'ACTIVE', nextSequence: sent });
        expect((await storedFinals(sessionId)).slice(0, seen.length)).toEqual(seen);
      }

      const watching = watch(sessionId, seen.at(-1)?.cursor ?? null, seen);
      await sendChunks(client, sessionId, chunks.slice(sent), sent);
      const ended = await endSession(client, sessionId, chunks.length);
      await watching;

      expect(account(seen)).toEqual(account(undisturbed));
      expect(account(finalsOf(await collectSegments(client, sessionId, { fromStart: true })))).toEqual(
        account(undisturbed),
      );
      const { receivedMs, ...classes } = ended.coverage;
      expect(Object.values(classes).reduce((sum, ms) => sum + ms, 0)).toBe(receivedMs);
      expect(classes.pendingMs).toBe(0);

      const database = new BetterSqlite3(path.join(dataDirectory, 'verbatim.db'), { readonly: true });
      const rows = database
        .prepare(
          'SELECT kind, COUNT(*) AS count, COUNT(DISTINCT sequence) AS sequences FROM segments GROUP BY session_id, kind',
        )
        .all();
      database.close();
      expect(rows).toEqual([
        { kind: 'final', count: undisturbed.length, sequences: undisturbed.length },
        { kind: 'final', count: undisturbed.length, sequences: undisturbed.length },
      ]);
    },
    2 * START_TIME_MS,
  );

  it(
    'loses no edit that was answered, and leaves no obstacle to the next start, while a second server on its data is refused',
    async () => {
      const sessionId = await startSession(client);
      await sendChunks(client, sessionId, speechChunks(SCRIPT.slice(0, 9)));
      const seen: SegmentView[] = [];
      await watch(sessionId, null, seen, 2);
      await expect(startServerProcess(dataDirectory)).rejects.toThrow(/ended before it was ready/u);
      const edit = (segment: SegmentView | undefined, input: object) =>
        client.data('mutation ($input: UpdateSegmentInput!) { updateSegment(input: $input) { segment { id } } }', {
          input: { segmentId: segment?.id, ...input },
        });
      await edit(seen[0], { text: 'a correction' });
      await edit(seen[1], { text: 'another one', speaker: 'Ann' });
      await client.dispose();
      await server.kill();
      await start();
      // The database has no row of these yet.
      const stored = await storedFinals(sessionId);
      expect(stored.slice(0, 2).map(({ text, speaker }) => [text, speaker])).toEqual([
        ['a correction', null],
        ['another one', 'Ann'],
      ]);
      expect(await startSession(client)).toEqual(expect.any(String));
    },
    2 * START_TIME_MS,
  );

  it(
    'is different from SIGTERM, after which the server leaves in order with exit code 0',
    async () => {
      const sessionId = await startSession(client);
      await sendChunks(client, sessionId, speechChunks(['alpha', pause]));
      await client.dispose();
      expect(await server.signal('SIGTERM')).toBe(0);
      await start();
      expect(await readSession(client, sessionId)).toMatchObject({ status: 'ACTIVE' });
    },
    START_TIME_MS,
  );
});
