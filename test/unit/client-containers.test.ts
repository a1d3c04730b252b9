import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChunkFraming, DemuxedItem } from '../../src/audio/chunk-framing.ts';
import { createDemuxer } from '../../src/audio/containers/create-demuxer.ts';
import { framesToMs, msToFrames } from '../../src/audio/format.ts';
import { createCutter } from '../../src/client/create-cutter.ts';
import { DEFAULT_LIMITS, type ClientLimits } from '../../src/client/limits.ts';
import { SendQueue, type Gap, type NumberedItem } from '../../src/client/send-queue.ts';
import type { AudioPiece } from '../../src/client/timeline.ts';
import { pipedFlac, piecesOf, stereoContainers, toneContainers, type ContainerFixture } from '../support/containers.ts';

/** Some seconds of each, and of those whole packets. */
const TONES = toneContainers().map((fixture) => {
  const { length } = fixture.bytes;
  const some = fixture.bytes.subarray(0, Math.floor(length / (fixture.name === 'WAV' ? 12 : 4)));
  const behind = createDemuxer(fixture.format).take(some).cut?.bytesBehind ?? 0;
  return { ...fixture, bytes: some.subarray(0, some.length - behind) };
});
const ALL = [...TONES, ...stereoContainers(), pipedFlac()];

interface Placed {
  readonly frame: number;
  readonly frames: number;
  readonly bytes: string;
}

/** Where each packet with audio stands when all arrives; of WAV each frame, since pieces may end behind any. */
function placed(items: readonly DemuxedItem[], from: number): Placed[] {
  const found: Placed[] = [];
  let frame = from;
  for (const item of items) {
    if (item.kind === 'packet' && item.frames > 0) {
      const parts = item.config.length === 2 ? item.frames : 1;
      const size = item.bytes.length / parts;
      for (let part = 0; part < parts; part++) {
        const bytes = Buffer.from(item.bytes.subarray(part * size, (part + 1) * size)).toString('latin1');
        found.push({ frame: frame + part, frames: item.frames / parts, bytes });
      }
    }
    frame += item.frames;
  }
  return found;
}

function cut({ format }: ContainerFixture, pieces: readonly Uint8Array[], limits: Partial<ClientLimits> = {}) {
  const cutter = createCutter(format, { ...DEFAULT_LIMITS, ...limits });
  const cutPieces: AudioPiece[] = [];
  for (const piece of pieces) cutter.write(piece, (given) => cutPieces.push(given));
  cutter.end((given) => cutPieces.push(given));
  return cutPieces;
}

const sizes = fc.array(fc.integer({ min: 20, max: 5_000 }), { minLength: 1, maxLength: 30 });

function inPieces(bytes: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  let index = 0;
  return piecesOf(bytes, () => lengths[index++ % lengths.length] ?? 1);
}

