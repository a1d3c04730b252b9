import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AudioLog } from '../../src/log/audio-log.ts';
import { SequenceConflictError, SequenceGapError, StorageFullError } from '../../src/log/storage-errors.ts';
import { damageTo, harm } from '../support/file-harm.ts';
import { FaultyFileSystem } from '../support/faulty-file-system.ts';

const header = {
  sessionId: 'modelled',
  format: { encoding: 'MULAW', sampleRate: 8_000, channels: 1 },
  createdAt: new Date(0),
} as const;

type Content = { kind: 'chunk'; text: string } | { kind: 'skip'; frames: number };
type TimelineItem = Content & { sequence: number; startFrame: number };
type Item =
  TimelineItem | { kind: 'end'; startFrame: number } | { kind: 'damaged'; startFrame: number; frames: number };

type Operation =
  | { do: 'send'; items: { sequence: number; content: Content }[] }
  | { do: 'send to a full disk'; contents: Content[]; space: number }
  | { do: 'end' }
  | { do: 'lose'; sequences: number; frames: number }
  | { do: 'reopen' }
  | { do: 'read'; fromFrame: number };

function framesOf(content: Content): number {
  return content.kind === 'chunk' ? content.text.length : content.frames;
}

/** What an audio log is in truth: a list that takes each number once. */
class Model {
  #items: Item[] = [];
  #nextSequence = 0;
  #receivedFrames = 0;
  #damagedFrames = 0;
  #ended = false;

  get timeline(): TimelineItem[] {
    return this.#items.filter((item) => item.kind === 'chunk' || item.kind === 'skip');
  }

  get state(): { nextSequence: number; receivedFrames: number; damagedFrames: number; ended: boolean } {
    return {
      nextSequence: this.#nextSequence,
      receivedFrames: this.#receivedFrames,
      damagedFrames: this.#damagedFrames,
      ended: this.#ended,
    };
  }

  perform(operation: Operation): unknown {
    switch (operation.do) {
      case 'send':
        return operation.items.map(({ sequence, content }) => this.#send(sequence, content));
      case 'send to a full disk':
        return operation.contents.map(() => 'storage full');
      case 'end':
        if (!this.#ended) this.#items.push({ kind: 'end', startFrame: this.#receivedFrames });
        this.#ended = true;
        return 'ended';
      case 'lose':
        return this.#lose(operation.sequences, operation.frames);
      case 'reopen':
        return this.#nextSequence;
      case 'read':
        return this.#items.filter((item) => {
          if (item.kind === 'end') return item.startFrame >= operation.fromFrame;
          const frames = item.kind === 'damaged' ? item.frames : framesOf(item);
          return item.startFrame + frames > operation.fromFrame;
        });
      default:
        return operation satisfies never;
    }
  }

  #lose(sequences: number, frames: number): string {
    if (sequences === 0 && frames === 0) return 'not beyond';
    if (frames > 0) this.#items.push({ kind: 'damaged', startFrame: this.#receivedFrames, frames });
    this.#nextSequence += sequences;
    this.#receivedFrames += frames;
    this.#damagedFrames += frames;
    this.#ended = false;
    return 'lost';
  }

  #send(sequence: number, content: Content): string {
    if (sequence > this.#nextSequence) return `gap, expected ${this.#nextSequence}`;
    if (sequence === this.#nextSequence) {
      this.#items.push({ ...content, sequence, startFrame: this.#receivedFrames });
      this.#nextSequence += 1;
      this.#receivedFrames += framesOf(content);
      this.#ended = false;
      return 'stored';
    }
    const item = this.timeline.find((each) => each.sequence === sequence);
    if (item === undefined) return 'duplicate';
    const same = JSON.stringify({ ...content, sequence, startFrame: item.startFrame }) === JSON.stringify(item);
    return same ? 'duplicate' : 'conflict';
  }
}

/** The real log, made to answer like the model. */
class Subject {
  readonly #path: string;
  readonly #fileSystem: FaultyFileSystem;
  #log: AudioLog;

  private constructor(path: string, fileSystem: FaultyFileSystem, log: AudioLog) {
    this.#path = path;
    this.#fileSystem = fileSystem;
    this.#log = log;
  }

  static async create(path: string): Promise<Subject> {
    const fileSystem = new FaultyFileSystem();
    return new Subject(path, fileSystem, await AudioLog.create(path, header, { fileSystem }));
  }

  get state(): { nextSequence: number; receivedFrames: number; damagedFrames: number; ended: boolean } {
    const { nextSequence, receivedFrames, damagedFrames, end } = this.#log;
    return { nextSequence, receivedFrames, damagedFrames, ended: end !== null };
  }

