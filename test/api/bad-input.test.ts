import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeGlobalId } from '../../src/schema/global-ids.ts';
import { dataOf } from '../support/graphql-client.ts';
import {
  collectSegments,
  END,
  endSession,
  finalsOf,
  readSession,
  SEGMENT_ADDED,
  SEND,
  sendChunk,
  sendChunks,
  SKIP,
  speechChunks,
  START,
  startSession,
  textsOf,
} from '../support/operations.ts';
import { openDoors, type Doors, type Refusal } from '../support/refusals.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const MIB = 1024 * 1024;
const MEGABYTE = 'm'.repeat(1_000_000);
const CHUNK_MS = 100;
const CHUNK = Buffer.alloc(3_200, 1);
const ABSENT = encodeGlobalId('Session', '00000000-0000-0000-0000-000000000000');
const SESSION_UPDATED = 'subscription ($sessionId: ID!) { sessionUpdated(sessionId: $sessionId) { id } }';
const SEGMENTS = `query ($id: ID!, $after: String, $first: Int, $kind: SegmentKind) {
  session(id: $id) { segments(after: $after, first: $first, kind: $kind) { edges { cursor } } } }`;
const SESSIONS =
  'query ($after: String, $first: Int, $last: Int) { sessions(after: $after, first: $first, last: $last) { edges { cursor } } }';

/** Words without end: each bad input is followed by the next tenth of a second of them. */
const WORDS = ['alpha', 'bravo', 'charlie', 'delta', 'echo', 'foxtrot', 'golf', 'hotel', 'india', 'juliett'] as const;
const UTTERANCES = 8;
const SPEECH = speechChunks(Array.from({ length: UTTERANCES }, () => [...WORDS, { silenceMs: 700 }]).flat(), CHUNK_MS);

let server: TestServer;
let doors: Awaited<ReturnType<typeof openDoors>>;
/** The session that everything is done to. */
let sessionId: string;
let sent = 0;
/** Another one, with a final of its own. */
let otherId: string;
let otherCursor: string;

beforeAll(async () => {
  server = await startTestServer();
  doors = await openDoors(server.url);
  sessionId = await startSession(server.client);
  otherId = await startSession(server.client);
  await sendChunks(server.client, otherId, speechChunks(['zulu', { silenceMs: 1_000 }]));
  await endSession(server.client, otherId);
  otherCursor = (await collectSegments(server.client, otherId, { fromStart: true })).at(-1)?.cursor ?? '';
  // Some chunks behind it, so that numbers can be wrong in both directions.
  for (let chunk = 0; chunk < 3; chunk += 1) await sendNext();
});
afterAll(async () => {
  doors.close();
  await server.stop();
});

/** The session is as it would be without all that was refused: it takes the chunk that is its next, and nothing is missing. */
async function sendNext(): Promise<void> {
  const chunk = SPEECH[sent];
  if (chunk === undefined) throw new Error('The speech is too short for so many inputs');
  const acknowledged = dataOf(await sendChunk(server.client, sessionId, sent, chunk)).sendAudio;
  sent += 1;
  expect(acknowledged).toMatchObject({ nextSequence: sent, receivedMs: sent * CHUNK_MS, duplicate: false });
}

