import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChunkFraming, DemuxedItem } from '../../src/audio/chunk-framing.ts';
import { createDemuxer } from '../../src/audio/containers/create-demuxer.ts';
import { MalformedAudioError } from '../../src/audio/containers/malformed-audio-error.ts';
import {
  piecesOf,
  pipedFlac,
  stereoContainers,
  TONE_RATE,
  toneContainers,
  toneSamples,
  type ContainerFixture,
} from '../support/containers.ts';

const TONES = toneContainers();
const TONE_SECONDS = toneSamples().length / TONE_RATE;

function demux(framing: ChunkFraming, pieces: readonly Uint8Array[]): { items: DemuxedItem[]; end: ChunkFraming } {
  const items: DemuxedItem[] = [];
  let end = framing;
  for (const piece of pieces) {
    const taken = end.take(piece);
    // Views of what the caller may use again.
    items.push(...taken.items.map((item) => (item.kind === 'packet' ? { ...item, bytes: item.bytes.slice() } : item)));
    end = taken.next;
  }
  return { items, end };
}

/** As much as it takes. @throws what is no refusal */
function untilRefused(
  framing: ChunkFraming,
  pieces: readonly Uint8Array[],
): { items: DemuxedItem[]; end: ChunkFraming } {
  const items: DemuxedItem[] = [];
  let end = framing;
  try {
    for (const piece of pieces) {
      const taken = end.take(piece);
      items.push(...taken.items);
      end = taken.next;
    }
  } catch (error) {
    if (!(error instanceof MalformedAudioError)) throw error;
  }
  return { items, end };
}

function framesOf(items: readonly DemuxedItem[]): number {
  return items.reduce((sum, { frames }) => sum + frames, 0);
}

function whole({ format, bytes }: ContainerFixture): DemuxedItem[] {
  return demux(createDemuxer(format), [bytes]).items;
}

describe('the timeline of a container', () => {
  it.each(TONES)('$name is as long as the recording it was made of', (fixture) => {
    expect(framesOf(whole(fixture))).toBe(TONE_SECONDS * fixture.format.sampleRate);
  });

  it.each(stereoContainers())('$name with two channels is as long as the recording, too', (fixture) => {
    expect(framesOf(whole(fixture))).toBe(fixture.format.sampleRate);
  });

  it('has the last frame of FLAC, though nothing behind it says where it ends, and no header how long it is', () => {
    expect(framesOf(whole(pipedFlac()))).toBe(4 * TONE_RATE);
  });

  it.each(TONES)('$name is the same, however it is cut into pieces', (fixture) => {
    const expected = whole(fixture);
    const bytes = fixture.bytes.subarray(0, 60_000);
    const beginning = demux(createDemuxer(fixture.format), [bytes]).items;
    expect(expected.length).toBeGreaterThan(0);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9_000 }), { minLength: 1, maxLength: 20 }), (lengths) => {
        let index = 0;
        const { items } = demux(
          createDemuxer(fixture.format),
          piecesOf(bytes, () => lengths[index++ % lengths.length] ?? 1),
        );
        expect(joinedBytes(items).equals(joinedBytes(beginning))).toBe(true);
        expect(framesOf(items)).toBe(framesOf(beginning));
      }),
      { numRuns: 20 },
    );
  });

  it.each(TONES)('$name is the same byte by byte', (fixture) => {
    const bytes = fixture.bytes.subarray(0, 6_000);
    const { items } = demux(
      createDemuxer(fixture.format),
      piecesOf(bytes, () => 1),
    );
    expect(joinedBytes(items).equals(joinedBytes(demux(createDemuxer(fixture.format), [bytes]).items))).toBe(true);
  });

  it.each(TONES)('$name goes on where another file is appended, as by a recorder that is started again', (fixture) => {
    const twice = demux(createDemuxer(fixture.format), [Buffer.concat([fixture.bytes, fixture.bytes])]).items;
    expect(framesOf(twice)).toBe(2 * framesOf(whole(fixture)));
    // The samples of WAV need no decoder that remembers anything; it begins anew all the same.
    expect(twice.filter((item) => item.kind === 'packet' && item.startsAnew)).toHaveLength(2);
  });
});

