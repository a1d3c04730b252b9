import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AudioDecoder } from '../audio/decoding/audio-decoder.ts';
import { createAudioDecoder } from '../audio/decoding/create-audio-decoder.ts';
import { sampleOfFrame, type ResamplerTable } from '../audio/resampler-table.ts';
import { DecisionLine } from './decision-line.ts';
import type { DecodeQueue } from './decode-queue.ts';
import type { Engine } from './engine.ts';
import { Inbox } from './inbox.ts';
import type { Confirmed, Lane } from './lane.ts';
import { Pace } from './pace.ts';
import {
  RecognitionFailure,
  TIMELINE_RATE,
  type RecognitionListener,
  type RecognitionStream,
  type ResumePoint,
  type StreamOptions,
} from './recogniser.ts';
import {
  parseResumeState,
  resumePoint,
  stateBetweenSpans,
  type RecognitionState,
  type ResumeState,
} from './resume-state.ts';
import { confirmAgain, decidedWithout, isHeardAgain } from './restoring.ts';
import { Span } from './span.ts';
import { createStreamContext, type StreamContext, type StreamSettings } from './stream-context.ts';

/** Frames (0.5 s of audio) after which other streams and messages get their turn while a backlog is worked through. */
const FRAMES_PER_TURN = 16;

type Input =
  | { readonly kind: 'audio'; readonly startFrame: number; readonly bytes: Uint8Array }
  | { readonly kind: 'gap'; readonly startFrame: number; readonly frames: number }
  | { readonly kind: 'end' };

export interface SessionResources {
  readonly engine: Engine;
  readonly queue: Pick<DecodeQueue, 'line'>;
  readonly settings: StreamSettings;
  /** For the stream's sample rate; shared by its streams. */
  readonly table: ResamplerTable;
  warn(message: string): void;
  /** Monotonic, ms; orders work, decides nothing. */
  now(): number;
}

/** Audio was left out between two writes. */
export class MissingAudioError extends Error {
  override readonly name = 'MissingAudioError';
}

/**
 * Recognition of one stream, where the engine is. What it decides is a function of the audio (and the resume point), never
 * of time, load, or how the audio was cut into writes.
 */
