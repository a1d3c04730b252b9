import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBackup } from '../../src/backup/create-backup.ts';
import type { Manifest } from '../../src/backup/manifest.ts';
import { AudioLog } from '../../src/log/audio-log.ts';
import type { ToneSpeechPart } from '../../src/recognition/scripted/tone-speech.ts';
import { verbatim } from '../e2e/command-line.ts';
import { GraphqlClient } from '../support/graphql-client.ts';
import {
  collectSegments,
  endSession,
  finalsOf,
  readSession,
  SEGMENT_FIELDS,
  sendChunk,
  sendChunks,
  speechChunks,
  startSession,
  type SegmentView,
} from '../support/operations.ts';
import { startServerProcess, type ServerProcess } from '../support/server-process.ts';

const pause: ToneSpeechPart = { silenceMs: 700 };
const UTTERANCES: ToneSpeechPart[][] = [
  ['alpha', 'bravo', 'charlie', pause],
  ['delta', 'echo', pause],
  ['foxtrot', 'golf', 'hotel', pause],
  ['india', pause],
  ['juliett', 'kilo', pause],
];
/** Three speakers who say the same in different order, so that no audio passes for another's. */
const SCRIPTS = [0, 1, 2].map((first) => [...UTTERANCES.slice(first), ...UTTERANCES.slice(0, first)].flat());
const CHUNK_MS = 20;
const START_TIME_MS = 60_000;

interface Speaker {
  readonly id: string;
  readonly chunks: readonly Buffer[];
  /** What came of the same audio undisturbed. */
  readonly undisturbed: readonly SegmentView[];
  /** Chunks below this are acknowledged. */
  acknowledged: number;
}

interface TakenBackup {
  readonly folder: string;
  readonly manifest: Manifest;
  /** What was acknowledged when it was begun, by session. */
  readonly acknowledged: ReadonlyMap<string, number>;
}

/** What must be the same whatever happens: all but the session's name. */
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

function databaseId(globalId: string): string {
  return Buffer.from(globalId, 'base64').toString().replace('Session:', '');
}

function rowsOf(database: string, session: string): unknown {
  const opened = new BetterSqlite3(database, { readonly: true });
  try {
    return {
      session: opened.prepare('SELECT * FROM sessions WHERE id = ?').get(session),
      segments: opened.prepare('SELECT * FROM segments WHERE session_id = ? ORDER BY sequence').all(session),
    };
  } finally {
    opened.close();
  }
}

