import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ChunkFraming, DemuxedItem, Packet } from '../../src/audio/chunk-framing.ts';
import { createDemuxer } from '../../src/audio/containers/create-demuxer.ts';
import { MalformedAudioError } from '../../src/audio/containers/malformed-audio-error.ts';
import { encodePackets } from '../../src/audio/containers/packet-batch.ts';
import { BlockDecoder } from '../../src/audio/decoding/block-decoder.ts';
import type { ContainerEncoding, ContainerFormat } from '../../src/audio/format.ts';
import { AudioIndex } from '../../src/log/audio-index.ts';
import { piecesOf } from '../support/containers.ts';
import { passageFile, passageFormat, passagesOf, type Passage } from '../support/passages.ts';

const MIB = 1024 * 1024;
const ENCODINGS: readonly ContainerEncoding[] = ['WEBM_OPUS', 'OGG_OPUS', 'FLAC', 'MP3', 'WAV'];
const [MONO] = passagesOf(1);
const [DUET] = passagesOf(2);

function passage(channels: 1 | 2): Passage {
  const found = channels === 1 ? MONO : DUET;
  if (found === undefined) throw new Error('there are no passages');
  return found;
}

/** A session in the middle of a container, some of which was lost. */
function behindLoss(encoding: ContainerEncoding): ChunkFraming {
  const bytes = passageFile(encoding, passage(1));
  const format = passageFormat(encoding, passage(1));
  return createDemuxer(format)
    .take(bytes.subarray(0, bytes.length >> 1))
    .next.afterLoss(1_000);
}

function repeated(part: Uint8Array, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += part.length) bytes.set(part.subarray(0, length - at), at);
  return bytes;
}

/** An element of WebM; ids as hexadecimal digits. */
function element(id: string, body: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(0x0100_0000, 0);
  head.writeUInt32BE(body.length, 4);
  return Buffer.concat([Buffer.from(id, 'hex'), head, body]);
}

