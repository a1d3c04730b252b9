import { anyOperation, jsonOf } from './graphql-documents.ts';
import { mutateBytes } from './mutations.ts';
import { judgeClose, judgeResult } from './oracle.ts';
import type { Random } from './random.ts';
import { converse, encodeFrame, OPCODE, type Frame } from './raw-web-socket.ts';
import type { KnownThings } from './sessions-pool.ts';
import type { Target, TargetContext } from './target.ts';

type Maker = (known: KnownThings, random: Random) => { readonly kind: string; readonly pieces: Buffer[] };

const INIT = message({ type: 'connection_init' });

function message(content: unknown): Buffer {
  return text(typeof content === 'string' ? content : JSON.stringify(content));
}

function text(content: string | Buffer): Buffer {
  return encodeFrame({ opcode: OPCODE.text, payload: Buffer.from(content) });
}

function subscribe(id: unknown, payload: unknown): Buffer {
  return message({ type: 'subscribe', id, payload });
}

const wrongFrames: Maker = (_known, random) => {
  const payload = random.pick([Buffer.from('{"type":"ping"}'), random.bytes(random.below(300)), Buffer.alloc(0)]);
  const frame = random.pick<Frame>([
    { opcode: random.pick([3, 4, 5, 6, 7, 11, 15]), payload },
    { opcode: OPCODE.text, payload, reservedBits: random.between(1, 7) },
    { opcode: OPCODE.text, payload, masked: false },
    { opcode: OPCODE.text, payload: random.bytes(random.between(1, 200)) },
    { opcode: OPCODE.continuation, payload },
    { opcode: OPCODE.ping, payload: random.bytes(random.pick([125, 126, 1_000])) },
    { opcode: OPCODE.ping, payload, final: false },
    { opcode: OPCODE.pong, payload: random.bytes(random.below(125)) },
    {
      opcode: OPCODE.close,
      payload: random.pick([Buffer.from([1]), Buffer.from([0, 0]), Buffer.from([3, 237, 0xff]), random.bytes(125)]),
    },
    {
      opcode: OPCODE.text,
      payload,
      claimedLength: random.pick([2 ** 32, Number.MAX_SAFE_INTEGER, 1_600_000, payload.length + 9]),
    },
    { opcode: OPCODE.binary, payload: random.bytes(random.below(500)) },
    { opcode: OPCODE.binary, payload: Buffer.from('{"type":"ping"}') },
  ]);
  return { kind: 'wrong frame', pieces: [...(random.chance(0.7) ? [INIT] : []), encodeFrame(frame)] };
};

const changedBytes: Maker = (known, random) => {
  const bytes = Buffer.concat([
    INIT,
    text(`{"type":"subscribe","id":"1","payload":${jsonOf(anyOperation(known, random))}}`),
    message({ type: 'complete', id: '1' }),
  ]);
  return { kind: 'changed frames', pieces: [mutateBytes(bytes, random, 6)] };
};

const tooLarge: Maker = (_known, random) => {
  const size = random.pick([1_500_000, 1_529_174, 1_700_000, 4_000_000]);
  return { kind: 'oversize', pieces: [INIT, text(`{"type":"ping","payload":{"a":"${'x'.repeat(size)}"}}`)] };
};

const fragmented: Maker = (_known, random) => {
  const whole = Buffer.from(JSON.stringify({ type: 'subscribe', id: 'f', payload: { query: '{ __typename }' } }));
  const parts: Buffer[] = [];
  for (let at = 0; at < whole.length;) {
    const end = Math.min(whole.length, at + random.between(0, 12));
    const opcode = parts.length === 0 ? OPCODE.text : OPCODE.continuation;
    parts.push(encodeFrame({ opcode, payload: whole.subarray(at, end), final: end === whole.length }));
    if (random.chance(0.2)) parts.push(encodeFrame({ opcode: random.pick([OPCODE.ping, OPCODE.ping, OPCODE.text]) }));
    at = end;
  }
  if (random.chance(0.3)) parts.pop();
  return { kind: 'fragmented', pieces: [INIT, ...parts] };
};