function checkMessage(message: string): void {
  expect(message.length).toBeGreaterThan(15);
  expect(message.length).toBeLessThan(520);
  // Nothing of what is inside: stacks, paths, statements, libraries.
  expect(message).not.toMatch(
    /\n|\/(?:root|home|usr|tmp|src|node_modules)\/|\.ts\b|SELECT |INSERT |sqlite|prisma|zod|\[object|undefined/iu,
  );
}

type Attempt = (doors: Doors) => Promise<Refusal>;
/** What is wrong, how it is sent, and what it is refused with; the status where HTTP has a fitting one. */
type Row = readonly [what: string, attempt: Attempt, expected: string | readonly [code: string, status: number]];

const audio = (bytes: Buffer) => bytes.toString('base64');
const sendInput = (input: object = {}) => ({ input: { sessionId, sequence: sent, audio: audio(CHUNK), ...input } });
const postChunk = (door: Doors, bytes: Buffer, sequence: string | number = sent, id = sessionId) =>
  door.post(`/sessions/${encodeURIComponent(id)}/audio?sequence=${sequence}`, bytes, {
    'content-type': 'application/octet-stream',
  });
const times = (count: number, text: (index: number) => string) =>
  Array.from({ length: count }, (_, i) => text(i)).join(' ');

const SEGMENT_ID = () => encodeGlobalId('Segment', `${sessionId}.0.0`);
const BAD_IDS: readonly (readonly [what: string, id: () => string, code: string])[] = [
  ['no id', () => 'nonsense', 'BAD_USER_INPUT'],
  ['an empty id', () => '', 'BAD_USER_INPUT'],
  ['the id of a segment', SEGMENT_ID, 'BAD_USER_INPUT'],
  ['the id of another type', () => encodeGlobalId('User', '1'), 'BAD_USER_INPUT'],
  ['an id in another base64', () => sessionId.replace(/=*$/u, '=='), 'BAD_USER_INPUT'],
  ['an id of a megabyte', () => MEGABYTE, 'BAD_USER_INPUT'],
  ['the id of no session', () => ABSENT, 'NOT_FOUND'],
  ['an id like a path', () => encodeGlobalId('Session', '../../etc/passwd'), 'NOT_FOUND'],
  ['an id with a zero byte', () => encodeGlobalId('Session', 'a\0b'), 'NOT_FOUND'],
];

describe('unknown, foreign and malformed ids', () => {
  it.each(BAD_IDS)(
    '%s: refused where something is to be changed or followed, null where it is asked for',
    async (...row) => {
      const [, idOf, code] = row;
      const id = idOf();
      for (const attempt of [
        doors.http(SEND, sendInput({ sessionId: id })),
        doors.socket(SKIP, { input: { sessionId: id, sequence: 0, durationMs: 100 } }),
        doors.http(END, { input: { sessionId: id } }),
        doors.socket(SEGMENT_ADDED, { sessionId: id }),
        doors.socket(SESSION_UPDATED, { sessionId: id }),
      ]) {
        const refusal = await attempt;
        expect(refusal.code).toBe(code);
        checkMessage(refusal.message);
      }
      const { session, node } = await server.client.data<{ session: null; node: null | { id: string } }>(
        'query ($id: ID!) { session(id: $id) { id } node(id: $id) { id } }',
        { id },
      );
      expect([session, node]).toEqual([null, null]);
      await sendNext();
    },
  );

  it.each(BAD_IDS.filter(([what]) => !/empty|megabyte/u.test(what)))(
    '%s: refused as the address of audio',
    async (...row) => {
      const [, idOf, code] = row;
      const refusal = await postChunk(doors, CHUNK, 0, idOf());
      expect(refusal).toMatchObject({ code, status: code === 'NOT_FOUND' ? 404 : 400 });
      checkMessage(refusal.message);
      await sendNext();
    },
  );
});

const CURSORS: readonly Row[] = [
  ['that is none', (to) => to.http(SEGMENTS, { id: sessionId, after: 'nonsense' }), 'BAD_USER_INPUT'],
  ['of a megabyte', (to) => to.socket(SEGMENTS, { id: sessionId, after: MEGABYTE }), 'BAD_USER_INPUT'],
  [
    'of the list of drafts',
    (to) => to.http(SEGMENTS, { id: sessionId, after: otherCursor, kind: 'INTERIM' }),
    'BAD_USER_INPUT',
  ],
  ['of the segments of a session, for sessions', (to) => to.http(SESSIONS, { after: otherCursor }), 'BAD_USER_INPUT'],
  ['that is none, for sessions', (to) => to.http(SESSIONS, { after: 'bm9uc2Vuc2U' }), 'BAD_USER_INPUT'],
  ['that is none, to resume from', (to) => to.socket(SEGMENT_ADDED, { sessionId, after: 'x' }), 'BAD_USER_INPUT'],
  [
    'behind the last segment, to resume from',
    (to) => to.socket(SEGMENT_ADDED, { sessionId, after: Buffer.from('final:900').toString('base64url') }),
    'BAD_USER_INPUT',
  ],
  [
    'to resume from, together with the start',
    (to) => to.socket(SEGMENT_ADDED, { sessionId, after: otherCursor, fromStart: true }),
    'BAD_USER_INPUT',
  ],
];

const PAGES: readonly Row[] = [
  ['of 101 items', (to) => to.http(SESSIONS, { first: 101 }), 'BAD_USER_INPUT'],
  ['of less than none', (to) => to.http(SEGMENTS, { id: sessionId, first: -1 }), 'BAD_USER_INPUT'],
  ['from both ends', (to) => to.http(SESSIONS, { first: 1, last: 1 }), 'BAD_USER_INPUT'],
  ['of half an item', (to) => to.http(SESSIONS, { first: 0.5 }), 'BAD_USER_INPUT'],
];

const BASE64: readonly Row[] = [
  ['that is none', (to) => to.http(SEND, sendInput({ audio: '%%%%' })), 'AUDIO_MALFORMED'],
  ['in the alphabet of addresses', (to) => to.socket(SEND, sendInput({ audio: '-_-_' })), 'AUDIO_MALFORMED'],
  ['without its padding', (to) => to.http(SEND, sendInput({ audio: 'AAA' })), 'AUDIO_MALFORMED'],
  ['with too much padding', (to) => to.http(SEND, sendInput({ audio: 'A===' })), 'AUDIO_MALFORMED'],
  ['with a line break', (to) => to.socket(SEND, sendInput({ audio: 'AAAA\nAAA' })), 'AUDIO_MALFORMED'],
  [
    'that is broken at the end of much',
    (to) => to.http(SEND, sendInput({ audio: `${MEGABYTE}%%%%` })),
    'AUDIO_MALFORMED',
  ],
  ['that is a number', (to) => to.socket(SEND, sendInput({ audio: 17 })), 'AUDIO_MALFORMED'],
  ['that is absent', (to) => to.http(SEND, sendInput({ audio: null })), 'BAD_USER_INPUT'],
];

const CHUNKS: readonly Row[] = [
  ['of half a sample', (to) => to.http(SEND, sendInput({ audio: audio(CHUNK.subarray(0, 1)) })), 'AUDIO_MALFORMED'],
  ['of an odd number of bytes', (to) => postChunk(to, CHUNK.subarray(0, 1_601)), ['AUDIO_MALFORMED', 422]],
  ['of nothing', (to) => to.socket(SEND, sendInput({ audio: '' })), 'AUDIO_MALFORMED'],
  ['of nothing, as bytes', (to) => postChunk(to, Buffer.alloc(0)), ['AUDIO_MALFORMED', 422]],
  ['over the limit', (to) => to.http(SEND, sendInput({ audio: audio(Buffer.alloc(MIB + 2)) })), 'AUDIO_TOO_LARGE'],
  [
    'over the limit, over the socket',
    (to) => to.socket(SEND, sendInput({ audio: audio(Buffer.alloc(MIB + 2)) })),
    'AUDIO_TOO_LARGE',
  ],
  ['over the limit, as bytes', (to) => postChunk(to, Buffer.alloc(MIB + 2)), ['AUDIO_TOO_LARGE', 413]],
  [
    'beyond all limits',
    (to) => to.http(SEND, sendInput({ audio: audio(Buffer.alloc(2 * MIB)) })),
    ['AUDIO_TOO_LARGE', 413],
  ],
  ['ahead of its turn', (to) => to.socket(SEND, sendInput({ sequence: sent + 2 })), 'AUDIO_OUT_OF_ORDER'],
  ['ahead of its turn, as bytes', (to) => postChunk(to, CHUNK, sent + 1), ['AUDIO_OUT_OF_ORDER', 409]],
  ['far ahead', (to) => to.http(SEND, sendInput({ sequence: 2 ** 31 - 1 })), 'AUDIO_OUT_OF_ORDER'],
  [
    'with other bytes under a number that is taken',
    (to) => to.http(SEND, sendInput({ sequence: 0 })),
    'AUDIO_CONFLICT',
  ],
  ['with other bytes under the last number', (to) => postChunk(to, CHUNK, sent - 1), ['AUDIO_CONFLICT', 409]],
  ['with a number below 0', (to) => to.socket(SEND, sendInput({ sequence: -1 })), 'BAD_USER_INPUT'],
  ['with a number beyond 32 bits', (to) => to.http(SEND, sendInput({ sequence: 2 ** 31 })), 'BAD_USER_INPUT'],
  ['with half a number', (to) => to.http(SEND, sendInput({ sequence: 1.5 })), 'BAD_USER_INPUT'],
  ['with a number as text', (to) => to.socket(SEND, sendInput({ sequence: '0' })), 'BAD_USER_INPUT'],
  ['without a number, as bytes', (to) => postChunk(to, CHUNK, ''), ['BAD_USER_INPUT', 400]],
  ['with a hexadecimal number, as bytes', (to) => postChunk(to, CHUNK, '0x1'), ['BAD_USER_INPUT', 400]],
  [
    'as bytes of another type',
    (to) => to.post(`/sessions/${sessionId}/audio?sequence=${sent}`, CHUNK, { 'content-type': 'text/plain' }),
    ['BAD_USER_INPUT', 415],
  ],
];

const GAPS: readonly Row[] = [
  ['of no length', (to) => to.socket(SKIP, { input: { sessionId, sequence: sent, durationMs: 0 } }), 'BAD_USER_INPUT'],
  ['back in time', (to) => to.http(SKIP, { input: { sessionId, sequence: sent, durationMs: -100 } }), 'BAD_USER_INPUT'],
  [
    'of weeks',
    (to) => to.http(SKIP, { input: { sessionId, sequence: sent, durationMs: 2 ** 31 - 1 } }),
    'BAD_USER_INPUT',
  ],
  [
    'ahead of its turn',
    (to) => to.socket(SKIP, { input: { sessionId, sequence: sent + 1, durationMs: 100 } }),
    'AUDIO_OUT_OF_ORDER',
  ],
  [
    'in the place of a chunk',
    (to) => to.http(SKIP, { input: { sessionId, sequence: 0, durationMs: 100 } }),
    'AUDIO_CONFLICT',
  ],
];

const ENDS: readonly Row[] = [
  [
    'while chunks are missing',
    (to) => to.http(END, { input: { sessionId, nextSequence: sent + 1 } }),
    'AUDIO_OUT_OF_ORDER',
  ],
  [
    'with fewer chunks than there are',
    (to) => to.socket(END, { input: { sessionId, nextSequence: sent - 1 } }),
    'AUDIO_CONFLICT',
  ],
  ['with less than no chunks', (to) => to.http(END, { input: { sessionId, nextSequence: -1 } }), 'AUDIO_CONFLICT'],
];

const start = (input: object) => (to: Doors) => to.http(START, { input });
const startWith = (format: object) =>
  start({ audio: { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 1, ...format } });
const SESSIONS_TO_START: readonly Row[] = [
  ['with a title of a megabyte', start({ title: MEGABYTE }), 'BAD_USER_INPUT'],
  [
    'with a title of a megabyte, in the document',
    (to) => to.socket(`mutation { startSession(input: { title: "${MEGABYTE}" }) { session { id } } }`),
    'BAD_USER_INPUT',
  ],
  ['with a title that is none', start({ title: { a: 1 } }), 'BAD_USER_INPUT'],
  ['with a title beyond all limits', start({ title: MEGABYTE.repeat(2) }), ['AUDIO_TOO_LARGE', 413]],
  ['with an empty externalId', start({ externalId: '' }), 'BAD_USER_INPUT'],
  ['with an externalId of a megabyte', start({ externalId: MEGABYTE }), 'BAD_USER_INPUT'],
  ['in a language that there is not', start({ language: 'tlh' }), 'BAD_USER_INPUT'],
  ['in a language of a megabyte', start({ language: MEGABYTE }), 'BAD_USER_INPUT'],
  ['with metadata of a megabyte', start({ metadata: { text: MEGABYTE } }), 'BAD_USER_INPUT'],
  ['with metadata that is deep', start({ metadata: JSON.parse('['.repeat(200) + ']'.repeat(200)) }), 'BAD_USER_INPUT'],
  ['with metadata that is a number', start({ metadata: 1 }), 'BAD_USER_INPUT'],
  ['at 0 Hz', startWith({ sampleRate: 0 }), 'BAD_USER_INPUT'],
  ['at 7,999 Hz', startWith({ sampleRate: 7_999 }), 'BAD_USER_INPUT'],
  ['at 48,001 Hz', startWith({ sampleRate: 48_001 }), 'BAD_USER_INPUT'],
  ['at two thousand million Hz', startWith({ sampleRate: 2 ** 31 - 1 }), 'BAD_USER_INPUT'],
  ['at half a Hz', startWith({ sampleRate: 16_000.5 }), 'BAD_USER_INPUT'],
  ['of no channels', startWith({ channels: 0 }), 'BAD_USER_INPUT'],
  ['of a thousand channels', startWith({ channels: 1_000 }), 'BAD_USER_INPUT'],
  ['in an encoding that there is not', startWith({ encoding: 'PCM_S64BE' }), 'BAD_USER_INPUT'],
  ['with a field that there is not', start({ colour: 'red' }), 'BAD_USER_INPUT'],
];

const deep = `{ sessions { edges { node { ${'segments { edges { node { session { '.repeat(4)} id ${'} } } }'.repeat(4)} } } } }`;
const NESTED_PAGES =
  '{ sessions(first: 100) { edges { node { segments(first: 100) { edges { node { id text } } } } } } }';
const doubling = `{ __schema { ...F0 } } ${times(150, (i) => `fragment F${i} on __Schema { ...F${i + 1} ...F${i + 1} }`)} fragment F150 on __Schema { __typename }`;
const DOCUMENTS: readonly Row[] = [
  ['that is none', (to) => to.http('hello'), 'BAD_USER_INPUT'],
  ['that is empty', (to) => to.socket(''), 'BAD_USER_INPUT'],
  ['that stops half-way', (to) => to.socket('subscription {'), 'BAD_USER_INPUT'],
  ['with a field that there is not', (to) => to.http('{ passwords }'), 'BAD_USER_INPUT'],
  ['that is deep', (to) => to.http(deep), 'BAD_USER_INPUT'],
  ['that is wide', (to) => to.socket(`{ ${times(3_000, (i) => `a${i}: __typename`)} }`), 'BAD_USER_INPUT'],
  [
    'with a session under 200 names',
    (to) => to.http(`{ ${times(200, (i) => `a${i}: session(id: "x") { id }`)} }`),
    'BAD_USER_INPUT',
  ],
  [
    'with 50 mutations',
    (to) =>
      to.socket(
        `mutation { ${times(50, (i) => `a${i}: endSession(input: { sessionId: "${sessionId}" }) { session { id } }`)} }`,
      ),
    'BAD_USER_INPUT',
  ],
  ['with pages in pages', (to) => to.http(NESTED_PAGES), 'BAD_USER_INPUT'],
  ['with pages in pages, over the socket', (to) => to.socket(NESTED_PAGES), 'BAD_USER_INPUT'],
  [
    'with pages in pages that variables ask for',
    (to) => to.http(NESTED_PAGES.replace('{', 'query ($n: Int) {').replaceAll('100', '$n'), { n: 100 }),
    'BAD_USER_INPUT',
  ],
  ['whose fragments double', (to) => to.socket(doubling), 'BAD_USER_INPUT'],
  [
    'whose fragments have no end',
    (to) => to.http('{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }'),
    'BAD_USER_INPUT',
  ],
  ['of many operations', (to) => to.http(times(100, (i) => `query q${i} { __typename }`)), 'BAD_USER_INPUT'],
  ['of many directives', (to) => to.http(`{ __typename ${times(500, () => '@skip(if: false)')} }`), 'BAD_USER_INPUT'],
  ['beyond all limits', (to) => to.http(`{ __typename } # ${MEGABYTE.repeat(2)}`), ['AUDIO_TOO_LARGE', 413]],
  ['without a variable that it needs', (to) => to.socket(END), 'BAD_USER_INPUT'],
];

const REQUESTS: readonly Row[] = [
  ['that is no JSON', (to) => to.post('/graphql', '{"query":'), ['BAD_USER_INPUT', 400]],
  ['that is no object', (to) => to.post('/graphql', '[]'), ['BAD_USER_INPUT', 400]],
  ['without a document', (to) => to.post('/graphql', '{}'), ['BAD_USER_INPUT', 400]],
  ['of a document that is a number', (to) => to.post('/graphql', '{"query":1}'), ['BAD_USER_INPUT', 400]],
  [
    'of variables that are a list',
    (to) => to.post('/graphql', '{"query":"{ __typename }","variables":[]}'),
    ['BAD_USER_INPUT', 400],
  ],
  [
    'as a form',
    (to) => to.post('/graphql', 'query={__typename}', { 'content-type': 'application/x-www-form-urlencoded' }),
    ['BAD_USER_INPUT', 415],
  ],
  ['to nowhere', (to) => to.post('/sessions', ''), ['NOT_FOUND', 404]],
];

describe.each<readonly [what: string, rows: readonly Row[]]>([
  ['a cursor', CURSORS],
  ['a page', PAGES],
  ['base64', BASE64],
  ['a chunk', CHUNKS],
  ['a gap', GAPS],
  ['an end', ENDS],
  ['a session', SESSIONS_TO_START],
  ['a document', DOCUMENTS],
  ['a request', REQUESTS],
])('%s', (_what, rows) => {
  it.each(rows)('%s', async (_how, attempt, expected) => {
    const refusal = await attempt(doors);
    const { code, status = 0 } = refusal;
    expect(typeof expected === 'string' ? code : [code, status]).toEqual(expected);
    checkMessage(refusal.message);
    await sendNext();
  });
});

describe('a body', () => {
  it('that stops half-way, and whose client leaves, was never there', async () => {
    const half = (path: string, type: string) =>
      `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: ${type}\r\ncontent-length: 3200\r\n\r\n${'x'.repeat(1_600)}`;
    const path = `/sessions/${encodeURIComponent(sessionId)}/audio?sequence=${sent}`;
    for (const bytes of [half(path, 'application/octet-stream'), half('/graphql', 'application/json')]) {
      const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
      await new Promise<void>((resolve) => {
        socket.write(bytes, () => resolve());
      });
      await sendNext();
      socket.destroy();
      await sendNext();
    }
    expect(await readSession(server.client, sessionId)).toMatchObject({ nextSequence: sent });
  });
});

describe('samples that are no numbers', () => {
  it('are refused, and the session of floats hears the rest as it was said', async () => {
    const input = { audio: { encoding: 'PCM_F32LE', sampleRate: 16_000, channels: 1 } };
    const id = await startSession(server.client, input);
    const chunks = speechChunks(['kilo', 'lima', { silenceMs: 1_000 }]).map((chunk) => {
      const samples = new Int16Array(chunk.buffer.slice(chunk.byteOffset, chunk.byteOffset + chunk.byteLength));
      return Buffer.from(Float32Array.from(samples, (sample) => sample / 32_768).buffer);
    });
    for (const [sequence, chunk] of chunks.entries()) {
      const bad = [NaN, Infinity, -Infinity][sequence % 3] ?? 0;
      const spoilt = Buffer.from(chunk);
      spoilt.writeFloatLE(bad, spoilt.length - 4);
      for (const bytes of [spoilt, chunk.subarray(0, chunk.length - 1 - (sequence % 3))]) {
        const refusal = await doors.http(SEND, { input: { sessionId: id, sequence, audio: audio(bytes) } });
        expect(refusal.code).toBe('AUDIO_MALFORMED');
        checkMessage(refusal.message);
      }
      expect(dataOf(await sendChunk(server.client, id, sequence, chunk)).sendAudio.nextSequence).toBe(sequence + 1);
    }
    await endSession(server.client, id, chunks.length);
    expect(textsOf(finalsOf(await collectSegments(server.client, id, { fromStart: true })))).toEqual(['kilo lima']);
  });
});

describe('a session that is over', () => {
  it('takes nothing more, gives the same end again, and stays as it was', async () => {
    const before = await readSession(server.client, otherId);
    const refusals = [
      await doors.http(SEND, sendInput({ sessionId: otherId, sequence: before.nextSequence })),
      await doors.socket(SKIP, { input: { sessionId: otherId, sequence: before.nextSequence, durationMs: 100 } }),
      await postChunk(doors, CHUNK, before.nextSequence, otherId),
    ];
    for (const { code, message } of refusals) {
      expect(code).toBe('SESSION_NOT_ACTIVE');
      checkMessage(message);
    }
    expect(await endSession(server.client, otherId)).toEqual(before);
    expect((await doors.http(END, { input: { sessionId: otherId, nextSequence: 1 } })).code).toBe('AUDIO_CONFLICT');
    expect(await readSession(server.client, otherId)).toEqual(before);
  });
});

describe('the session that all this was done to', () => {
  it('has every word of its speech, once and in order', async () => {
    await sendChunks(server.client, sessionId, SPEECH.slice(sent), sent);
    const session = await endSession(server.client, sessionId, SPEECH.length);
    expect(session).toMatchObject({
      status: 'COMPLETED',
      nextSequence: SPEECH.length,
      coverage: { receivedMs: SPEECH.length * CHUNK_MS, gapMs: 0, failedMs: 0, pendingMs: 0 },
    });
    const finals = finalsOf(await collectSegments(server.client, sessionId, { fromStart: true }));
    expect(textsOf(finals)).toEqual(Array.from({ length: UTTERANCES }, () => WORDS.join(' ')));
  });
});
