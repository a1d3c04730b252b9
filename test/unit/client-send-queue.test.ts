import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { framesToMs, msToFrames, type AudioFormat } from '../../src/audio/format.ts';
import type { Gap, NumberedItem, QueueChange, QueueLimits } from '../../src/client/send-queue.ts';
import { SendQueue } from '../../src/client/send-queue.ts';
import { MemoryChunkStore, type StoredRecording } from '../../src/client/chunk-store.ts';

const LIMITS: QueueLimits = {
  maxBufferedBytes: 64_000,
  maxBufferedMs: 10_000,
  maxChunkMs: 100,
  maxChunkBytes: 20_000,
};
const ROOMY: QueueLimits = { ...LIMITS, maxBufferedBytes: Infinity, maxBufferedMs: Infinity };
const FORMAT: AudioFormat = { encoding: 'PCM_F32LE', sampleRate: 8_000, channels: 1 };

/** Frames that carry their own position: what arrives somewhere else is seen. */
function framesFrom(first: number, count: number): Uint8Array {
  return new Uint8Array(Uint32Array.from({ length: count }, (_, index) => first + index).buffer);
}

/** The rules of the server's audio log, in memory. */
class ModelServer {
  items: NumberedItem[] = [];

  get nextSequence(): number {
    return this.items.length;
  }

  get frames(): number {
    return this.items.reduce((sum, item) => sum + item.frames, 0);
  }

  /** @returns whether it was stored, now or before; false: a chunk is missing. */
  accept(item: NumberedItem): boolean {
    const stored = this.items[item.sequence];
    if (stored !== undefined) {
      const isSame =
        stored.kind === 'audio' && item.kind === 'audio'
          ? Buffer.compare(stored.bytes, item.bytes) === 0
          : stored.kind === item.kind && stored.frames === item.frames;
      if (!isSame) throw new Error(`AUDIO_CONFLICT: chunk ${item.sequence} has other bytes than before`);
      return true;
    }
    if (item.sequence > this.nextSequence) return false;
    if (item.kind === 'gap' && item.frames !== msToFrames(item.durationMs, FORMAT.sampleRate)) {
      throw new Error('the gap is not as long as it says');
    }
    this.items.push(item);
    return true;
  }

  /** What stands at each frame: the position that the frame carries, or `null` in a gap. */
  timeline(): (number | null)[] {
    return this.items.flatMap((item): (number | null)[] =>
      item.kind === 'gap'
        ? Array.from({ length: item.frames }, () => null)
        : Array.from(new Uint32Array(item.bytes.slice().buffer)),
    );
  }
}

/** A client with a store, a network that loses whatever it likes, and the model of a server. */
class World {
  readonly server = new ModelServer();
  readonly gaps: Gap[] = [];
  readonly #store = new MemoryChunkStore();
  readonly #format: AudioFormat;
  readonly #limits: QueueLimits;
  queue: SendQueue;
  writtenFrames = 0;
  #underWay: NumberedItem[] = [];

  constructor(limits: QueueLimits, format = FORMAT) {
    this.#limits = limits;
    this.#format = format;
    this.queue = this.#newQueue(null);
  }