  async perform(operation: Operation): Promise<unknown> {
    switch (operation.do) {
      case 'send':
        return Promise.all(operation.items.map(({ sequence, content }) => this.#send(sequence, content)));
      case 'send to a full disk': {
        const { nextSequence } = this.#log;
        this.#fileSystem.space = operation.space;
        const sent = operation.contents.map((content, index) => this.#send(nextSequence + index, content));
        const answers = await Promise.all(sent);
        this.#fileSystem.space = Infinity;
        return answers;
      }
      case 'end':
        await this.#log.appendEnd('CLIENT', new Date());
        return 'ended';
      case 'lose':
        return this.#lose(operation.sequences, operation.frames);
      case 'reopen':
        await this.#log.close();
        this.#log = await AudioLog.open(this.#path, { fileSystem: this.#fileSystem });
        return this.#log.nextSequence;
      case 'read':
        return this.#read(operation.fromFrame);
      default:
        return operation satisfies never;
    }
  }

  close(): Promise<void> {
    return this.#log.close();
  }

  async #lose(sequences: number, frames: number): Promise<string> {
    const { nextSequence, receivedFrames } = this.#log;
    const to = { nextSequence: nextSequence + sequences, receivedFrames: receivedFrames + frames };
    try {
      await this.#log.appendLost(to);
      return 'lost';
    } catch (error) {
      if (error instanceof RangeError) return 'not beyond';
      throw error;
    }
  }

  async #send(sequence: number, content: Content): Promise<string> {
    try {
      const { duplicate } =
        content.kind === 'chunk'
          ? await this.#log.appendChunk(sequence, Buffer.from(content.text))
          : await this.#log.appendSkip(sequence, content.frames);
      return duplicate ? 'duplicate' : 'stored';
    } catch (error) {
      if (error instanceof SequenceGapError) return `gap, expected ${error.expectedSequence}`;
      if (error instanceof SequenceConflictError) return 'conflict';
      if (error instanceof StorageFullError) return 'storage full';
      throw error;
    }
  }

  async #read(fromFrame: number): Promise<unknown[]> {
    const items: unknown[] = [];
    const reader = this.#log.reader(fromFrame);
    for (let item = await reader.next(); item !== null; item = await reader.next()) {
      const { kind, startFrame } = item;
      if (kind === 'end') items.push({ kind, startFrame });
      else if (kind === 'chunk') {
        items.push({ kind, text: Buffer.from(item.bytes).toString(), sequence: item.sequence, startFrame });
      } else items.push(item);
    }
    return items;
  }
}

const chunk = fc.record({
  kind: fc.constant('chunk'),
  text: fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 20 }),
});
const skip = fc.record({ kind: fc.constant('skip'), frames: fc.integer({ min: 1, max: 2 ** 40 }) });
const content: fc.Arbitrary<Content> = fc.oneof({ weight: 4, arbitrary: chunk }, { weight: 1, arbitrary: skip });
const burst = fc.array(content, { minLength: 1, maxLength: 120 });
const anySequence = fc.double({ min: 0, max: 1.05, noNaN: true, maxExcluded: true });

/** Chooses an operation by what is there already. */
type Choice = (model: Model) => Operation;

const choice: fc.Arbitrary<Choice> = fc.oneof(
  {
    weight: 6,
    arbitrary: burst.map((contents): Choice => (model) => {
      const { nextSequence } = model.state;
      return { do: 'send', items: contents.map((each, index) => ({ sequence: nextSequence + index, content: each })) };
    }),
  },
  {
    weight: 3,
    arbitrary: anySequence.map((part): Choice => (model) => {
      const item = model.timeline[Math.floor(part * model.timeline.length)];
      if (item === undefined) return { do: 'send', items: [] };
      const { sequence, startFrame: _, ...same } = item;
      return { do: 'send', items: [{ sequence, content: same }] };
    }),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(anySequence, fc.nat({ max: 3 }), content).map(([part, ahead, other]): Choice => (model) => {
      const sequence = Math.floor(part * model.state.nextSequence) + ahead;
      // Twice at once: the second is compared with one that may still be on its way.
      return { do: 'send', items: Array.from({ length: 2 }, () => ({ sequence, content: other })) };
    }),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.array(content, { minLength: 1, maxLength: 5 }), fc.nat({ max: 50 }))
      .map(([contents, space]): Choice => () => ({ do: 'send to a full disk', contents, space })),
  },
  { weight: 1, arbitrary: fc.constant<Choice>(() => ({ do: 'end' })) },
  {
    weight: 1,
    arbitrary: fc
      .record({ sequences: fc.nat({ max: 5 }), frames: fc.nat({ max: 100 }) })
      .map((lost): Choice => () => ({ do: 'lose', ...lost })),
  },
  { weight: 2, arbitrary: fc.constant<Choice>(() => ({ do: 'reopen' })) },
  {
    weight: 3,
    arbitrary: fc.tuple(anySequence, fc.nat({ max: 2 })).map(([part, inside]): Choice => (model) => {
      const item = model.timeline[Math.floor(part * model.timeline.length)];
      return { do: 'read', fromFrame: (item?.startFrame ?? model.state.receivedFrames) + inside };
    }),
  },
);

/** A byte each, which is a frame. */
function lettersOf(text: string): string[] {
  return text.split('');
}

