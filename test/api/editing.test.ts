import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBackup } from '../../src/backup/create-backup.ts';
import { restoreBackup } from '../../src/backup/restore-backup.ts';
import { synthesiseToneSpeech } from '../../src/recognition/scripted/tone-speech.ts';
import { type GraphqlClient } from '../support/graphql-client.ts';
import {
  endSession,
  SEGMENT_ADDED,
  SEGMENT_FIELDS,
  sendChunks,
  speechChunks,
  startSession,
  type SegmentView,
} from '../support/operations.ts';
import { interleave } from '../support/recognition.ts';
import { openDoors } from '../support/refusals.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { until } from '../support/wait.ts';

interface WordView {
  readonly text: string;
  readonly startMs: number | null;
  readonly endMs: number | null;
  readonly confidence: number | null;
}
interface EditedView extends SegmentView {
  readonly originalText: string | null;
  readonly ownSpeaker: string | null;
  readonly editedAt: string | null;
  readonly words: readonly WordView[];
}

const FIELDS = `${SEGMENT_FIELDS} originalText ownSpeaker editedAt words { text startMs endMs confidence }`;
const UPDATE = `mutation ($input: UpdateSegmentInput!) { updateSegment(input: $input) { segment { ${FIELDS} } } }`;
const RENAME = `mutation ($input: RenameSpeakerInput!) {
  renameSpeaker(input: $input) { session { speakers originalSpeakers } } }`;
const SESSION = `query ($id: ID!) { session(id: $id) { speakers segments(first: 50) { edges { node { ${FIELDS} } } } } }`;
const PAUSE = { silenceMs: 1_000 };
const UTTERANCES = ['alpha', 'bravo', 'charlie', PAUSE, 'delta', 'echo', PAUSE] as const;

async function update(client: GraphqlClient, input: object): Promise<EditedView> {
  const { updateSegment } = await client.data<{ updateSegment: { segment: EditedView } }>(UPDATE, { input });
  return updateSegment.segment;
}

async function rename(client: GraphqlClient, input: object): Promise<unknown> {
  const { renameSpeaker } = await client.data<{ renameSpeaker: { session: unknown } }>(RENAME, { input });
  return renameSpeaker.session;
}

async function finalsOf(client: GraphqlClient, id: string): Promise<EditedView[]> {
  const { session } = await client.data<{ session: { segments: { edges: { node: EditedView }[] } } }>(SESSION, { id });
  return session.segments.edges.map(({ node }) => node);
}

/** Follows a session's finals until it is told to leave, or they end. */
function follow(client: GraphqlClient, variables: object) {
  const finals: SegmentView[] = [];
  const events = client.events<{ segmentAdded: SegmentView }>(SEGMENT_ADDED, variables);
  const done = (async () => {
    for await (const { segmentAdded } of events) if (segmentAdded.kind === 'FINAL') finals.push(segmentAdded);
  })();
  return {
    finals,
    done,
    has: (count: number) => until(() => finals.length >= count, { what: `${count} finals`, timeoutMs: 20_000 }),
  };
}

async function recorded(client: GraphqlClient, input: object = {}): Promise<{ id: string; finals: EditedView[] }> {
  const id = await startSession(client, input);
  const { nextSequence } = await sendChunks(client, id, speechChunks(UTTERANCES));
  await endSession(client, id, nextSequence);
  return { id, finals: await finalsOf(client, id) };
}

/** All rows of a statement, as another program reads them. */
function rowsOf(server: Pick<TestServer, 'dataDirectory'>, sql: string, ...values: string[]): unknown[] {
  const database = new BetterSqlite3(path.join(server.dataDirectory, 'verbatim.db'), { readonly: true });
  try {
    return database.prepare(sql).all(...values);
  } finally {
    database.close();
  }
}

function rawId(globalId: string): string {
  return Buffer.from(globalId, 'base64').toString().replace(/^\w+:/u, '');
}

let server: TestServer;
let client: GraphqlClient;
beforeAll(async () => {
  server = await startTestServer();
  client = server.client;
});
afterAll(() => server.stop());