function bigEndian(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

/** The headers of a WebM stream, in front of whatever clusters. */
function webmHeaders(): { readonly format: ContainerFormat; readonly bytes: Buffer } {
  const file = passageFile('WEBM_OPUS', passage(1));
  return {
    format: passageFormat('WEBM_OPUS', passage(1)),
    bytes: file.subarray(0, file.indexOf(Buffer.from('1f43b675', 'hex'))),
  };
}

describe('what is sent behind a loss to keep a server busy', () => {
  // If each place cost a look at all that follows, these would take minutes and more.
  it.each([
    ['WEBM_OPUS', 'beginnings of a header', Buffer.from('1a', 'hex')],
    ['WEBM_OPUS', 'beginnings of a cluster', Buffer.from('1f43b6', 'hex')],
    ['WEBM_OPUS', 'blocks in blocks', Buffer.from('a39f', 'hex')],
    ['OGG_OPUS', 'capture patterns', Buffer.from('OggS')],
  ] as const)('%s: a megabyte of %s is looked through once', (encoding, _, part) => {
    const garbage = repeated(part, MIB);
    const takeAll = () => {
      let framing = behindLoss(encoding);
      for (let piece = 0; piece < 6; piece++) framing = framing.take(garbage).next;
    };
    expect(takeAll).toThrow(MalformedAudioError);
  });

  it.each(['OGG_OPUS', 'FLAC'] as const)('%s: whole packets with wrong checksums are given up soon', (encoding) => {
    const format = passageFormat(encoding, passage(1));
    const bytes = passageFile(encoding, passage(1));
    // A whole page or frame from the middle, its last byte changed.
    const head = Buffer.from(encoding === 'FLAC' ? 'fff8' : '4f676753', 'hex');
    const start = bytes.indexOf(head, 2_000);
    const packet = Buffer.from(bytes.subarray(start, bytes.indexOf(head, start + 4)));
    packet[packet.length - 1] = (packet.at(-1) ?? 0) ^ 1;
    const framing = createDemuxer(format).take(bytes.subarray(0, 2_000)).next.afterLoss(1_000);
    expect(() => framing.take(repeated(packet, MIB))).toThrow(/not found again/u);
  });
});

describe('a container that claims more than it has', () => {
  it('cannot stretch the timeline by days with a few bytes', () => {
    const { format, bytes } = webmHeaders();
    const hours = (count: number) => count * 3_600_000;
    const cluster = (ms: number) =>
      element(
        '1f43b675',
        Buffer.concat([element('e7', bigEndian(ms)), element('a3', Buffer.from('8100008018', 'hex'))]),
      );
    const clusters = (count: number) => Array.from({ length: count }, (_, index) => cluster(hours(23 * index)));
    const framing = createDemuxer(format).take(bytes).next;
    expect(framing.take(Buffer.concat(clusters(2))).items.some(({ kind }) => kind === 'gap')).toBe(true);
    expect(() => framing.take(Buffer.concat(clusters(30)))).toThrow(/more than a day/u);
  });

  it('cannot fill the memory with packets of a byte each', () => {
    const { format, bytes } = webmHeaders();
    // 256 packets in a block of a fixed size each: a track, a time, the lacing, the count, and the packets.
    const block = element('a3', Buffer.concat([Buffer.from('81000004ff', 'hex'), Buffer.alloc(256, 0xe0)]));
    const framing = createDemuxer(format).take(bytes).next;
    expect(framing.take(repeated(block, 100 * block.length)).items).toHaveLength(25_600);
    expect(() => framing.take(repeated(block, 400 * block.length))).toThrow(/send smaller pieces/u);
  });

  it('cannot have tiny pieces of a large packet kept again and again', () => {
    const framingThatHolds = (heldBytes: number): ChunkFraming => ({
      heldBytes,
      take: () => {
        throw new Error('nothing is taken');
      },
      afterLoss: () => framingThatHolds(0),
    });
    const lastEntryOf = (heldBytes: number, chunkBytes: number) => {
      const index = new AudioIndex();
      const content = { kind: 'chunk', length: chunkBytes, checksum: 0 } as const;
      for (let sequence = 0; sequence < 3_000; sequence++) {
        index.add(
          { sequence, startFrame: sequence, position: sequence, framing: framingThatHolds(heldBytes) },
          content,
        );
      }
      return index.entryBySequence(2_999)?.sequence;
    };
    expect(lastEntryOf(400_000, 1)).toBe(0);
    // As FLAC comes in pieces of 8 kB.
    expect(lastEntryOf(5_000, 8_000)).toBeGreaterThan(2_600);
  });
});

describe('packets that are none', () => {
  afterEach(() => vi.restoreAllMocks());

  const decodeAll = async (format: ContainerFormat, items: readonly DemuxedItem[], together = 1) => {
    const decoder = new BlockDecoder(format);
    const packets = items.filter((item) => item.kind === 'packet');
    const samples: Float32Array[][] = [];
    let [frame, failed] = [0, 0];
    for (let at = 0; at < packets.length; at += together) {
      for (const piece of await decoder.decode(frame, encodePackets(packets.slice(at, at + together)), frame)) {
        frame += piece.frames;
        if (piece.channels === null) failed += piece.frames;
        else samples.push([...piece.channels]);
      }
    }
    decoder.close();
    const joined = Array.from({ length: format.channels }, (_, channel) =>
      Buffer.concat(samples.map((piece) => Buffer.from(piece[channel]?.slice().buffer ?? new ArrayBuffer(0)))),
    );
    return { failed, frames: frame, samples: Buffer.concat(joined) };
  };

  it('are told as such, without a word on standard error, and those behind them are heard', async () => {
    const printed = vi.spyOn(console, 'error');
    const wrong: Record<Exclude<ContainerEncoding, 'WAV'>, (packet: Packet) => Uint8Array> = {
      // Frames of unequal lengths, and one that is longer than the decoder has room for.
      WEBM_OPUS: () => Buffer.from('ff02ff', 'hex'),
      OGG_OPUS: () => Buffer.alloc(8_000, 0x18),
      FLAC: ({ bytes }) => new Uint8Array(bytes.length).fill(0x77),
      MP3: ({ bytes }) => new Uint8Array(bytes.length),
    };
    for (const encoding of ENCODINGS) {
      if (encoding === 'WAV') continue;
      const format = passageFormat(encoding, passage(1));
      const { items } = createDemuxer(format).take(passageFile(encoding, passage(1)));
      const middle = items.length >> 1;
      const changed = items.map((item, index) =>
        item.kind === 'packet' && index === middle ? { ...item, bytes: wrong[encoding](item) } : item,
      );
      const { failed, frames } = await decodeAll(format, changed);
      const whole = await decodeAll(format, items);
      expect(frames, encoding).toBe(whole.frames);
      expect(failed, encoding).toBeGreaterThan(0);
      // With MP3 the next ones may need what the one that is missing held for them.
      expect(failed, encoding).toBeLessThanOrEqual(4 * (items[middle]?.frames ?? 0));
    }
    expect(printed).not.toHaveBeenCalled();
  });

  it('of FLAC do not include those that only follow others than they were made to', async () => {
    const format = passageFormat('FLAC', passage(2));
    const { items } = createDemuxer(format).take(passageFile('FLAC', passage(2)));
    const { failed } = await decodeAll(
      format,
      items.filter((_, index) => index !== 3),
    );
    expect(failed).toBe(0);
  });

  it.each(ENCODINGS)('%s: what is heard is bit by bit the same, however the container was cut', async (encoding) => {
    const format = passageFormat(encoding, passage(2));
    const bytes = passageFile(encoding, passage(2));
    const whole = await decodeAll(format, createDemuxer(format).take(bytes).items);
    expect(whole.failed).toBe(0);
    const lengths = fc.array(fc.integer({ min: 1, max: 6_000 }), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(lengths, fc.integer({ min: 1, max: 40 }), async (sizes, together) => {
        let [framing, index] = [createDemuxer(format), 0];
        const items: DemuxedItem[] = [];
        for (const piece of piecesOf(bytes, () => sizes[index++ % sizes.length] ?? 1)) {
          const taken = framing.take(piece);
          items.push(...taken.items);
          framing = taken.next;
        }
        const cut = await decodeAll(format, items, together);
        expect(cut.frames).toBe(whole.frames);
        expect(cut.samples.equals(whole.samples)).toBe(true);
      }),
      { numRuns: 5 },
    );
  });

  it('of Opus have at most as many bytes as any audio needs', () => {
    const { format, bytes } = webmHeaders();
    const block = element('a3', Buffer.concat([Buffer.from('81000080', 'hex'), Buffer.alloc(70_000, 0x18)]));
    expect(() => createDemuxer(format).take(Buffer.concat([bytes, block]))).toThrow(/70000 bytes/u);
  });
});