/** What the reader tells, frame by frame: which item each stands in, or `null` where it is damaged. */
async function framesRead(log: AudioLog): Promise<(string | null)[]> {
  const frames: (string | null)[] = [];
  const reader = log.reader(0);
  for (let item = await reader.next(); item !== null; item = await reader.next()) {
    expect(item.startFrame).toBe(frames.length);
    if (item.kind === 'chunk') frames.push(...lettersOf(Buffer.from(item.bytes).toString()));
    else if (item.kind !== 'end') {
      for (let frame = 0; frame < item.frames; frame += 1) frames.push(item.kind === 'skip' ? ' ' : null);
    }
  }
  return frames;
}

describe('an audio log whose file comes to harm', () => {
  it('keeps its timeline: each frame that was acknowledged is itself or damaged', { timeout: 120_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'verbatim-audio-harm-'));
    const path = join(folder, 'audio.log');
    const small = fc.oneof(
      chunk,
      skip.map((each) => ({ ...each, frames: 1 + (each.frames % 30) })),
    );
    const contents = fc.array(small, { minLength: 1, maxLength: 30 });
    const property = fc.asyncProperty(
      contents,
      fc.boolean(),
      contents,
      fc.array(harm, { maxLength: 2 }),
      async (sent, isLost, later, harms) => {
        await rm(path, { force: true });
        const log = await AudioLog.create(path, header);
        const expected: (string | null)[] = [];
        const items = new Map<number, Content>();
        const send = async (to: AudioLog, list: Content[], from: number): Promise<void> => {
          await Promise.all(
            list.map((each, index) => {
              items.set(from + index, each);
              expected.push(...lettersOf(each.kind === 'chunk' ? each.text : ' '.repeat(each.frames)));
              return each.kind === 'chunk'
                ? to.appendChunk(from + index, Buffer.from(each.text))
                : to.appendSkip(from + index, each.frames);
            }),
          );
        };
        await send(log, sent, 0);
        if (isLost) {
          await log.appendLost({ nextSequence: log.nextSequence + 3, receivedFrames: log.receivedFrames + 7 });
          expected.push(...Array.from({ length: 7 }, () => null));
        }
        await send(log, later, log.nextSequence);
        await log.appendEnd('CLIENT', new Date(0));
        const { nextSequence } = log;
        await log.close();

        // The mark is spared: everything before it is known to have been there.
        const original = await readFile(path);
        const end = log.durablePosition;
        const { bytes } = damageTo(original.subarray(0, end), harms);
        const spared = Buffer.concat([bytes.subarray(0, end), Buffer.alloc(Math.max(0, end - bytes.length))]);
        await writeFile(path, Buffer.concat([spared, original.subarray(end)]));

        for (const _ of ['opened', 'opened again']) {
          const opened = await AudioLog.open(path, { headerIfDamaged: header });
          expect([opened.nextSequence, opened.receivedFrames]).toEqual([nextSequence, expected.length]);
          const frames = await framesRead(opened);
          expect(frames.length).toBe(expected.length);
          expect(frames.filter((frame, index) => frame !== null && frame !== expected[index])).toEqual([]);
          expect(frames.filter((frame) => frame === null).length).toBe(opened.damagedFrames);
          // Every number that was taken stays taken; what can still be compared is.
          for (const [sequence, each] of items) {
            const repeated =
              each.kind === 'chunk'
                ? opened.appendChunk(sequence, Buffer.from(each.text))
                : opened.appendSkip(sequence, each.frames);
            expect(await repeated).toEqual({ duplicate: true });
          }
          await opened.close();
        }

        const opened = await AudioLog.open(path, { headerIfDamaged: header });
        const before = await framesRead(opened);
        await opened.appendChunk(nextSequence, Buffer.from('afterwards'));
        await opened.close();
        const again = await AudioLog.open(path, { headerIfDamaged: header });
        expect(await framesRead(again)).toEqual([...before, ...lettersOf('afterwards')]);
        await again.close();
      },
    );
    await fc.assert(property, { numRuns: 60, interruptAfterTimeLimit: 60_000 });
    await rm(folder, { recursive: true });
  });
});

describe('an audio log', () => {
  it('is a list that takes each number once, whatever is sent in whatever order', { timeout: 60_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'verbatim-model-'));
    let runs = 0;
    const property = fc.asyncProperty(fc.array(choice, { maxLength: 30 }), async (choices) => {
      const model = new Model();
      runs += 1;
      const subject = await Subject.create(join(folder, `${runs}.log`));
      for (const choose of [...choices, (): Operation => ({ do: 'read', fromFrame: 0 })]) {
        const chosen = choose(model);
        const expected = model.perform(chosen);
        const answer = await subject.perform(chosen);
        expect({ chosen, answer, state: subject.state }).toEqual({ chosen, answer: expected, state: model.state });
      }
      await subject.close();
    });
    await fc.assert(property, { numRuns: 80 });
    await rm(folder, { recursive: true });
  });
});