describe('a final segment of a running session', () => {
  it('is corrected before the database has it: its followers are told, and who comes later finds it so', async () => {
    const id = await startSession(client);
    const chunks = speechChunks(UTTERANCES);
    const live = follow(client, { sessionId: id });
    let { nextSequence } = await sendChunks(client, id, chunks);
    await live.has(2);
    const [heard] = await finalsOf(client, id);
    if (heard === undefined) throw new Error('nothing was heard');
    expect(rowsOf(server, 'SELECT id FROM segments WHERE session_id = ?', rawId(id))).toEqual([]);

    const edited = await update(client, { segmentId: heard.id, text: '  Alpha beta,\n charlie ' });
    expect(edited).toMatchObject({
      ...heard,
      text: 'Alpha beta, charlie',
      originalText: 'alpha bravo charlie',
      revision: heard.revision + 1,
      editedAt: expect.any(String),
      words: [
        { ...heard.words[0], text: 'Alpha' },
        { text: 'beta,', startMs: null, endMs: null, confidence: null },
        heard.words[2],
      ],
    });
    await live.has(3);
    expect(live.finals[2]).toMatchObject({ id: heard.id, text: edited.text, revision: edited.revision });
    expect(live.finals[2]).toMatchObject({ sequence: heard.sequence, cursor: heard.cursor });
    expect((await finalsOf(client, id))[0]).toEqual(edited);
    const { node } = await client.data<{ node: object }>(
      `query ($id: ID!) { node(id: $id) { ... on Segment { ${FIELDS} } } }`,
      { id: heard.id },
    );
    expect(node).toEqual(edited);

    const late = follow(client, { sessionId: id, fromStart: true });
    ({ nextSequence } = await sendChunks(client, id, chunks, nextSequence));
    await endSession(client, id, nextSequence);
    await Promise.all([live.done, late.done]);
    expect(late.finals.map(({ text }) => text)).toEqual([
      'Alpha beta, charlie',
      'delta echo',
      'alpha bravo charlie',
      'delta echo',
    ]);
    expect(
      rowsOf(
        server,
        'SELECT kind, text, original_text FROM segments WHERE session_id = ? ORDER BY start_ms',
        rawId(id),
      ),
    ).toMatchObject([
      { kind: 'final', text: 'Alpha beta, charlie', original_text: 'alpha bravo charlie' },
      { text: 'delta echo', original_text: null },
      { text: 'alpha bravo charlie' },
      { text: 'delta echo' },
    ]);
  });

  it('is given again, as it is now, to a follower that was away while it was corrected', async () => {
    const id = await startSession(client);
    const { nextSequence } = await sendChunks(client, id, speechChunks(UTTERANCES));
    const before = follow(client, { sessionId: id, fromStart: true });
    await before.has(2);
    const [first, second] = before.finals;
    await update(client, { segmentId: first?.id, text: 'corrected' });
    await update(client, { segmentId: second?.id, text: 'corrected too' });

    const resumed = follow(client, { sessionId: id, after: first?.cursor });
    await endSession(client, id, nextSequence);
    await resumed.done;
    expect(resumed.finals.map(({ sequence, text }) => [sequence, text])).toEqual([
      [1, 'corrected'],
      [2, 'corrected too'],
    ]);
    // Once it is over there is the same to be had.
    const later = follow(client, { sessionId: id, after: second?.cursor });
    await later.done;
    expect(later.finals.map(({ sequence }) => sequence)).toEqual([1, 2]);
  });

  it('of two channels goes by the name of its channel, or by one of its own', async () => {
    const audio = { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 2 };
    const id = await startSession(client, { audio, speakers: [null, 'Ann'] });
    const bytes = Buffer.from(
      interleave(
        synthesiseToneSpeech(['alpha', PAUSE], 16_000),
        synthesiseToneSpeech([{ silenceMs: 500 }, 'bravo', PAUSE], 16_000),
      ),
    );
    const live = follow(client, { sessionId: id });
    await sendChunks(client, id, [bytes]);
    await live.has(2);
    const names = client.events<{ sessionUpdated: { speakers: string[] } }>(
      'subscription ($id: ID!) { sessionUpdated(sessionId: $id) { speakers } }',
      { id },
    );
    const told = async (wanted: string) => {
      for await (const { sessionUpdated } of names) if (sessionUpdated.speakers.includes(wanted)) return;
    };
    const [, second] = live.finals;
    await update(client, { segmentId: second?.id, speaker: ' Guest ' });
    expect(await rename(client, { sessionId: id, channel: 1, name: 'Dr. Ann' })).toEqual({
      speakers: [null, 'Dr. Ann'],
      originalSpeakers: [null, 'Ann'],
    });
    await told('Dr. Ann');
    await rename(client, { sessionId: id, channel: 0, name: 'Bob' });
    await sendChunks(client, id, [bytes], 1);
    await live.has(5);
    const speakers = async () => (await finalsOf(client, id)).map(({ speaker }) => speaker);
    expect(await speakers()).toEqual(['Bob', 'Guest', 'Bob', 'Dr. Ann']);
    await endSession(client, id, 2);
    expect(await speakers()).toEqual(['Bob', 'Guest', 'Bob', 'Dr. Ann']);
    await update(client, { segmentId: second?.id, speaker: null });
    await rename(client, { sessionId: id, channel: 1, name: null });
    expect(await speakers()).toEqual(['Bob', 'Ann', 'Bob', 'Ann']);
  });

  it('stays corrected in a restored backup, and when its journal is damaged and its row is written again', async () => {
    const id = await startSession(client);
    const live = follow(client, { sessionId: id });
    let { nextSequence } = await sendChunks(client, id, speechChunks([...UTTERANCES, ...UTTERANCES, ...UTTERANCES]));
    await live.has(6);
    const [first, second] = await finalsOf(client, id);
    const edited = [
      await update(client, { segmentId: first?.id, text: 'corrected', speaker: 'Ann' }),
      await update(client, { segmentId: second?.id, speaker: 'Bob' }),
    ];
    const rows = 'SELECT text, speaker FROM segments WHERE session_id = ? ORDER BY sequence';
    await until(() => rowsOf(server, rows, rawId(id)).length >= 5, { what: 'a batch' });

    const root = await mkdtemp(path.join(tmpdir(), 'verbatim-edits-'));
    const [backup, after] = [path.join(root, 'backup'), path.join(root, 'after')];
    const common = { reserveBytes: 0, signal: new AbortController().signal, onProgress: () => undefined };
    const { dataDirectory } = server;
    const databaseOf = (folder: string) => path.join(folder, 'verbatim.db');
    await createBackup({
      ...common,
      dataDirectory,
      databaseFile: databaseOf(dataDirectory),
      folder: backup,
      version: '1',
    });
    await restoreBackup({ ...common, dataDirectory: after, databaseFile: databaseOf(after), folder: backup });
    const journal = path.join(after, 'sessions', rawId(id), 'journal.log');
    const bytes = await readFile(journal);
    const place = bytes.indexOf('"final"');
    bytes.writeUInt8(bytes.readUInt8(place) ^ 0xff, place);
    await writeFile(journal, bytes);

    const own = await startTestServer({ dataDirectory: after });
    const again = follow(own.client, { sessionId: id, fromStart: true });
    ({ nextSequence } = await sendChunks(own.client, id, speechChunks(['foxtrot', PAUSE]), nextSequence));
    await endSession(own.client, id, nextSequence);
    await again.done;
    expect(again.finals.map(({ text }) => text).slice(0, 3)).toEqual([
      'corrected',
      'delta echo',
      'alpha bravo charlie',
    ]);
    expect((await finalsOf(own.client, id)).slice(0, 2)).toEqual(edited);
    const stored = rowsOf(own, rows, rawId(id));
    expect(stored).toHaveLength(7);
    expect(stored.slice(0, 2)).toEqual([
      { text: 'corrected', speaker: 'Ann' },
      { text: 'delta echo', speaker: 'Bob' },
    ]);
    await own.stop();
    await rm(root, { recursive: true, force: true });
    await endSession(client, id);
  });
});

