import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AudioLog } from '../../src/log/audio-log.ts';
import { SequenceConflictError, SequenceGapError, StorageFullError } from '../../src/log/storage-errors.ts';
import { FaultyFileSystem } from '../support/faulty-file-system.ts';

const header = {
  sessionId: 'modelled',
  format: { encoding: 'MULAW', sampleRate: 8_000, channels: 1 },
  createdAt: new Date(0),
} as const;

type Content = { kind: 'chunk'; text: string } | { kind: 'skip'; frames: number };
type TimelineItem = Content & { sequence: number; startFrame: number };
type Item = TimelineItem | { kind: 'end'; startFrame: number };

type Operation =
  | { do: 'send'; items: { sequence: number; content: Content }[] }
  | { do: 'send to a full disk'; contents: Content[]; space: number }
  | { do: 'end' }
  | { do: 'reopen' }
  | { do: 'read'; fromFrame: number };

function framesOf(content: Content): number {
  return content.kind === 'chunk' ? content.text.length : content.frames;
}

/** What an audio log is in truth: a list that takes each number once. */
class Model {
  #items: Item[] = [];

  get timeline(): TimelineItem[] {
    return this.#items.filter((item) => item.kind !== 'end');
  }

  get state(): { nextSequence: number; receivedFrames: number; ended: boolean } {
    const last = this.timeline.at(-1);
    return {
      nextSequence: this.timeline.length,
      receivedFrames: last === undefined ? 0 : last.startFrame + framesOf(last),
      ended: this.#items.at(-1)?.kind === 'end',
    };
  }

  perform(operation: Operation): unknown {
    const { nextSequence, receivedFrames, ended } = this.state;
    switch (operation.do) {
      case 'send':
        return operation.items.map(({ sequence, content }) => this.#send(sequence, content));
      case 'send to a full disk':
        return operation.contents.map(() => 'storage full');
      case 'end':
        if (!ended) this.#items.push({ kind: 'end', startFrame: receivedFrames });
        return 'ended';
      case 'reopen':
        return nextSequence;
      case 'read':
        return this.#items.filter((item) => {
          if (item.kind === 'end') return item.startFrame >= operation.fromFrame;
          return item.startFrame + framesOf(item) > operation.fromFrame;
        });
      default:
        return operation satisfies never;
    }
  }

  #send(sequence: number, content: Content): string {
    const { nextSequence, receivedFrames } = this.state;
    if (sequence > nextSequence) return `gap, expected ${nextSequence}`;
    if (sequence === nextSequence) {
      this.#items.push({ ...content, sequence, startFrame: receivedFrames });
      return 'stored';
    }
    const { startFrame } = this.timeline[sequence] ?? { startFrame: -1 };
    const same = JSON.stringify({ ...content, sequence, startFrame }) === JSON.stringify(this.timeline[sequence]);
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

  get state(): { nextSequence: number; receivedFrames: number; ended: boolean } {
    const { nextSequence, receivedFrames, end } = this.#log;
    return { nextSequence, receivedFrames, ended: end !== null };
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
      const sequence = Math.floor(part * model.timeline.length) + ahead;
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
  { weight: 2, arbitrary: fc.constant<Choice>(() => ({ do: 'reopen' })) },
  {
    weight: 3,
    arbitrary: fc.tuple(anySequence, fc.nat({ max: 2 })).map(([part, inside]): Choice => (model) => {
      const item = model.timeline[Math.floor(part * model.timeline.length)];
      return { do: 'read', fromFrame: (item?.startFrame ?? model.state.receivedFrames) + inside };
    }),
  },
);

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
