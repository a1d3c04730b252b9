import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GraphqlClient } from '../support/graphql-client.ts';
import { accountOf, listenTo, quickClient, SPEECH_FORMAT, transcribeUndisturbed } from '../support/client-session.ts';
import { readSession, speechChunks } from '../support/operations.ts';
import { startServerProcess, type ServerProcess } from '../support/server-process.ts';
import { until } from '../support/wait.ts';

const PAUSE = { silenceMs: 700 };
const SCRIPT = [
  ...(['alpha', 'bravo', 'charlie', PAUSE, 'delta', 'echo', PAUSE, 'foxtrot', 'golf', PAUSE] as const),
  ...(['hotel', PAUSE, 'india', 'juliett', PAUSE, 'kilo', PAUSE] as const),
];
const START_TIME_MS = 60_000;

describe('kill -9 of the server while a client streams to it', () => {
  let dataDirectory: string;
  let server: ServerProcess;

  beforeEach(async () => {
    dataDirectory = await mkdtemp(path.join(tmpdir(), 'verbatim-client-kill-'));
    server = await startServerProcess(dataDirectory);
  }, START_TIME_MS);

  afterEach(async () => {
    await server.kill();
    await rm(dataDirectory, { recursive: true, force: true });
  });

  it(
    'twice costs no word: the finals are those of an undisturbed run, each once',
    async () => {
      const { port } = new URL(server.url);
      const chunks = speechChunks(SCRIPT);
      const undisturbed = await transcribeUndisturbed(server.url, chunks);

      const session = await quickClient(server.url).startSession({ audio: SPEECH_FORMAT });
      const { finals, open, setbacks } = listenTo(session);
      let written = 0;
      const writeUpTo = (count: number) => {
        for (; written < count; written++) session.write(chunks[written] ?? new Uint8Array());
      };
      // First a kill with chunks under way, then one after finals were shown.
      for (const [count, shown] of [
        [25, 0],
        [50, 2],
      ] as const) {
        writeUpTo(count);
        await until(() => session.status.acknowledgedMs > 0 && finals.length >= shown, { timeoutMs: START_TIME_MS });
        const before = setbacks.length;
        const killed = server.kill();
        writeUpTo(count + 8);
        await killed;
        await until(() => setbacks.length > before + 1, { timeoutMs: START_TIME_MS });
        server = await startServerProcess(dataDirectory, { PORT: port });
      }
      writeUpTo(chunks.length);
      const { id } = await session.end();

      expect(setbacks).toEqual(expect.arrayContaining(['CONNECTION_LOST', 'UNREACHABLE']));
      expect(accountOf(finals)).toEqual(accountOf(undisturbed));
      expect(open.size).toBe(0);
      const client = new GraphqlClient(server.url);
      expect((await readSession(client, id)).coverage).toMatchObject({
        receivedMs: Buffer.concat(chunks).length / 32,
        gapMs: 0,
        pendingMs: 0,
      });
      await client.dispose();
    },
    3 * START_TIME_MS,
  );
});
