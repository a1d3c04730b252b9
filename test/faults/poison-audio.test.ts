import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ToneSpeechPart } from '../../src/recognition/scripted/tone-speech.ts';
import { GraphqlClient } from '../support/graphql-client.ts';
import {
  collectSegments,
  endSession,
  finalsOf,
  sendChunks,
  speechChunks,
  startSession,
  textsOf,
} from '../support/operations.ts';
import { startServerProcess, type ServerProcess } from '../support/server-process.ts';

const pause: ToneSpeechPart = { silenceMs: 700 };
const TIME_LIMIT_MS = 120_000;

describe('audio on which the recogniser ends each time it hears it', () => {
  let dataDirectory: string;
  let server: ServerProcess;
  let client: GraphqlClient;

  beforeAll(async () => {
    dataDirectory = await mkdtemp(path.join(tmpdir(), 'verbatim-poison-'));
    // One process for all: what takes it down takes it from everybody.
    server = await startServerProcess(dataDirectory, { SCRIPTED_FAULTS: '1', RECOGNISER_PROCESSES: '1' });
    client = new GraphqlClient(server.url);
  }, TIME_LIMIT_MS);
  afterAll(async () => {
    await client.dispose();
    await server.kill();
    await rm(dataDirectory, { recursive: true, force: true });
  });

  for (const [fault, what] of [
    ['crash', 'takes its process down'],
    ['throw', 'cannot be decoded'],
  ] as const) {
    it(
      `and ${what} is failed in the end, and all else is transcribed, in its session and in others`,
      { timeout: TIME_LIMIT_MS },
      async () => {
        const poisoned = speechChunks(['alpha', 'bravo', pause, 'charlie', fault, 'delta', pause, 'echo', pause]);
        const healthy = speechChunks(['foxtrot', pause, 'golf', 'hotel', pause, 'india', pause]);
        const [bad, good] = await Promise.all([startSession(client), startSession(client)]);
        await Promise.all([sendChunks(client, bad, poisoned), sendChunks(client, good, healthy)]);

        const ends = await Promise.all([endAndFollow(bad, poisoned.length), endAndFollow(good, healthy.length)]);
        expect(ends.map(({ texts }) => texts)).toEqual([
          ['alpha bravo', 'echo'],
          ['foxtrot', 'golf hotel', 'india'],
        ]);
        const [{ coverage, warnings }, other] = ends;
        // Three words of 120 ms with their pauses of 80 ms, and what surrounds an utterance.
        expect(coverage.failedMs).toBeGreaterThanOrEqual(520);
        expect(coverage.failedMs).toBeLessThan(1_500);
        expect(warnings).toEqual(['AUDIO_FAILED']);
        expect(other).toMatchObject({ coverage: { failedMs: 0 }, warnings: [] });
        for (const end of ends) {
          const { receivedMs, ...classes } = end.coverage;
          expect(Object.values(classes).reduce((sum, ms) => sum + ms, 0)).toBe(receivedMs);
          expect(end.coverage.pendingMs).toBe(0);
        }
      },
    );
  }

  async function endAndFollow(id: string, chunks: number) {
    const followed = collectSegments(client, id, { fromStart: true });
    await endSession(client, id, chunks);
    const texts = textsOf(finalsOf(await followed));
    const { session } = await client.data<{
      session: { coverage: Record<string, number>; warnings: { code: string }[] };
    }>(
      `query ($id: ID!) { session(id: $id) {
        coverage { receivedMs transcribedMs silenceMs gapMs failedMs pendingMs } warnings { code } } }`,
      { id },
    );
    return { texts, coverage: session.coverage, warnings: session.warnings.map(({ code }) => code) };
  }
});