export class RecognitionSession implements RecognitionStream {
  readonly #format: StreamOptions['format'];
  readonly #listener: RecognitionListener;
  readonly #table: ResamplerTable;
  readonly #context: StreamContext;
  readonly #decoder: AudioDecoder;
  readonly #line: DecisionLine;
  readonly #pace: Pace;
  readonly #inputs = new Inbox<Input>(
    (input) => this.#hear(input),
    (error) => this.#fail(error),
  );
  #dead = false;
  /** Source frame of the next input. */
  #nextFrame = 0;
  #span: Span | null = null;
  /** Between spans: by channel. */
  #decidedSamples: readonly number[];
  /** What the resume point still has to have heard again. */
  #restored: ResumeState | null = null;
  #reportedFrame = 0;
  #framesHeard = 0;

  /** @throws ResumeStateError */
  constructor(options: StreamOptions, listener: RecognitionListener, resources: SessionResources) {
    this.#format = options.format;
    this.#listener = listener;
    this.#table = resources.table;
    this.#decoder = createAudioDecoder(options.format);
    this.#line = new DecisionLine(listener);
    this.#pace = new Pace(options.format.sampleRate, options.resume?.readFromFrame ?? 0, () => resources.now());
    this.#context = createStreamContext({
      engine: resources.engine,
      settings: resources.settings,
      queue: resources.queue.line({ isBehind: () => this.#pace.isBehind }),
      stream: options,
      onOutcome: () => this.#advance(),
      showInterim: (interim) => listener.onInterim(interim),
      warn: (message) => resources.warn(message),
    });
    this.#decidedSamples = Array.from({ length: options.format.channels }, () => 0);
    if (options.resume) this.#restore(options.resume);
  }

  /** True while audio waits to be heard, unless a decode has to end first. */
  get isBusy(): boolean {
    return this.#inputs.isBusy && !this.#span?.awaitsWords;
  }

  /** True while live audio waits to be heard, and could be. */
  get isHearingLive(): boolean {
    return this.isBusy && !this.#pace.isBehind;
  }

  /** Counts detector frames: the sign of life of a stream that is busy. */
  get framesHeard(): number {
    return this.#framesHeard;
  }

  writeAudio(startFrame: number, bytes: Uint8Array): void {
    this.#pace.written(startFrame + this.#decoder.framesIn(bytes));
    this.#take({ kind: 'audio', startFrame, bytes });
  }

  writeGap(startFrame: number, frames: number): void {
    this.#take({ kind: 'gap', startFrame, frames });
  }

  end(): void {
    this.#take({ kind: 'end' });
  }

  close(): void {
    this.#dead = true;
    this.#inputs.clear();
    this.#line.cancel();
    this.#span?.cancel();
    // One that is at work is freed when that is done.
    if (!this.#inputs.isBusy) this.#decoder.close();
  }

  #restore(resume: ResumePoint): void {
    const state = parseResumeState(resume.state, this.#format.channels);
    this.#nextFrame = resume.readFromFrame;
    this.#reportedFrame = resume.readFromFrame;
    this.#decidedSamples = state.lanes.map((lane) => lane.decidedSample);
    this.#restored = state;
    if (state.firstSample === null) return;
    this.#span = new Span(this.#context, this.#table, {
      spanStartFrame: state.spanStartFrame,
      firstFrame: resume.readFromFrame,
      firstSample: state.firstSample,
      lanes: state.lanes,
    });
  }

  #take(input: Input): void {
    if (this.#dead) return;
    this.#inputs.put(input);
  }

  async #hear(input: Input): Promise<void> {
    if (this.#restored && !this.#span) this.#finishRestoring(this.#restored, []);
    if (input.kind === 'audio') await this.#hearAudio(input.startFrame, input.bytes);
    else if (input.kind === 'gap') await this.#hearGap(input.startFrame, input.frames);
    else await this.#hearEnd();
    this.#reportProgress();
  }

  async #hearAudio(startFrame: number, bytes: Uint8Array): Promise<void> {
    this.#requireNothingMissing(startFrame);
    for (const piece of await this.#decoder.decode(startFrame, bytes, this.#nextFrame)) {
      if (this.#dead) break;
      if (piece.channels === null) await this.#hearNothing(piece.startFrame + piece.frames, true);
      else await this.#hearPiece(piece.startFrame, piece.frames, piece.channels);
    }
    if (this.#dead) this.#decoder.close();
  }

  async #hearPiece(startFrame: number, frames: number, channels: readonly Float32Array[]): Promise<void> {
    const endFrame = startFrame + frames;
    // What was closed at a frame in the middle of this audio is heard to there first.
    const closedAt = this.#restored?.closedAtFrame ?? null;
    const cuts = closedAt !== null && closedAt < endFrame ? [closedAt, endFrame] : [endFrame];
    for (const cut of cuts) {
      if (cut <= this.#nextFrame) continue;
      const from = this.#nextFrame - startFrame;
      this.#span ??= this.#newSpan();
      this.#span.write(channels.map((samples) => samples.subarray(from, cut - startFrame)));
      this.#nextFrame = cut;
      await this.#hearSpan(this.#span);
    }
  }

  async #hearSpan(span: Span): Promise<void> {
    if (this.#restored) {
      if (!isHeardAgain(this.#restored, span, this.#nextFrame)) return;
      this.#finishRestoring(this.#restored, span.lanes);
    }
    while (this.#span === span && span.hasWholeFrame) {
      const confirmed = await span.hear();
      this.#framesHeard += 1;
      if (this.#dead) {
        cancelAll(confirmed);
        span.cancel();
        return;
      }
      if (confirmed.length > 0) this.#confirm(confirmed, span.save());
      if (this.#framesHeard % FRAMES_PER_TURN === 0) {
        this.#reportProgress();
        await nextTurn();
      }
    }
  }

  async #hearGap(startFrame: number, frames: number): Promise<void> {
    this.#requireNothingMissing(startFrame);
    this.#decoder.lost();
    await this.#hearNothing(startFrame + frames, false);
  }

  /** @param isUndecodable there were bytes, which are not audio */
  async #hearNothing(endFrame: number, isUndecodable: boolean): Promise<void> {
    if (endFrame <= this.#nextFrame) return;
    await this.#closeSpan();
    const startSample = this.#undecidedSample();
    const endSample = sampleOfFrame(this.#format.sampleRate, endFrame);
    this.#nextFrame = endFrame;
    this.#decidedSamples = this.#decidedSamples.map(() => endSample);
    const resume = this.#resumeBetweenSpans();
    this.#line.add({ kind: 'gap', startSample, endSample, isUndecodable, resume });
    this.#advance();
  }

  async #hearEnd(): Promise<void> {
    await this.#closeSpan();
    const endSample = sampleOfFrame(this.#format.sampleRate, this.#nextFrame);
    const startSample = this.#undecidedSample();
    this.#decidedSamples = this.#decidedSamples.map(() => endSample);
    const resume = this.#resumeBetweenSpans();
    if (startSample < endSample) this.#line.add({ kind: 'gap', startSample, endSample, isUndecodable: false, resume });
    this.#line.add({ kind: 'end', resume });
    this.#advance();
  }

  async #closeSpan(): Promise<void> {
    if (this.#restored) {
      this.#giveUpRestoring(this.#restored);
      return;
    }
    const span = this.#span;
    if (!span) return;
    span.flush();
    const confirmed = await span.close();
    this.#span = null;
    if (this.#dead) {
      cancelAll(confirmed);
      return;
    }
    this.#decidedSamples = span.lanes.map((lane) => lane.decidedSample);
    this.#confirm(confirmed, span.saveClosed(this.#nextFrame));
  }

  /**
   * Audio that the resume point needs can't be read any more (a gap or the end comes before it was all heard again): what was
   * not decided yet goes with it.
   */
  #giveUpRestoring({ pending }: ResumeState): void {
    this.#restored = null;
    this.#span?.cancel();
    this.#span = null;
    this.#decidedSamples = decidedWithout(pending, this.#decidedSamples);
  }

  /** First sample between spans that is in no decision: all before is, unless restoring was given up. */
  #undecidedSample(): number {
    const here = sampleOfFrame(this.#format.sampleRate, this.#nextFrame);
    return Math.min(here, ...this.#decidedSamples);
  }

  /** All audio that it needs is there again: what was confirmed but not told is confirmed anew. */
  #finishRestoring(restored: ResumeState, lanes: readonly Lane[]): void {
    this.#restored = null;
    if (restored.closedAtFrame !== null) this.#span = null;
    this.#confirm(confirmAgain(restored.pending, lanes, this.#context), restored);
  }

  /** @param state after the step that confirmed these. */
  #confirm(confirmed: readonly Confirmed[], state: RecognitionState): void {
    const decisions = confirmed.map(({ decision }) => decision);
    for (const [index, one] of confirmed.entries()) {
      const resume = resumePoint(this.#table, state, decisions.slice(index + 1));
      this.#line.add({ kind: 'confirmed', confirmed: one, resume });
    }
    this.#advance();
  }

  #newSpan(): Span {
    return new Span(this.#context, this.#table, {
      spanStartFrame: this.#nextFrame,
      firstFrame: this.#nextFrame,
      firstSample: sampleOfFrame(this.#format.sampleRate, this.#nextFrame),
      lanes: stateBetweenSpans(this.#nextFrame, this.#decidedSamples).lanes,
    });
  }

  #resumeBetweenSpans(): ResumePoint {
    return resumePoint(this.#table, stateBetweenSpans(this.#nextFrame, this.#decidedSamples), []);
  }

  #requireNothingMissing(startFrame: number): void {
    if (startFrame > this.#nextFrame) {
      throw new MissingAudioError(`source frames [${this.#nextFrame}, ${startFrame}) were not written`);
    }
  }

  #advance(): void {
    try {
      this.#reportProgress();
      while (!this.#dead) {
        const told = this.#line.tellNext();
        if (!told) return;
        if (told.kind === 'end') this.close();
        this.#reportProgress();
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #reportProgress(): void {
    if (this.#dead) return;
    const heardFrame = this.#span ? this.#span.frameOf(this.#span.heardSample) : this.#nextFrame;
    const undecided = this.#line.oldestSample;
    const undecidedFrame =
      undecided === null ? Infinity : Math.floor((undecided * this.#format.sampleRate) / TIMELINE_RATE);
    const frame = Math.min(this.#nextFrame, heardFrame, undecidedFrame);
    if (frame <= this.#reportedFrame) return;
    this.#reportedFrame = frame;
    this.#pace.done(frame);
    this.#listener.onProgress(frame);
  }

  #fail(error: unknown): void {
    if (this.#dead) return;
    this.close();
    this.#listener.onFailure(toFailure(error));
  }
}

/** For a stream that was closed while it heard this. */
function cancelAll(confirmed: readonly Confirmed[]): void {
  for (const { decode } of confirmed) decode?.cancel();
}

export function toFailure(error: unknown): RecognitionFailure {
  return new RecognitionFailure(error instanceof Error ? error.message : String(error), 'stream', { cause: error });
}