describe('a final segment of a session that is over', () => {
  it('is corrected and restored, however often, with a revision that always rises', async () => {
    const { id, finals } = await recorded(client);
    const [heard] = finals;
    const segmentId = heard?.id;
    const edited = await update(client, { segmentId, text: 'alpha bravo Charles' });
    expect(edited).toMatchObject({ text: 'alpha bravo Charles', originalText: heard?.text });
    expect(edited.avgConfidence).toBe(heard?.avgConfidence);
    const again = await update(client, { segmentId, text: 'alpha bravo Charlie' });
    expect(again).toMatchObject({ originalText: heard?.text, words: [...(heard?.words.slice(0, 2) ?? []), {}] });
    expect(again.words[2]).toEqual({ ...heard?.words[2], text: 'Charlie' });
    expect(await update(client, { segmentId })).toEqual(again);
    // Typed back it is as good as restored.
    for (const text of [null, 'other words', heard?.text]) await update(client, { segmentId, text });
    const [restored] = await finalsOf(client, id);
    expect(restored).toEqual({ ...heard, revision: (heard?.revision ?? 0) + 5 });
  });

  it('is corrected when its recording was removed, and has its edit in every transcript', async () => {
    const { id, finals } = await recorded(client, { speakers: ['Ann'] });
    await rm(path.join(server.dataDirectory, 'sessions', rawId(id)), { recursive: true });
    await update(client, { segmentId: finals[0]?.id, text: 'said otherwise', speaker: 'Bob' });
    await rename(client, { sessionId: id, channel: 0, name: 'Dr. Ann' });
    const transcript = async (format: string) => {
      const { session } = await client.data<{ session: { transcript: string } }>(
        'query ($id: ID!, $format: TranscriptFormat!) { session(id: $id) { transcript(format: $format) } }',
        { id, format },
      );
      return session.transcript;
    };
    expect(await transcript('TXT')).toBe('Bob: said otherwise\nDr. Ann: delta echo\n');
    expect(await transcript('SRT')).toContain('Bob: said otherwise');
    expect(await transcript('VTT')).toContain('<v Bob>said otherwise');
    expect(await transcript('CSV')).toMatch(/"Bob",.*,"said otherwise"/u);
    expect(JSON.parse(await transcript('JSON'))).toMatchObject({
      session: { speakers: ['Dr. Ann'], originalSpeakers: ['Ann'] },
      segments: [
        { text: 'said otherwise', originalText: 'alpha bravo charlie', speaker: 'Bob', ownSpeaker: 'Bob' },
        { text: 'delta echo', speaker: 'Dr. Ann' },
      ],
    });
  });

  it('is found by what it says now', async () => {
    const { id, finals } = await recorded(client);
    await update(client, { segmentId: finals[0]?.id, text: 'said quite otherwise' });
    const find = async (textContains: string) => {
      const { segments } = await client.data<{ segments: { edges: { node: { text: string } }[] } }>(
        'query ($filter: SegmentFilter) { segments(first: 10, filter: $filter) { edges { node { text } } } }',
        { filter: { sessionId: id, textContains } },
      );
      return segments.edges.map(({ node }) => node.text);
    };
    expect(await find('quite')).toEqual(['said quite otherwise']);
    expect(await find('bravo')).toEqual([]);
  });

  it('takes its edits along when its session is deleted', async () => {
    const { id, finals } = await recorded(client);
    const segmentId = finals[0]?.id;
    await update(client, { segmentId, text: 'to be forgotten' });
    await client.data('mutation ($input: DeleteSessionInput!) { deleteSession(input: $input) { deletedSessionId } }', {
      input: { sessionId: id },
    });
    expect(rowsOf(server, 'SELECT * FROM segment_edits WHERE session_id = ?', rawId(id))).toEqual([]);
    const doors = await openDoors(server.url);
    expect(await doors.http(UPDATE, { input: { segmentId, text: 'too late' } })).toMatchObject({ code: 'NOT_FOUND' });
    doors.close();
  });
});