describe('a container that is cut for sending', () => {
  it.each(ALL)('$name has in each piece the frames that the server finds in it, and never none', (fixture) => {
    fc.assert(
      fc.property(sizes, (lengths) => {
        let server: ChunkFraming = createDemuxer(fixture.format);
        const whole = server.take(fixture.bytes);
        let frames = 0;
        for (const piece of cut(fixture, inPieces(fixture.bytes, lengths))) {
          const taken = server.take(piece.bytes);
          expect(taken.frames).toBe(piece.frames);
          expect(taken.next.heldBytes).toBe(0);
          expect(piece.frames).toBeGreaterThan(0);
          frames += piece.frames;
          server = taken.next;
        }
        expect(frames).toBe(whole.frames);
      }),
      { numRuns: 15 },
    );
  });

  it('has pieces of the length that is asked for, and not much longer ones when all of it is there at once', () => {
    const fixture = fixtureOf('WebM');
    const live = cut(
      fixture,
      piecesOf(fixture.bytes, () => 1),
    );
    expect(new Set(live.slice(1, -1).map(({ frames }) => frames))).toEqual(new Set([4_800]));
    const atOnce = cut(fixture, [fixture.bytes]);
    expect(Math.max(...atOnce.map(({ frames }) => frames))).toBeLessThan(48_000);
  });

  it('has no more bytes in a piece than a chunk may have, not even where pictures stand before the audio', () => {
    const { format, bytes } = fixtureOf('MP3');
    const tag = Buffer.alloc(10 + 300_000, 7);
    // Its size in four bytes of seven bits.
    tag.set([...Buffer.from('ID3'), 4, 0, 0, 0, 300_000 >> 14, (300_000 >> 7) & 127, 300_000 & 127]);
    const pieces = cut({ name: 'MP3', format, bytes }, [tag, bytes], { maxChunkBytes: 20_000 });
    expect(Math.max(...pieces.map((piece) => piece.bytes.length))).toBeLessThanOrEqual(20_000);
    expect(Math.min(...pieces.map(({ frames }) => frames))).toBeGreaterThan(0);
    let server: ChunkFraming = createDemuxer(format);
    let frames = 0;
    for (const piece of pieces) {
      const taken = server.take(piece.bytes);
      frames += taken.frames;
      server = taken.next;
    }
    expect(frames).toBe(createDemuxer(format).take(bytes).frames);
    expect(pieces.reduce((sum, piece) => sum + piece.frames, 0)).toBe(frames);
  });

  it('is refused where it can’t go on: what came before is kept, and a new one may follow', () => {
    const { format, bytes } = fixtureOf('WebM');
    const cutter = createCutter(format, DEFAULT_LIMITS);
    const given: AudioPiece[] = [];
    const give = (piece: AudioPiece) => void given.push(piece);
    cutter.write(bytes, give);
    expect(() => cutter.write(new Uint8Array(5_000), give)).toThrow(/WebM/u);
    cutter.write(bytes, give);
    cutter.end(give);
    const whole = createDemuxer(format).take(bytes).frames;
    const server = createDemuxer(format).take(Buffer.concat(given.map((piece) => piece.bytes)));
    expect(server.frames).toBe(2 * whole);
    expect(given.reduce((sum, { frames }) => sum + frames, 0)).toBe(2 * whole);
  });

  it('without any audio does not fill the memory', () => {
    const cutter = createCutter(fixtureOf('WebM').format, { ...DEFAULT_LIMITS, maxBufferedBytes: 50_000 });
    const begin = Uint8Array.of(0x1a, 0x45, 0xdf, 0xa3, 0x80);
    const nothing = Uint8Array.of(0xec, 0x40, 0xff, ...new Uint8Array(255));
    cutter.write(begin, () => {});
    expect(() => {
      for (let count = 0; count < 1_000; count++) cutter.write(nothing, () => {});
    }).toThrow(/too many bytes without any audio/u);
  });
});

/** What a server has of a session, by its own count. */
class ModelServer {
  readonly packets: Placed[] = [];
  readonly gaps: { readonly from: number; readonly to: number }[] = [];
  readonly #sampleRate: number;
  frames = 0;
  nextSequence = 0;
  #framing: ChunkFraming;

  constructor({ format }: ContainerFixture) {
    this.#framing = createDemuxer(format);
    this.#sampleRate = format.sampleRate;
  }

