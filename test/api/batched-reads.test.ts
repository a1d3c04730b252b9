import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { graphql } from 'graphql';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase, type Database } from '../../src/database/open-database.ts';
import type { SessionStore } from '../../src/database/session-store.ts';
import { createRecogniser } from '../../src/recognition/create-recogniser.ts';
import { createSchema } from '../../src/schema/create-schema.ts';
import { createLoaders } from '../../src/schema/loaders.ts';
import { createServices, type Services } from '../../src/services/create-services.ts';

const SESSIONS = 8;

/** The store, noting the name of each method that is called. */
function counting(store: SessionStore, calls: string[]): SessionStore {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => {
        calls.push(String(name));
        return Reflect.apply(member, target, args) as unknown;
      };
    },
  });
}

describe('reads of one operation', () => {
  const calls: string[] = [];
  const schema = createSchema();
  let folder: string;
  let database: Database;
  let services: Services;
  let ids: string[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'verbatim-test-'));
    database = await openDatabase({ url: `file:${join(folder, 'verbatim.db')}` });
    const logger = pino({ level: 'silent' });
    const recogniser = createRecogniser({
      model: 'scripted',
      processes: 1,
      interimIntervalMs: 0,
      endSilenceMs: 512,
      logger,
    });
    services = createServices({
      store: counting(database.store, calls),
      recogniser,
      logger,
      settings: {
        dataDirectory: folder,
        storageReserveBytes: 0,
        batchSize: 5,
        batchIntervalMs: 10_000,
        maxChunkBytes: 65_536,
        maxOpenSessions: 100,
        maxSkipMs: 1_000,
        idleTimeoutMs: 60_000,
        maxDurationMs: 60_000,
        retentionDays: null,
      },
    });
    // Without the recogniser's processes: these sessions are rows of the database, with a segment each.
    ids = Array.from({ length: SESSIONS }, (_, index) => `s${index}`);
    for (const id of ids) await createCompletedSession(database.store, id);
  });
  afterAll(async () => {
    await services.stop(5_000);
    await database.close();
    await rm(folder, { recursive: true });
  });

  async function execute(source: string): Promise<Record<string, unknown>> {
    calls.length = 0;
    const contextValue = { services, database: database.client, loaders: createLoaders(services.reader) };
    const { data, errors } = await graphql({ schema, source, contextValue });
    expect(errors).toBeUndefined();
    return data ?? {};
  }

  it('fetch the sessions of many segments with one statement', async () => {
    const data = await execute('{ segments(first: 100) { edges { node { text session { id title } } } } }');
    expect(data).toMatchObject({ segments: { edges: { length: SESSIONS } } });
    expect(calls.toSorted()).toEqual(['findSessions', 'listSegments']);
  });

  it('fetch many nodes with one statement', async () => {
    const aliases = ids.map((id, index) => {
      const globalId = Buffer.from(`Session:${id}`).toString('base64');
      return `n${index}: node(id: "${globalId}") { id } s${index}: session(id: "${globalId}") { id }`;
    });
    await execute(`{ ${aliases.join(' ')} }`);
    expect(calls).toEqual(['findSessions']);
  });

  it('fetch the first segments of many sessions with one statement', async () => {
    const data = await execute('{ sessions { edges { node { segments(first: 3) { edges { node { text } } } } } } }');
    expect(JSON.stringify(data).match(/"text":"alpha"/gu)).toHaveLength(SESSIONS);
    expect(calls).toEqual(['listSessions', 'finalsBySequence']);
  });

  it('fetch what the database has of many sessions without a statement for each', async () => {
    const data = await execute('{ sessions { edges { node { stored { status finalSegments } } } } }');
    expect(JSON.stringify(data).match(/"finalSegments":1/gu)).toHaveLength(SESSIONS);
    expect(calls).toEqual(['listSessions', 'countSegments']);
  });
});

async function createCompletedSession(store: SessionStore, id: string): Promise<void> {
  const createdAt = new Date();
  await store.createSession({
    id,
    externalId: null,
    title: id,
    language: 'en',
    audioFormat: { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 1 },
    speakers: [],
    metadata: null,
    createdAt,
  });
  await store.commitBatch({
    sessionId: id,
    fromPosition: 0,
    toPosition: 1,
    finals: [
      {
        id: `${id}.0.0`,
        sessionId: id,
        sequence: 1,
        revision: 1,
        kind: 'FINAL',
        text: 'alpha',
        startMs: 0,
        endMs: 1_000,
        avgConfidence: null,
        words: [],
        speaker: null,
        channel: 0,
        createdAt,
      },
    ],
    interims: [],
    session: {
      status: 'COMPLETED',
      endReason: 'CLIENT',
      endedAt: createdAt,
      nextSequence: 1,
      statistics: {
        totalSegments: 1,
        averageConfidence: null,
        totalDuration: 1,
        wordCount: 1,
        speakingDuration: 1,
        wordsPerMinute: 60,
        averageLatencyMs: null,
        latencyCount: 0,
      },
      coverage: { receivedMs: 1_000, transcribedMs: 1_000, silenceMs: 0, gapMs: 0, failedMs: 0, pendingMs: 0 },
    },
  });
}
