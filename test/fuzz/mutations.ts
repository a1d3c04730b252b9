import type { Random } from './random.ts';

/** Bytes that mean something to parsers. */
const TELLING_BYTES = [0x00, 0x0a, 0x0d, 0x20, 0x22, 0x2c, 0x3a, 0x5b, 0x5c, 0x7b, 0x7d, 0x7f, 0x80, 0xc0, 0xfe, 0xff];

type Mutation = (bytes: Buffer, random: Random) => Buffer;

const flipBit: Mutation = (bytes, random) => {
  const changed = Buffer.from(bytes);
  const at = random.below(changed.length);
  changed[at] = (changed[at] ?? 0) ^ (1 << random.below(8));
  return changed;
};

const setByte: Mutation = (bytes, random) => {
  const changed = Buffer.from(bytes);
  changed[random.below(changed.length)] = random.pick(TELLING_BYTES);
  return changed;
};

const cut: Mutation = (bytes, random) => bytes.subarray(0, random.below(bytes.length));

const remove: Mutation = (bytes, random) => {
  const [start, end] = range(bytes.length, random);
  return Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)]);
};

const insert: Mutation = (bytes, random) => {
  const at = random.between(0, bytes.length);
  return Buffer.concat([bytes.subarray(0, at), random.bytes(random.between(1, 64)), bytes.subarray(at)]);
};

const repeat: Mutation = (bytes, random) => {
  const [start, end] = range(bytes.length, random);
  return Buffer.concat([bytes.subarray(0, end), bytes.subarray(start, end), bytes.subarray(end)]);
};

const swap: Mutation = (bytes, random) => {
  const [start, middle] = range(bytes.length, random);
  const end = random.between(middle, bytes.length);
  return Buffer.concat([
    bytes.subarray(0, start),
    bytes.subarray(middle, end),
    bytes.subarray(start, middle),
    bytes.subarray(end),
  ]);
};

const BYTE_MUTATIONS = [flipBit, flipBit, setByte, setByte, cut, remove, insert, repeat, swap];

/** The bytes with one to `most` things about them changed; may end up empty. */
export function mutateBytes(bytes: Buffer, random: Random, most = 4): Buffer {
  let changed = bytes;
  for (let left = random.between(1, most); left > 0 && changed.length > 0; left--) {
    changed = random.pick(BYTE_MUTATIONS)(changed, random);
  }
  return changed;
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[$@]?\w+|\.{3}|[^\s\w]/gu;
const STRAY_TOKENS = [
  '{',
  '}',
  '(',
  ')',
  '[',
  ']',
  '!',
  ':',
  '=',
  '|',
  '&',
  '...',
  '@',
  '$',
  '"',
  '"""',
  '#',
  '@skip(if: true)',
  '@include(if: null)',
  '@defer',
  'on',
  'null',
  '-',
  '1e999',
  '0x1',
  'query',
  'mutation',
  'subscription',
  'fragment',
  '__typename',
  '__schema { types { name } }',
  'id',
  'session',
  '\\u{110000}',
  '﻿',
  '\0',
  '💥',
];

/** A GraphQL document with one to `most` of its tokens left out, doubled, exchanged or replaced. */
export function mutateTokens(document: string, random: Random, most = 4): string {
  const tokens = document.match(TOKEN) ?? [];
  for (let left = random.between(1, most); left > 0 && tokens.length > 0; left--) {
    const at = random.below(tokens.length);
    const other = random.below(tokens.length);
    const token = tokens[at] ?? '';
    switch (random.below(5)) {
      case 0:
        tokens.splice(at, 1);
        break;
      case 1:
        tokens.splice(at, 0, token);
        break;
      case 2:
        tokens[at] = tokens[other] ?? '';
        tokens[other] = token;
        break;
      case 3:
        tokens[at] = random.pick(STRAY_TOKENS);
        break;
      default:
        tokens.splice(at, 0, random.pick(STRAY_TOKENS));
    }
  }
  return tokens.join(' ');
}

function range(length: number, random: Random): [start: number, end: number] {
  const start = random.below(length);
  return [start, Math.min(length, start + random.between(1, random.chance(0.2) ? length : 32))];
}