describe('a container that lost bytes in its middle', () => {
  it.each(TONES.filter(({ name }) => name !== 'MP3'))(
    '$name goes on at the next packet, and at the time that its own clock says',
    (fixture) => {
      const { format, bytes } = fixture;
      const expected = framesOf(whole(fixture));
      const lostFrom = Math.floor(bytes.length * 0.4);
      const lostTo = Math.floor(bytes.length * 0.5) & ~1;
      const before = demux(createDemuxer(format), [bytes.subarray(0, lostFrom)]);
      const lostFrames = Math.round(expected * 0.1);
      const after = demux(before.end.afterLoss(lostFrames), [bytes.subarray(lostTo)]);
      const total = framesOf(before.items) + lostFrames + framesOf(after.items);
      // WebM tells the time with each cluster, and what is lost up to the next one is a gap.
      expect(Math.abs(total - expected)).toBeLessThan(0.35 * format.sampleRate);
      expect(framesOf(after.items)).toBeGreaterThan(0.2 * expected);
    },
  );

  it('MP3, which has no clock, goes on with the next whole packet', () => {
    const fixture = TONES.find(({ name }) => name === 'MP3');
    if (fixture === undefined) throw new Error('there is no MP3 among the fixtures');
    const { end } = demux(createDemuxer(fixture.format), [fixture.bytes.subarray(0, 20_000)]);
    const after = end.afterLoss(1_000).take(fixture.bytes.subarray(24_000)).items;
    const last = whole(fixture).slice(-after.length);
    expect(after.length).toBeGreaterThan(100);
    expect(joinedBytes(after).equals(joinedBytes(last))).toBe(true);
  });

  it('goes on with a block of WebM at once where what follows begins with one', () => {
    const webm = TONES.find(({ name }) => name === 'WebM');
    if (webm === undefined) throw new Error('there is no WebM among the fixtures');
    const blocks = [...webm.bytes.keys()].filter((at) => webm.bytes[at] === 0xa3);
    const { items, end } = demux(createDemuxer(webm.format), [webm.bytes.subarray(0, blocks[100])]);
    const after = end.afterLoss(960).take(webm.bytes.subarray(blocks[101]));
    expect(framesOf(items) + 960 + after.frames).toBe(framesOf(whole(webm)));
  });

  it('goes on with the next WAV file where the rest of one was lost, however much of it there should have been', () => {
    const wav = TONES.find(({ name }) => name === 'WAV');
    if (wav === undefined) throw new Error('there is no WAV among the fixtures');
    const half = createDemuxer(wav.format).take(wav.bytes.subarray(0, 100_000));
    const left = framesOf(whole(wav)) - half.frames;
    for (const lost of [left - 30, left, left + 1_000]) {
      const behind = half.next.afterLoss(lost);
      const pieces = [...piecesOf(wav.bytes.subarray(0, 60), () => 3), wav.bytes.subarray(60)];
      expect(framesOf(demux(behind, pieces).items)).toBe(framesOf(whole(wav)));
      expect(behind.take(wav.bytes).frames).toBe(framesOf(whole(wav)));
    }
  });

  it('never comes to an end of the search in garbage, and says so', () => {
    for (const { format, bytes } of TONES.filter(({ name }) => name !== 'WAV')) {
      let framing = createDemuxer(format).take(bytes.subarray(0, 20_000)).next.afterLoss(100);
      const garbage = new Uint8Array(1024 * 1024).fill(0x55);
      expect(() => {
        for (let piece = 0; piece < 6; piece++) framing = framing.take(garbage).next;
      }, format.encoding).toThrow(MalformedAudioError);
    }
  });
});

describe('what is no container', () => {
  const fixtures = [...TONES, ...stereoContainers()];

  it('is refused, and what came before it can go on as if nothing had been', () => {
    // Samples of WAV may be anything.
    for (const { format, bytes } of TONES.filter(({ name }) => name !== 'WAV')) {
      const half = bytes.length >> 1;
      const { end } = demux(createDemuxer(format), [bytes.subarray(0, half)]);
      const expected = end.take(bytes.subarray(half)).frames;
      expect(() => end.take(new Uint8Array(600_000).fill(0x5a)), format.encoding).toThrow(MalformedAudioError);
      expect(end.take(bytes.subarray(half)).frames).toBe(expected);
    }
  });

  it('is refused at once where it does not even begin like one', () => {
    for (const { format } of fixtures) {
      const begin = createDemuxer(format);
      for (const { format: other, bytes } of fixtures) {
        if (other.encoding === format.encoding) continue;
        expect(() => begin.take(bytes), `${other.encoding} as ${format.encoding}`).toThrow(MalformedAudioError);
      }
      expect(() => begin.take(Buffer.from('<!doctype html><title>no audio</title>'.repeat(20)))).toThrow(
        MalformedAudioError,
      );
    }
  });

  it('never makes it fail otherwise, wait for ever, or give more than its bytes can hold', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...fixtures),
        fc.array(fc.tuple(fc.nat(30_000), fc.nat(255)), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 200, max: 30_000 }),
        ({ format, bytes }, changes, length) => {
          const mutated = new Uint8Array(bytes.subarray(0, length));
          for (const [at, value] of changes) if (at < mutated.length) mutated[at] = value;
          const { items, end } = untilRefused(
            createDemuxer(format),
            piecesOf(mutated, () => 700),
          );
          expect(items.every(({ frames }) => Number.isSafeInteger(frames) && frames >= 0)).toBe(true);
          expect(end.heldBytes).toBeLessThanOrEqual(512 * 1024);
        },
      ),
      { numRuns: 400 },
    );
  });

  it.each(stereoContainers().filter(({ format }) => format.sampleRate !== 48_000))(
    '$name of another rate is refused with the rate that it has',
    ({ format, bytes }) => {
      const other = createDemuxer({ ...format, sampleRate: 16_000 });
      expect(() => other.take(bytes)).toThrow(/44100 Hz, the session 16000: start a session with sampleRate 44100/u);
    },
  );

  it.each(TONES)('$name with one channel is refused where two were promised', ({ format, bytes }) => {
    expect(() => createDemuxer({ ...format, channels: 2 }).take(bytes)).toThrow(/start a session with channels 1/u);
  });
});

/** All packets, as one. WAV has no packets of its own. */
function joinedBytes(items: readonly DemuxedItem[]): Buffer {
  return Buffer.concat(items.map((item) => (item.kind === 'packet' ? item.bytes : Buffer.from(`gap ${item.frames}`))));
}