const oddMessages: Maker = (known, random) => {
  const query = '{ __typename }';
  const odd = random.pick<unknown>([
    '',
    'null',
    '[]',
    '1',
    '"x"',
    '{',
    '{}',
    '{"type":null}',
    '{"type":"nothing"}',
    '{"type":"ping","payload":1}',
    '\ufeff{"type":"ping"}',
    '['.repeat(50_000),
    `{"type":"subscribe","id":"1","payload":${'[{"a":'.repeat(9_000)}`,
    ...['connection_ack', 'next', 'error', 'connection_error', 'ka'].map((type) => ({ type, id: '1', payload: {} })),
    { type: 'subscribe' },
    { type: 'subscribe', id: '' },
    { type: 'subscribe', id: 1, payload: { query } },
    { type: 'subscribe', id: '1', payload: null },
    { type: 'subscribe', id: '1', payload: { query: 1 } },
    { type: 'subscribe', id: '1', payload: { query, variables: [] } },
    { type: 'subscribe', id: '1', payload: {} },
    { type: 'subscribe', id: '1', payload: { query, operationName: 1 } },
    { type: 'complete' },
    { type: 'next', id: '1' },
    { type: 'subscribe', id: '__proto__', payload: { query } },
    { type: 'complete', id: 'constructor' },
    { type: 'subscribe', id: 'x'.repeat(100_000), payload: { query } },
    { type: 'connection_ack' },
    { type: 'error' },
    { type: 'connection_init' },
    { type: 'connection_init', payload: 1 },
    { type: 'connection_init', payload: [] },
    { type: 'pong' },
    { type: 'ping', payload: { a: random.text(50) } },
    { type: 'start', id: '1', payload: { query } },
    `{"type":"subscribe","id":"1","payload":${jsonOf(anyOperation(known, random))},"extra":1}`,
  ]);
  return { kind: 'odd message', pieces: [...(random.chance(0.8) ? [INIT] : []), message(odd)] };
};

const wrongOrder: Maker = (known, random) => {
  const id = random.pick(known.sessionIds);
  const steps = [
    INIT,
    subscribe('1', { query: '{ __typename }' }),
    subscribe('1', { query: `subscription { segmentAdded(sessionId: "${id}", fromStart: true) { id } }` }),
    subscribe('2', { query: `subscription { sessionUpdated(sessionId: "${id}") { id } }` }),
    message({ type: 'complete', id: random.pick(['1', '2', 'none']) }),
    message({ type: 'ping' }),
    message({ type: 'pong' }),
  ];
  return { kind: 'wrong order', pieces: Array.from({ length: random.between(2, 12) }, () => random.pick(steps)) };
};

const flood: Maker = (known, random) => {
  const id = random.pick(known.sessionIds);
  const query = random.pick([
    '{ __typename }',
    `subscription { segmentAdded(sessionId: "${id}", fromStart: true) { id text } }`,
    `mutation { sendAudio(input: { sessionId: "${id}", sequence: 0, audio: "AAAA" }) { nextSequence } }`,
    '{',
  ]);
  const count = random.between(50, 400);
  const sameId = random.chance(0.2);
  return {
    kind: 'flood',
    pieces: [
      INIT,
      Buffer.concat(Array.from({ length: count }, (_, i) => subscribe(sameId ? 'a' : `a${i}`, { query }))),
    ],
  };
};

const pings: Maker = (_known, random) => ({
  kind: 'many pings',
  pieces: [
    INIT,
    Buffer.concat(Array.from({ length: random.between(10, 2_000) }, () => encodeFrame({ opcode: OPCODE.ping }))),
  ],
});

const MAKERS: readonly Maker[] = [
  wrongFrames,
  wrongFrames,
  wrongFrames,
  wrongFrames,
  changedBytes,
  changedBytes,
  changedBytes,
  fragmented,
  fragmented,
  oddMessages,
  oddMessages,
  oddMessages,
  oddMessages,
  wrongOrder,
  wrongOrder,
  wrongOrder,
  pings,
];
/** Dear ones. */
const RARE_MAKERS: readonly Maker[] = [flood, tooLarge];

/** Frames, messages, and sudden ends of WebSockets, each over a connection of its own. */
export function webSocketTarget({ port, known }: TargetContext): Target {
  return {
    attack: async (random, describe) => {
      const { kind, pieces } = random.pick(random.chance(0.03) ? RARE_MAKERS : MAKERS)(known, random);
      describe(kind);
      const abruptly = random.chance(0.3);
      const protocol = random.pick([...Array<string>(20).fill('graphql-transport-ws'), 'graphql-ws', 'other', '']);
      const { texts, closeCode, closeReason } = await converse(port, { pieces, abruptly, protocol });
      return [...texts.map(judgeMessage), abruptly ? 'hung up' : judgeClose(closeCode, closeReason)];
    },
    close: () => undefined,
  };
}

function judgeMessage(json: string): string {
  const { type, payload } = JSON.parse(json) as { type: string; payload?: unknown };
  return type === 'next' || type === 'error' ? judgeResult(payload) : type;
}
