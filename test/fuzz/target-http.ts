import { exchange, type Exchange } from './http-exchange.ts';
import { mutateBytes } from './mutations.ts';
import { judgeHttp } from './oracle.ts';
import type { Random } from './random.ts';
import type { KnownThings } from './sessions-pool.ts';
import type { Target, TargetContext } from './target.ts';

interface Input extends Exchange {
  readonly kind: string;
}
type Maker = (known: KnownThings, random: Random) => Input;

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD', 'TRACE', 'CONNECT', 'PRI', 'get', 'QUERY'];
const TYPES = [
  'application/json',
  'application/json; charset=utf-16',
  'APPLICATION/JSON',
  'application/jsonx',
  'text/plain',
  '',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/graphql',
  'audio/L16',
  'application/octet-stream',
  'application/json, application/json',
  'application/json;;;',
  'ÿ',
];
const QUERY = '{"query":"{ sessions { edges { node { id status } } } }"}';

function paths({ sessionIds }: KnownThings, random: Random): string {
  const id = encodeURIComponent(random.pick(sessionIds));
  return random.pick([
    '/graphql',
    '/graphql',
    '/graphql?query={__typename}',
    '/',
    '/health',
    '/ready',
    '/nothing',
    '/graphql/',
    '//',
    `/sessions/${id}/audio?sequence=0`,
    `/sessions/${id}/audio`,
    `/sessions/${id}/audio?sequence=-1`,
    '/%',
    '/%00',
    '/../../etc/passwd',
    '/..%2f..%2fetc%2fpasswd',
    '/sessions/%ff/audio?sequence=1',
    '*',
    'http://other/graphql',
    '/graphql?query=%7B',
    '/graphql?variables=[',
    `/${'a'.repeat(random.below(2e4))}`,
    '/session.html',
    '/app.js',
  ]);
}

function request(method: string, path: string, headers: readonly string[], body: Buffer | string = ''): Buffer {
  const head = [`${method} ${path} HTTP/1.1`, ...headers, '', ''].join('\r\n');
  return Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(body)]);
}

function post(body: Buffer | string, ...headers: readonly string[]): Buffer {
  return request('POST', '/graphql', ['host: 127.0.0.1', 'content-type: application/json', ...headers], body);
}

function whole(body: Buffer | string): Buffer {
  return post(body, `content-length: ${Buffer.byteLength(body)}`, 'connection: close');
}

/** The bytes in a few pieces, so that they arrive apart. */
function inPieces(bytes: Buffer, random: Random): Buffer[] {
  const places = Array.from({ length: random.below(4) }, () => random.below(bytes.length + 1)).toSorted(
    (a, b) => a - b,
  );
  return [0, ...places].map((start, index) => bytes.subarray(start, places[index] ?? bytes.length));
}

const changedBody: Maker = (_known, random) => ({
  kind: 'changed JSON body',
  pieces: [whole(mutateBytes(Buffer.from(QUERY), random))],
  ending: 'answer',
});

const oddBody: Maker = (_known, random) => {
  const levels = random.between(1, 200_000);
  const body = random.pick<Buffer | string>([
    '',
    'null',
    '[]',
    '""',
    '1',
    'true',
    '{',
    '[{}]',
    '{"query":null}',
    '{"query":1}',
    '{"query":{}}',
    '\ufeff{}',
    '[]'.repeat(999),
    '{"query":"{__typename}","variables":[]}',
    '{"query":"{__typename}","variables":"x"}',
    '{"query":"{__typename}","operationName":{}}',
    '{"query":"{__typename}","extensions":[1]}',
    '{"QUERY":"{a}"}',
    '{"query":"{__typename}","query":"{"}',
    '{"__proto__":{"query":"{__typename}"}}',
    '{"query":"\\ud800"}',
    '['.repeat(levels) + ']'.repeat(levels),
    `{"query":"{__typename}","variables":${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}}`,
    Buffer.concat([Buffer.from('{"query":"'), random.bytes(60), Buffer.from('"}')]),
    Buffer.from(QUERY, 'utf16le'),
    random.bytes(random.between(1, 3_000)),
    `{"query":"${'x'.repeat(random.pick([100_000, 1_400_000]))}"}`,
  ]);
  return { kind: 'odd body', pieces: [whole(body)], ending: 'answer' };
};

const tooLarge: Maker = (_known, random) => ({
  kind: 'too large body',
  pieces: [
    post('', `content-length: ${random.pick(['1600000', '99999999999', '9007199254740993'])}`),
    Buffer.alloc(random.between(1, 200_000), 0x20),
  ],
  ending: 'answer',
});

const wrongLength: Maker = (_known, random) => ({
  kind: 'wrong length',
  pieces: [
    post(
      QUERY,
      random.pick([
        'content-length: 1',
        'content-length: 0',
        `content-length: ${QUERY.length + 9}`,
        'content-length: -1',
        'content-length: x',
        'content-length: 1, 2',
        'content-length: 57\r\ncontent-length: 3',
        'content-length: 0x39',
        'content-length: 57\r\ntransfer-encoding: chunked',
        'transfer-encoding: gzip, chunked',
        'transfer-encoding: x',
      ]),
    ),
  ],
  ending: 'finish',
});