  write(ms: number): void {
    const frames = msToFrames(ms, this.#format.sampleRate);
    this.queue.write({ bytes: framesFrom(this.writtenFrames, frames), frames });
    this.writtenFrames += frames;
  }

  skip(ms: number): void {
    this.queue.skip(ms);
    this.writtenFrames += msToFrames(ms, this.#format.sampleRate);
  }

  send(): boolean {
    const item = this.queue.take();
    if (item !== null) this.#underWay.push(item);
    return item !== null;
  }

  /** The first chunk under way arrives; its answer comes back, or does not. */
  arrive(isAnswered: boolean): void {
    const item = this.#underWay.shift();
    if (item !== undefined && this.server.accept(item) && isAnswered) this.queue.acknowledge(this.server.nextSequence);
  }

  /** The first chunk under way is lost: the server refuses those behind it. */
  lose(): void {
    this.#underWay.shift();
  }

  reconnect(): void {
    this.#underWay = [];
    const { nextSequence, frames } = this.server;
    this.queue.synchronise({ nextSequence, receivedMs: framesToMs(frames, this.#format.sampleRate) });
  }

  /** The page is loaded anew: only what the store has is left. */
  async reload(): Promise<void> {
    const kept = await this.#store.read('recording');
    if (kept === null) throw new Error('nothing was stored');
    this.queue = this.#newQueue({ head: kept.recording.head, items: kept.items });
    this.reconnect();
  }

  /** A backup of the server is restored. */
  restore(share: number): void {
    this.server.items.length = Math.floor(this.server.items.length * share);
    this.reconnect();
  }

  finish(): void {
    this.reconnect();
    while (this.send()) this.arrive(true);
  }

  #newQueue(kept: ConstructorParameters<typeof SendQueue>[3]): SendQueue {
    const onChange = (change: QueueChange) => {
      // Storing is synchronous underneath; `queue` is not yet there while the first one is made.
      const recording = { externalId: 'recording', head: queue.head } as StoredRecording;
      void this.#store.write(recording, [change]);
    };
    const queue = new SendQueue(this.#format, this.#limits, { onChange, onGap: (gap) => this.gaps.push(gap) }, kept);
    if (kept === null) void this.#store.write({ externalId: 'recording', head: queue.head } as StoredRecording, []);
    return queue;
  }
}

type Step = (world: World) => void | Promise<void>;
const shortMs = fc.integer({ min: 1, max: 250 });
const step = fc.oneof<fc.WeightedArbitrary<Step>[]>(
  { weight: 8, arbitrary: shortMs.map((ms) => (world) => world.write(ms)) },
  { weight: 1, arbitrary: shortMs.map((ms) => (world) => world.skip(ms)) },
  { weight: 8, arbitrary: fc.constant((world) => void world.send()) },
  { weight: 8, arbitrary: fc.boolean().map((isAnswered) => (world) => world.arrive(isAnswered)) },
  { weight: 1, arbitrary: fc.constant((world) => world.lose()) },
  { weight: 2, arbitrary: fc.constant((world) => world.reconnect()) },
  { weight: 1, arbitrary: fc.constant((world) => world.reload()) },
);

/** Every frame stands where it was recorded, and what is missing was declared: no more, no less. */
function expectTrueTimeline({ server, gaps, writtenFrames }: World): void {
  const timeline = server.timeline();
  expect(timeline.length).toBe(writtenFrames);
  expect(timeline.findIndex((position, index) => position !== null && position !== index)).toBe(-1);
  const declared = timeline.map(() => false);
  for (const { startMs, durationMs } of gaps) {
    const start = msToFrames(startMs, FORMAT.sampleRate);
    declared.fill(true, start, start + msToFrames(durationMs, FORMAT.sampleRate));
  }
  expect(timeline.map((position) => position === null)).toEqual(declared);
}

describe('the queue of audio that is not acknowledged', () => {
  it('brings all audio to its place, whatever the network, the page and its memory do', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 120 }),
        fc.constantFrom(LIMITS, ROOMY, { ...LIMITS, maxBufferedMs: 300 }, { ...LIMITS, maxBufferedBytes: 6_000 }),
        async (steps, limits) => {
          const world = new World(limits);
          for (const take of steps) await take(world);
          world.finish();
          expectTrueTimeline(world);
          expect(world.queue.isEmpty).toBe(true);
          expect(world.queue.nextSequence).toBe(world.server.nextSequence);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('goes on when the server has lost what it had acknowledged: that is declared, and the rest keeps its place', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            { weight: 12, arbitrary: step },
            {
              weight: 1,
              arbitrary: fc
                .double({ min: 0, max: 1, noNaN: true })
                .map<Step>((share) => (world) => world.restore(share)),
            },
          ),
          { maxLength: 120 },
        ),
        async (steps) => {
          const world = new World(ROOMY);
          for (const take of steps) await take(world);
          world.finish();
          expectTrueTimeline(world);
          expect(world.queue.isEmpty).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('loses whole milliseconds when it overflows, at sample rates that have no whole frames in one', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 60 }),
        fc.constantFrom(11_025, 22_050, 44_100),
        (lengths, sampleRate) => {
          const format = { ...FORMAT, sampleRate };
          const gaps: Gap[] = [];
          const limits = { ...LIMITS, maxBufferedBytes: 40_000 };
          const queue = new SendQueue(format, limits, { onChange: () => undefined, onGap: (gap) => gaps.push(gap) });
          let written = 0;
          for (const frames of lengths) {
            queue.write({ bytes: framesFrom(written, frames), frames });
            written += frames;
          }
          let position = 0;
          let lostMs = 0;
          for (let item = queue.take(); item !== null; item = queue.take()) {
            expect(item.frame).toBe(position);
            const frames = item.kind === 'gap' ? msToFrames(item.durationMs, sampleRate) : item.bytes.length / 4;
            const first = item.kind === 'gap' ? position : new Uint32Array(item.bytes.slice().buffer)[0];
            expect({ frames: item.frames, first }).toEqual({ frames, first: position });
            if (item.kind === 'gap') lostMs += item.durationMs;
            position += item.frames;
          }
          expect(position).toBe(written);
          expect(gaps.reduce((sum, { durationMs }) => sum + durationMs, 0)).toBe(lostMs);
        },
      ),
    );
  });

  it('sends one chunk at a time while the connection keeps up, and larger ones to catch up', () => {
    const world = new World(ROOMY);
    world.write(20);
    expect(world.queue.take()).toMatchObject({ sequence: 0, frames: 160 });
    for (let count = 0; count < 8; count++) world.write(20);
    expect(world.queue.take()).toMatchObject({ sequence: 1, frames: 5 * 160 });
    expect(world.queue.take()).toMatchObject({ sequence: 2, frames: 3 * 160 });
    expect(world.queue.take()).toBeNull();
  });

  it('gives up only what was never sent, the oldest of it first', () => {
    const world = new World({ ...ROOMY, maxBufferedMs: 200 });
    world.write(100);
    world.send();
    for (let count = 0; count < 6; count++) world.write(50);
    expect(world.gaps).toEqual([
      { reason: 'overflow', startMs: 100, durationMs: 50 },
      { reason: 'overflow', startMs: 150, durationMs: 50 },
    ]);
    world.finish();
    expectTrueTimeline(world);
  });

  it('goes behind what an earlier program has sent to the same session', () => {
    const world = new World(ROOMY);
    world.write(50);
    world.queue.synchronise({ nextSequence: 7, receivedMs: 700 });
    expect(world.queue.take()).toMatchObject({ sequence: 7, frame: 5_600 });
    expect(world.queue.writtenMs).toBe(750);
  });

  it('goes behind it also when the page was reloaded before the server had answered', () => {
    const item = { kind: 'audio', frame: 0, frames: 400, sequence: null, bytes: framesFrom(0, 400) } as const;
    const listener = { onChange: () => undefined, onGap: () => undefined };
    const queue = new SendQueue(FORMAT, ROOMY, listener, { head: { sequence: 0, frame: 0 }, items: [item] });
    queue.synchronise({ nextSequence: 7, receivedMs: 700 });
    expect(queue.take()).toMatchObject({ sequence: 7, frame: 5_600 });
    expect(queue.writtenMs).toBe(750);
  });

  it('refuses to go on when somebody else sends to its session', () => {
    const world = new World(ROOMY);
    world.write(50);
    world.send();
    expect(() => world.queue.synchronise({ nextSequence: 2, receivedMs: 100 })).toThrow(/another one is sending/u);
    expect(() => world.queue.acknowledge(2)).toThrow(/another one is sending/u);
  });

  it('refuses a stored recording of which a part is missing', () => {
    const item = { kind: 'audio', frame: 10, frames: 1, sequence: null, bytes: framesFrom(10, 1) } as const;
    const listener = { onChange: () => undefined, onGap: () => undefined };
    const kept = { head: { sequence: 0, frame: 0 }, items: [item] };
    expect(() => new SendQueue(FORMAT, LIMITS, listener, kept)).toThrow(/damaged/u);
  });
});