  accept(item: NumberedItem): void {
    if (item.sequence !== this.nextSequence) return;
    this.nextSequence += 1;
    if (item.kind === 'gap') {
      const frames = msToFrames(item.durationMs, this.#sampleRate);
      this.gaps.push({ from: this.frames, to: this.frames + frames });
      this.#framing = this.#framing.afterLoss(frames);
      this.frames += frames;
      return;
    }
    const { items, frames, next } = this.#framing.take(item.bytes);
    this.packets.push(...placed(items, this.frames));
    this.frames += frames;
    this.#framing = next;
  }
}

type Step = 'write' | 'send' | 'answer' | 'lose';
const steps = fc
  .array(fc.constantFrom<Step>('write', 'write', 'write', 'write', 'write', 'write', 'send', 'answer', 'lose'), {
    maxLength: 150,
  })
  .map((todo): Step[] => ['write', ...todo]);

interface Recorded {
  readonly server: ModelServer;
  readonly gaps: readonly Gap[];
}

/** Writes pieces of a container over a network that fails, from a buffer that overflows. */
function record(
  fixture: ContainerFixture,
  pieces: readonly Uint8Array[],
  todo: readonly Step[],
  limits: Partial<ClientLimits>,
): Recorded {
  const { format } = fixture;
  const gaps: Gap[] = [];
  const allLimits = { ...DEFAULT_LIMITS, ...limits };
  const queue = new SendQueue(format, allLimits, { onChange: () => undefined, onGap: (gap) => gaps.push(gap) });
  const cutter = createCutter(format, allLimits);
  const server = new ModelServer(fixture);
  const give = (piece: AudioPiece) => queue.write(piece);
  let underWay: NumberedItem[] = [];
  const synchronise = () => {
    underWay = [];
    queue.synchronise({ nextSequence: server.nextSequence, receivedMs: framesToMs(server.frames, format.sampleRate) });
  };
  const act: Record<Exclude<Step, 'write'>, () => void> = {
    send: () => {
      const item = queue.take();
      if (item !== null) underWay.push(item);
    },
    answer: () => {
      const item = underWay.shift();
      if (item !== undefined) server.accept(item);
      queue.acknowledge(server.nextSequence);
    },
    lose: synchronise,
  };
  for (let written = 0, turn = 0; written < pieces.length; turn++) {
    const step = todo[turn % todo.length] ?? 'write';
    if (step !== 'write') act[step]();
    else cutter.write(pieces[written++] ?? new Uint8Array(0), give);
  }
  cutter.end(give);
  synchronise();
  for (let item = queue.take(); item !== null; item = queue.take()) server.accept(item);
  return { server, gaps };
}

/** What the server has stands where it was recorded, give or take; what it lacks was declared. */
function expectTrueTimeline({ server }: Recorded, whole: readonly Placed[], toleranceFrames: number): void {
  const missing: Placed[] = [];
  const strangers: Placed[] = [];
  let next = 0;
  for (const packet of server.packets) {
    let there = whole[next];
    while (there !== undefined && there.frame <= packet.frame + toleranceFrames && !isSame(there, packet)) {
      missing.push(there);
      there = whole[++next];
    }
    if (there === undefined || Math.abs(there.frame - packet.frame) > toleranceFrames) strangers.push(packet);
    else next += 1;
  }
  missing.push(...whole.slice(next));
  const undeclared = missing.filter(({ frame, frames }) =>
    server.gaps.every(({ from, to }) => to <= frame - toleranceFrames || from >= frame + frames + toleranceFrames),
  );
  expect({ strangers, undeclared }).toEqual({ strangers: [], undeclared: [] });

  function isSame(there: Placed, packet: Placed): boolean {
    return there.frame >= packet.frame - toleranceFrames && there.bytes === packet.bytes;
  }
}

describe('a container over a network that fails, with a buffer that overflows', () => {
  it.each(TONES)('$name has every packet in its place, and what is missing is declared', (fixture) => {
    const whole = placed(createDemuxer(fixture.format).take(fixture.bytes).items, 0);
    const bytesPerMs = fixture.bytes.length / ((last(whole).frame * 1_000) / fixture.format.sampleRate);
    const limits = { maxBufferedMs: 1_000, maxBufferedBytes: Math.ceil(10_000 + bytesPerMs * 1_500) };
    let overflows = 0;
    fc.assert(
      fc.property(sizes, steps, (lengths, todo) => {
        const recorded = record(fixture, inPieces(fixture.bytes, lengths), todo, limits);
        overflows += recorded.gaps.length;
        expectTrueTimeline(recorded, whole, 0);
      }),
      { numRuns: 20 },
    );
    expect(overflows).toBeGreaterThan(0);
  });

  it.each([...TONES, ...stereoContainers()].filter(({ name }) => name !== 'MP3' && name !== 'WAV'))(
    '$name keeps the time within a millisecond for each gap where packets have no whole ones, as at the ends of streams',
    (fixture) => {
      const twice = Buffer.concat([fixture.bytes, fixture.bytes]);
      const whole = placed(createDemuxer(fixture.format).take(twice).items, 0);
      const pieces = [...inPieces(fixture.bytes, [700]), ...inPieces(fixture.bytes, [700])];
      const recorded = record(fixture, pieces, ['write'], { maxBufferedMs: 500 });
      const { server } = recorded;
      expect(server.gaps.length).toBeGreaterThan(0);
      expectTrueTimeline(recorded, whole, server.gaps.length * msToFrames(1, fixture.format.sampleRate));
    },
  );

  it('does not grow with recorders that are started again and again, each with a header that could be needed', () => {
    const { format, bytes } = fixtureOf('WebM');
    const beginning = bytes.subarray(0, 4_000);
    const limits = { ...DEFAULT_LIMITS, maxBufferedBytes: 50_000 };
    const cutter = createCutter(format, limits);
    const kept = new Map<number, number>();
    const onChange = ({ from, to, items }: Parameters<ConstructorParameters<typeof SendQueue>[2]['onChange']>[0]) => {
      for (const frame of kept.keys()) if (frame >= from && frame < to) kept.delete(frame);
      for (const item of items) if (item.kind === 'audio') kept.set(item.frame, item.bytes.length);
    };
    const queue = new SendQueue(format, limits, { onChange, onGap: () => undefined });
    for (let count = 0; count < 100; count++) cutter.write(beginning, (piece) => queue.write(piece));
    expect([...kept.values()].reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(50_000);
  });
});

function last<Item>(items: readonly Item[]): Item {
  const item = items.at(-1);
  if (item === undefined) throw new Error('there is none');
  return item;
}

function fixtureOf(name: string): ContainerFixture {
  const fixture = TONES.find((candidate) => candidate.name === name);
  if (fixture === undefined) throw new Error(`there is no ${name} among the fixtures`);
  return fixture;
}