const brokenChunks: Maker = (_known, random) => {
  const size = QUERY.length.toString(16);
  const chunks = random.pick([
    `${size}\r\n${QUERY}\r\n`,
    `${size}\r\n${QUERY}`,
    `1\r\n{\r\nffffffff\r\n`,
    `${size};${'x'.repeat(9e3)}\r\n${QUERY}\r\n0\r\n\r\n`,
    '-1\r\n',
    'g\r\n',
    '0\r\n',
    `${size}\n${QUERY}\n0\n\n`,
    `ffffffffffffffffff\r\n${QUERY}`,
    `5\r\n${QUERY}\r\n0\r\n\r\n`,
    `${size}\r\n${QUERY}\r\n0\r\nx: y\r\n\r\n`,
    `0\r\n${'x: y\r\n'.repeat(3e3)}\r\n`,
  ]);
  const bytes = post(
    random.chance(0.3) ? mutateBytes(Buffer.from(chunks), random) : chunks,
    'transfer-encoding: chunked',
  );
  return { kind: 'broken chunks', pieces: inPieces(bytes, random), ending: random.pick(['finish', 'abort']) };
};

const oddHead: Maker = (known, random) => {
  const headers = [
    `host: ${random.pick(['127.0.0.1', '127.0.0.1', 'localhost', 'evil.example', '', '[::1]', '127.0.0.1:99999', 'a b'])}`,
    `content-type: ${random.pick(TYPES)}`,
    `accept: ${random.pick(['*/*', 'text/html', 'text/event-stream', ',,,', 'application/json;q=x', 'a'.repeat(5_000)])}`,
    random.pick([
      'x: y',
      'origin: null',
      'origin: https://evil.example',
      'sec-fetch-site: cross-site',
      'cookie: a=b',
      'expect: 100-continue',
      'expect: other',
      'upgrade: websocket\r\nconnection: upgrade',
      'te: trailers',
      'range: x',
      'upgrade: h2c\r\nconnection: upgrade, http2-settings\r\nhttp2-settings: AAAA',
      'content-encoding: gzip',
      'authorization: Bearer x',
      `x: ${'y'.repeat(random.below(2e4))}`,
      'if-none-match: *',
      'x-forwarded-for: ::',
      'access-control-request-method: X',
      'keep-alive: timeout=-1',
      'content-encoding: br, identity',
      'trailer: host',
    ]),
  ];
  const body = random.chance(0.5) ? QUERY : '';
  const method = random.pick(METHODS);
  const bytes = request(
    method,
    paths(known, random),
    [...headers, `content-length: ${body.length}`, 'connection: close'],
    body,
  );
  // An answer to HEAD has the length of a body that does not come.
  return { kind: `odd head, ${method}`, pieces: [bytes], ending: 'finish' };
};

const changedRequest: Maker = (known, random) => {
  const { pieces } = random.pick([changedBody, oddHead])(known, random);
  const bytes = mutateBytes(Buffer.concat(pieces.map((piece) => Buffer.from(piece))), random, 8);
  return { kind: 'changed request', pieces: inPieces(bytes, random), ending: 'finish' };
};

const garbage: Maker = (_known, random) => ({
  kind: 'garbage',
  pieces: [
    random.pick<Buffer | string>([
      random.bytes(random.between(1, 4_000)),
      '\r\n'.repeat(500),
      '\0',
      'GET',
      'GET / HTTP/9.9\r\n\r\n',
      'GET / HTTP/1.0\r\n\r\n',
      'GET /\r\n\r\n',
      'HTTP/1.1 200 OK\r\n\r\n',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      'EHLO x\r\n',
      '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
      'GET / HTTP/1.1\r\n',
      `GET / HTTP/1.1\r\n${'a: b\r\n'.repeat(5_000)}\r\n`,
    ]),
  ],
  ending: 'finish',
});

const pipelined: Maker = (known, random) => {
  const one = post(QUERY, `content-length: ${QUERY.length}`);
  const many = Array.from({ length: random.between(1, 20) }, () => one);
  const last = random
    .pick([oddHead, garbage, brokenChunks])(known, random)
    .pieces.map((piece) => Buffer.from(piece));
  return {
    kind: 'pipelined',
    pieces: inPieces(Buffer.concat([...many, ...last]), random),
    ending: random.pick(['finish', 'abort']),
  };
};

const aborted: Maker = (_known, random) => {
  const body = `{"query":"{ __typename }","variables":{"a":"${'x'.repeat(random.between(0, 100_000))}"}}`;
  const bytes = whole(body);
  const most = bytes.subarray(0, random.below(bytes.length));
  return { kind: 'aborted', pieces: inPieces(most, random), ending: random.pick(['finish', 'abort']) };
};

const MAKERS: readonly Maker[] = [
  changedBody,
  changedBody,
  changedBody,
  oddBody,
  oddBody,
  tooLarge,
  wrongLength,
  brokenChunks,
  oddHead,
  oddHead,
  oddHead,
  changedRequest,
  changedRequest,
  changedRequest,
  garbage,
  pipelined,
  aborted,
];

/** Requests and other bytes over connections of their own. */
export function httpTarget({ port, known }: TargetContext): Target {
  return {
    attack: async (random, describe) => {
      const { kind, ...input } = random.pick(MAKERS)(known, random);
      describe(kind);
      const answers = await exchange(port, input);
      return answers.length === 0 ? ['closed'] : answers.map(({ status, body }) => judgeHttp(status, body));
    },
    close: () => undefined,
  };
}