describe('backups of a server that takes audio from several sessions', () => {
  let folder: string;
  const servers: ServerProcess[] = [];
  const clients: GraphqlClient[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'verbatim-backup-'));
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.dispose()));
    await Promise.all(servers.splice(0).map((server) => server.kill()));
    await rm(folder, { recursive: true, force: true });
  });

  async function serve(dataDirectory: string): Promise<GraphqlClient> {
    const server = await startServerProcess(dataDirectory);
    servers.push(server);
    const client = new GraphqlClient(server.url);
    clients.push(client);
    return client;
  }

  async function stopServers(): Promise<void> {
    await Promise.all(clients.splice(0).map((client) => client.dispose()));
    await Promise.all(servers.splice(0).map((server) => server.kill()));
  }

  async function storedFinals(client: GraphqlClient, id: string): Promise<SegmentView[]> {
    const { session } = await client.data<{ session: { segments: { edges: { node: SegmentView }[] } } }>(
      `query ($id: ID!) { session(id: $id) { segments(first: 100) { edges { node { ${SEGMENT_FIELDS} } } } } }`,
      { id },
    );
    return session.segments.edges.map(({ node }) => node);
  }

  async function speakUndisturbed(client: GraphqlClient, chunks: readonly Buffer[]) {
    const id = await startSession(client);
    await sendChunks(client, id, chunks);
    await endSession(client, id, chunks.length);
    return { id, finals: finalsOf(await collectSegments(client, id, { fromStart: true })) };
  }

  async function stream(client: GraphqlClient, speaker: Speaker): Promise<void> {
    for (const [sequence, chunk] of speaker.chunks.entries()) {
      const { data } = await sendChunk(client, speaker.id, sequence, chunk);
      speaker.acknowledged = data?.sendAudio.nextSequence ?? speaker.acknowledged;
    }
  }

  /** Backs up again and again, until `enough()`. */
  async function backUpRepeatedly(
    dataDirectory: string,
    speakers: readonly Speaker[],
    enough: () => boolean,
  ): Promise<TakenBackup[]> {
    const backups: TakenBackup[] = [];
    while (!enough()) {
      const acknowledged = new Map(speakers.map((speaker) => [databaseId(speaker.id), speaker.acknowledged]));
      const target = path.join(folder, `backup-${backups.length}`);
      const manifest = await createBackup({
        dataDirectory,
        databaseFile: path.join(dataDirectory, 'verbatim.db'),
        folder: target,
        version: 'test',
        reserveBytes: 0,
        signal: new AbortController().signal,
        onProgress: () => undefined,
      });
      backups.push({ folder: target, manifest, acknowledged });
    }
    return backups;
  }

  async function expectAudio(dataDirectory: string, speaker: Speaker, nextSequence: number): Promise<void> {
    const log = await AudioLog.open(path.join(dataDirectory, 'sessions', databaseId(speaker.id), 'audio.log'));
    expect(log.nextSequence).toBe(nextSequence);
    const reader = log.reader(0);
    for (let sequence = 0; sequence < nextSequence; sequence += 1) {
      const item = await reader.next();
      const bytes = item?.kind === 'chunk' && item.sequence === sequence ? Buffer.from(item.bytes) : null;
      expect(bytes?.equals(speaker.chunks[sequence] ?? Buffer.alloc(0)), `chunk ${sequence}`).toBe(true);
    }
    expect(await reader.next()).toBeNull();
    await log.close();
  }

  /** A server on the restored data has what was there at the time of the backup, and goes on to the same transcript. */
  async function expectToGoOn(dataDirectory: string, speaker: Speaker, { manifest }: TakenBackup): Promise<void> {
    const client = clients.at(-1) ?? (await serve(dataDirectory));
    const nextSequence = manifest.sessions.find(({ id }) => id === databaseId(speaker.id))?.nextSequence ?? -1;
    expect(await readSession(client, speaker.id)).toMatchObject({ status: 'ACTIVE', nextSequence });
    const kept = account(await storedFinals(client, speaker.id));
    expect(kept).toEqual(account(speaker.undisturbed).slice(0, kept.length));

    const rest = speaker.chunks.slice(nextSequence);
    if (rest.length > 0) await sendChunks(client, speaker.id, rest, nextSequence);
    const { status, coverage } = await endSession(client, speaker.id, speaker.chunks.length);
    expect(status).toBe('COMPLETED');
    expect(account(await storedFinals(client, speaker.id))).toEqual(account(speaker.undisturbed));
    const { receivedMs, ...classes } = coverage;
    expect(receivedMs).toBe(speaker.chunks.length * CHUNK_MS);
    expect(Object.values(classes).reduce((sum, ms) => sum + ms, 0)).toBe(receivedMs);
    expect(classes).toMatchObject({ pendingMs: 0, failedMs: 0, gapMs: 0 });
  }

  it(
    'are whole, whenever they are made: restored, every session is there and goes on to the exact transcript',
    async () => {
      const data = path.join(folder, 'data');
      const client = await serve(data);
      const speakers: Speaker[] = [];
      const over: string[] = [];
      for (const script of SCRIPTS) {
        const spoken = speechChunks(script, CHUNK_MS);
        // Whole chunks only, so that the length of the audio is known.
        const chunks = spoken.slice(0, -1);
        const { id, finals } = await speakUndisturbed(client, chunks);
        expect(finals.length).toBe(UTTERANCES.length);
        over.push(id);
        speakers.push({ id: await startSession(client), chunks, undisturbed: finals, acknowledged: 0 });
      }
      const completedRows = over.map((id) => rowsOf(path.join(data, 'verbatim.db'), databaseId(id)));

      let streaming = true;
      const [backups] = await Promise.all([
        backUpRepeatedly(data, speakers, () => !streaming),
        Promise.all(speakers.map((speaker) => stream(client, speaker))).finally(() => (streaming = false)),
      ]);

      // What was acknowledged before a backup is in it, in each of them.
      expect(backups.length).toBeGreaterThan(2);
      for (const { manifest, acknowledged } of backups) {
        expect(manifest.warnings).toEqual([]);
        for (const [id, chunks] of acknowledged) {
          const copied = manifest.sessions.find((session) => session.id === id)?.nextSequence ?? -1;
          expect(copied).toBeGreaterThanOrEqual(chunks);
        }
      }
      // The last was begun while audio came.
      expect([...(backups.at(-1)?.acknowledged.values() ?? [])].every((chunks) => chunks > 0)).toBe(true);
      await stopServers();

      for (const index of new Set([0, Math.floor(backups.length / 2), backups.length - 1])) {
        const taken = backups[index];
        if (taken === undefined) throw new Error(`There is no backup ${index}`);
        const restored = path.join(folder, `restored-${index}`);
        const { code, stderr } = await verbatim(['restore', taken.folder], { DATA_DIR: restored });
        expect(code, stderr).toBe(0);

        for (const speaker of speakers) {
          const { nextSequence } = taken.manifest.sessions.find(({ id }) => id === databaseId(speaker.id)) ?? {};
          await expectAudio(restored, speaker, nextSequence ?? -1);
        }
        await serve(restored);
        for (const speaker of speakers) await expectToGoOn(restored, speaker, taken);
        expect(over.map((id) => rowsOf(path.join(restored, 'verbatim.db'), databaseId(id)))).toEqual(completedRows);
        await stopServers();
      }
    },
    6 * START_TIME_MS,
  );

  it(
    'are made by the command line, and restored only where there is nothing',
    async () => {
      const data = path.join(folder, 'data');
      const client = await serve(data);
      const chunks = speechChunks(SCRIPTS[0] ?? []);
      const id = await startSession(client);
      await sendChunks(client, id, chunks.slice(0, 30));

      const backup = path.join(folder, 'backup');
      const made = await verbatim(['backup', backup], { DATA_DIR: data });
      expect(made.code, made.stderr).toBe(0);
      expect(made.stdout).toMatch(/^Backed up to .*\/backup: 1 session, 3 files, 1 MiB\.\n$/u);
      const again = await verbatim(['backup', backup], { DATA_DIR: data });
      expect(again).toMatchObject({ code: 1, stdout: '' });
      expect(again.stderr).toContain('is not empty');

      const whileItRuns = await verbatim(['restore', backup], { DATA_DIR: data });
      expect(whileItRuns).toMatchObject({ code: 1, stdout: '' });
      expect(whileItRuns.stderr).toMatch(/A server \(process \d+, http:.*\) uses the data directory/u);
      await sendChunks(client, id, chunks.slice(30, 31), 30);
      await stopServers();
      const overIt = await verbatim(['restore', backup], { DATA_DIR: data });
      expect(overIt).toMatchObject({ code: 1, stdout: '' });
      expect(overIt.stderr).toContain('move it away');
      expect(await readSession(await serve(data), id)).toMatchObject({ nextSequence: 31 });
      await stopServers();

      const elsewhere = { DATA_DIR: path.join(folder, 'new'), DATABASE_URL: `file:${path.join(folder, 'speech.db')}` };
      const restored = await verbatim(['restore', backup], elsewhere);
      expect(restored.code, restored.stderr).toBe(0);
      const shown = await verbatim(['sessions', '--format', 'json'], elsewhere);
      expect(JSON.parse(shown.stdout)).toMatchObject([{ id, status: 'ACTIVE' }]);
    },
    4 * START_TIME_MS,
  );
});
