import { createResamplerTable } from '../../src/audio/resampler-table.ts';
import type { AudioFormat } from '../../src/audio/format.ts';
import { DecodeQueue } from '../../src/recognition/decode-queue.ts';
import type { Engine } from '../../src/recognition/engine.ts';
import type {
  Decision,
  RecognitionFailure,
  RecognitionListener,
  RecognitionStream,
  ResumePoint,
  Transcript,
} from '../../src/recognition/recogniser.ts';
import { RecognitionSession } from '../../src/recognition/recognition-session.ts';
import type { StreamSettings } from '../../src/recognition/stream-context.ts';

/** A listener that keeps all it is told. */
export class RecordingListener implements RecognitionListener {
  readonly interims: Transcript[] = [];
  readonly decisions: Decision[] = [];
  /** Interims and decisions as they came. */
  readonly events: (Transcript | Decision)[] = [];
  readonly progress: number[] = [];
  readonly failures: RecognitionFailure[] = [];
  ended: ResumePoint | null = null;
  readonly #isOver: Promise<void>;
  #over: () => void = () => {};

  constructor() {
    this.#isOver = new Promise((resolve) => {
      this.#over = resolve;
    });
  }

  onInterim(interim: Transcript): void {
    this.interims.push(interim);
    this.events.push(interim);
  }
  onDecision(decision: Decision): void {
    this.decisions.push(decision);
    this.events.push(decision);
  }
  onProgress(frame: number): void {
    this.progress.push(frame);
  }
  onEnded(resume: ResumePoint): void {
    this.ended = resume;
    this.#over();
  }
  onFailure(error: RecognitionFailure): void {
    this.failures.push(error);
    this.#over();
  }

  get texts(): string[] {
    return this.decisions.flatMap((decision) => (decision.kind === 'final' ? [decision.transcript.text] : []));
  }

  /** Resolves when the stream ended. @throws its failure. */
  async untilEnded(): Promise<this> {
    await this.#isOver;
    if (this.failures[0]) throw this.failures[0];
    return this;
  }
}

/** What is sent: audio bytes, or frames that were lost. */
export type SentPart = Uint8Array | { readonly lostFrames: number };

function framesOf(part: SentPart, frameBytes: number): number {
  return part instanceof Uint8Array ? part.length / frameBytes : part.lostFrames;
}

/** Writes the parts from a frame on, as the transcriber does: whole chunks, the first of which may begin before it. */
export function writeParts(
  stream: RecognitionStream,
  parts: readonly SentPart[],
  frameBytes: number,
  fromFrame = 0,
): void {
  let frame = 0;
  for (const part of parts) {
    const frames = framesOf(part, frameBytes);
    if (frame + frames > fromFrame) {
      if (part instanceof Uint8Array) stream.writeAudio(frame, part);
      else stream.writeGap(frame, part.lostFrames);
    }
    frame += frames;
  }
}

export function bytesOf(samples: Int16Array): Uint8Array {
  return new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
}

/** One channel beside the other; the shorter one ends in silence. */
export function interleave(left: Int16Array, right: Int16Array): Uint8Array {
  const both = new Int16Array(2 * Math.max(left.length, right.length));
  for (let frame = 0; frame < both.length / 2; frame++) {
    both[2 * frame] = left[frame] ?? 0;
    both[2 * frame + 1] = right[frame] ?? 0;
  }
  return bytesOf(both);
}

/** A resume point as the journal gives it back. */
export function asStored(resume: ResumePoint | null): ResumePoint {
  const stored: ResumePoint = JSON.parse(JSON.stringify(resume));
  return stored;
}

/** Opens a session on an engine in this process. */
export function openSession(options: {
  readonly engine: Engine;
  readonly format: AudioFormat;
  readonly listener: RecognitionListener;
  readonly resume?: ResumePoint | null;
  readonly queue?: DecodeQueue;
  readonly settings?: StreamSettings;
  /** @default whether it is resumed */
  readonly draftsShown?: boolean;
  readonly isolated?: boolean;
  readonly skipFirstUtterance?: boolean;
  /** @default throws */
  readonly warn?: (message: string) => void;
}): RecognitionSession {
  const { format, resume = null, draftsShown = resume !== null, isolated, skipFirstUtterance } = options;
  return new RecognitionSession(
    { sessionId: 'session', format, language: 'en', resume, draftsShown, isolated, skipFirstUtterance },
    options.listener,
    {
      engine: options.engine,
      queue: options.queue ?? new DecodeQueue(options.engine),
      settings: options.settings ?? { interimIntervalMs: 1_000, endSilenceMs: 512 },
      table: createResamplerTable(options.format.sampleRate),
      now: () => performance.now(),
      warn:
        options.warn ??
        ((message) => {
          throw new Error(message);
        }),
    },
  );
}
