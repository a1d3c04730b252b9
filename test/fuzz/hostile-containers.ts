import { createFraming } from '../../src/audio/create-framing.ts';
import { flacCrc16Step, oggPageCrc } from '../../src/audio/containers/crc.ts';
import type { ContainerEncoding, ContainerFormat } from '../../src/audio/format.ts';
import { pipedFlac, stereoContainers } from '../support/containers.ts';
import { passageFile, passageFormat, passagesOf } from '../support/passages.ts';
import { mutateBytes } from './mutations.ts';
import type { Random } from './random.ts';

interface Original {
  readonly format: ContainerFormat;
  readonly bytes: Buffer;
}

/** What a client may send for a container. */
export interface HostileContainer extends Original {
  /** How it was made. */
  readonly kind: string;
}

const ENCODINGS: readonly ContainerEncoding[] = ['WEBM_OPUS', 'OGG_OPUS', 'FLAC', 'MP3', 'WAV'];
const ORIGINALS: readonly Original[] = [
  ...ENCODINGS.flatMap((encoding) =>
    [...passagesOf(1), ...passagesOf(2)].map((passage) => ({
      format: passageFormat(encoding, passage),
      bytes: passageFile(encoding, passage),
    })),
  ),
  ...stereoContainers(),
  pipedFlac(),
];

/** Behind which a container says how long, how many, or of what kind something is; and how far such numbers reach. */
const HEADS: Readonly<Record<ContainerEncoding, readonly (readonly [head: Buffer, reach: number])[]>> = {
  WEBM_OPUS: [
    [Buffer.from('1a45dfa3', 'hex'), 12],
    [Buffer.from('18538067', 'hex'), 8],
    [Buffer.from('1549a966', 'hex'), 40],
    [Buffer.from('2ad7b1', 'hex'), 8],
    [Buffer.from('1654ae6b', 'hex'), 80],
    [Buffer.from('1f43b675', 'hex'), 16],
    [Buffer.from('OpusHead'), 11],
    [Buffer.from('a3', 'hex'), 8],
    [Buffer.from('a0', 'hex'), 16],
    [Buffer.from('75a2', 'hex'), 9],
  ],
  OGG_OPUS: [
    [Buffer.from('OggS'), 60],
    [Buffer.from('OpusHead'), 11],
    [Buffer.from('OpusTags'), 16],
  ],
  FLAC: [
    [Buffer.from('fLaC'), 42],
    [Buffer.from('fff8', 'hex'), 16],
  ],
  MP3: [
    [Buffer.from('Info'), 144],
    [Buffer.from('Xing'), 144],
    [Buffer.from('fff3', 'hex'), 40],
  ],
  WAV: [
    [Buffer.from('RIFF'), 40],
    [Buffer.from('fmt '), 24],
    [Buffer.from('data'), 4],
  ],
};
const EXTREMES = [0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff];
/** Long enough for several packets, and quickly decoded. */
const LONGEST = 24_000;

/** A container that is right, damaged, cut off, of two halves, or lies about its lengths with checksums that fit. */
export function hostileContainer(random: Random): HostileContainer {
  const original = random.pick(ORIGINALS);
  const { encoding } = original.format;
  const bytes = original.bytes.subarray(0, random.chance(0.2) ? original.bytes.length : LONGEST);
  const made = (kind: string, changed: Buffer) => ({
    format: original.format,
    bytes: changed,
    kind: `${kind} ${encoding}`,
  });
  switch (random.below(6)) {
    case 0:
      return made('damaged', mutateBytes(bytes, random, 8));
    case 1:
      return made('padded', Buffer.concat([prefix(random), bytes, random.bytes(random.below(40))]));
    case 2: {
      const other = random.pick(ORIGINALS).bytes;
      const half = Buffer.concat([bytes.subarray(0, random.below(bytes.length)), other.subarray(0, LONGEST)]);
      return made('half', half);
    }
    case 3:
      return made('right', bytes);
    case 4:
      return made('forged', withChecksums(encoding, forgePackets(original, random)));
    default:
      return made('lying', withChecksums(encoding, lie(encoding, bytes, random)));
  }
}

/** Cut anywhere, in pieces of some bytes up to all of it. */
export function hostilePieces(bytes: Buffer, random: Random): Buffer[] {
  const longest = random.pick([40, 400, 4_000, bytes.length]);
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + random.between(1, Math.max(1, longest));
    pieces.push(bytes.subarray(at, end));
    at = end;
  }
  return pieces;
}

/** Tags that claim any length. */
function prefix(random: Random): Buffer {
  const size = Buffer.from(Array.from({ length: 4 }, () => random.pick(EXTREMES)));
  return random.pick([
    Buffer.concat([Buffer.from('ID3\x04\0\0'), size]),
    Buffer.concat([Buffer.from('APETAGEX'), random.bytes(24)]),
    Buffer.concat([Buffer.from('LIST'), size]),
    Buffer.from('TAG'),
    Buffer.concat([Buffer.from('OggS\0\x02'), random.bytes(21)]),
    size,
  ]);
}

/** Puts extremes where a container says how long something is. */
function lie(encoding: ContainerEncoding, bytes: Buffer, random: Random): Buffer {
  const changed = Buffer.from(bytes);
  for (let left = random.between(1, 3); left > 0; left--) {
    const [head, reach] = random.pick(HEADS[encoding]);
    const found = changed.indexOf(head, random.chance(0.5) ? 0 : random.below(changed.length));
    if (found === -1) continue;
    const at = found + head.length + random.below(reach);
    if (at < changed.length)
      changed.fill(random.pick(EXTREMES), at, Math.min(changed.length, at + random.between(1, 8)));
  }
  return changed;
}

/** Leaves the headers as they are, and changes what is in the packets, which then reaches the decoder. */
function forgePackets({ format, bytes }: Original, random: Random): Buffer {
  const changed = Buffer.from(bytes);
  const packets = createFraming(format)
    .take(changed)
    .items.flatMap((item) => (item.kind === 'packet' && item.bytes.length > 0 ? [item.bytes] : []));
  for (let left = random.between(1, 12); left > 0; left--) {
    const packet = random.pick(packets);
    // Views of `changed`, but where Ogg has a packet over two pages.
    packet[random.below(packet.length)] = random.chance(0.5) ? random.pick(EXTREMES) : random.below(256);
    if (random.chance(0.1)) packet.set(random.bytes(Math.min(packet.length, 64)).subarray(0, packet.length));
    if (format.encoding === 'FLAC') fitFlacFrame(packet);
  }
  return changed;
}

function fitFlacFrame(frame: Uint8Array): void {
  const end = frame.length - 2;
  let crc = 0;
  for (let at = 0; at < end; at++) crc = flacCrc16Step(crc, frame[at] ?? 0);
  frame[end] = crc >> 8;
  frame[end + 1] = crc & 0xff;
}

/** Without them damage would be noticed before anything else. */
function withChecksums(encoding: ContainerEncoding, bytes: Buffer): Buffer {
  if (encoding !== 'OGG_OPUS') return bytes;
  for (let at = bytes.indexOf('OggS'); at !== -1; at = bytes.indexOf('OggS', at + 4)) {
    const segments = bytes[at + 26] ?? 0;
    let end = at + 27 + segments;
    for (let index = 0; index < segments; index++) end += bytes[at + 27 + index] ?? 0;
    if (end <= bytes.length) bytes.writeUInt32LE(oggPageCrc(bytes, at, end), at + 22);
  }
  return bytes;
}