describe('an edit that can’t be', () => {
  it('is refused with a code, and a sentence that says what to do', async () => {
    const { id, finals } = await recorded(client);
    const doors = await openDoors(server.url);
    const refusalOf = async (input: object) => {
      const { code, message } = await doors.http(UPDATE, { input: { segmentId: finals[0]?.id, ...input } });
      return `${code}: ${message}`;
    };
    const renameRefusal = async (input: object) => {
      const { code, message } = await doors.http(RENAME, { input: { sessionId: id, channel: 0, ...input } });
      return `${code}: ${message}`;
    };
    const global = (name: string) => Buffer.from(name).toString('base64');
    expect([
      await refusalOf({ text: ' \n ' }),
      await refusalOf({ text: '\u200B\u00AD' }),
      await refusalOf({ text: 'x'.repeat(5_001) }),
      await refusalOf({ text: 'a '.repeat(501) }),
      await refusalOf({ text: 'bell \u0007' }),
      await refusalOf({ speaker: '' }),
      await refusalOf({ speaker: '\u202E' }),
      await refusalOf({ speaker: 'x'.repeat(101) }),
      await refusalOf({ segmentId: id }),
      await refusalOf({ segmentId: global('Segment:nowhere.0.0'), text: 'x' }),
      await refusalOf({ segmentId: global(`Segment:${rawId(id)}.0.1`), text: 'x' }),
      await renameRefusal({ channel: 1, name: 'Ann' }),
      await renameRefusal({ channel: -1, name: 'Ann' }),
      await renameRefusal({ name: 'Ann\nBob' }),
      await renameRefusal({ sessionId: global('Session:nowhere'), name: 'Ann' }),
    ]).toMatchInlineSnapshot(`
      [
        "BAD_USER_INPUT: text must say something; null gives back what the recogniser wrote.",
        "BAD_USER_INPUT: text must say something; null gives back what the recogniser wrote.",
        "BAD_USER_INPUT: text may have 5000 characters at most.",
        "BAD_USER_INPUT: text may have 500 words at most.",
        "BAD_USER_INPUT: text must be well-formed Unicode without control characters: take them out.",
        "BAD_USER_INPUT: A speaker's name must have 1 to 100 characters; null when it is not known.",
        "BAD_USER_INPUT: A speaker's name must have 1 to 100 characters; null when it is not known.",
        "BAD_USER_INPUT: A speaker's name must have 1 to 100 characters; null when it is not known.",
        "BAD_USER_INPUT: This is the id of another type: use the \`id\` field of a Segment.",
        "NOT_FOUND: There is no segment with this id: use the \`id\` of one that you were given.",
        "NOT_FOUND: There is no segment with this id: use the \`id\` of one that you were given.",
        "BAD_USER_INPUT: There is no channel 1: this session has only channel 0.",
        "BAD_USER_INPUT: There is no channel -1: this session has only channel 0.",
        "BAD_USER_INPUT: A speaker's name must be well-formed Unicode on one line, without control characters.",
        "NOT_FOUND: There is no session with this id: check it, or start a session.",
      ]
    `);
    doors.close();
    expect(await finalsOf(client, id)).toEqual(finals);
  });

  it('is one of a draft, which the recogniser still replaces', async () => {
    const id = await startSession(client);
    await sendChunks(client, id, speechChunks(['alpha', 'bravo', 'charlie', 'delta', 'echo', 'foxtrot']));
    const drafts = async () => {
      const { session } = await client.data<{ session: { segments: { edges: { node: SegmentView }[] } } }>(
        'query ($id: ID!) { session(id: $id) { segments(kind: INTERIM, first: 1) { edges { node { id } } } } }',
        { id },
      );
      return session.segments.edges[0]?.node.id;
    };
    const segmentId = await until(drafts, { what: 'a draft', timeoutMs: 20_000 });
    const doors = await openDoors(server.url);
    const { code, message } = await doors.http(UPDATE, { input: { segmentId, text: 'too early' } });
    doors.close();
    expect(`${code}: ${message}`).toMatchInlineSnapshot(
      `"BAD_USER_INPUT: This segment is a draft, which the recogniser still replaces: change it once it is FINAL."`,
    );
    await endSession(client, id);
  });
});
