import { cutBetweenWords } from './cut-between-words.ts';
import { Endpointer, type EndpointEvent } from './endpointing.ts';
import { FRAME_SAMPLES, type Hypothesis, type SpeechDetector } from './engine.ts';
import type { UtteranceDecode } from './final-decode.ts';
import { InterimDrafts } from './interim-drafts.ts';
import { TIMELINE_RATE } from './recogniser.ts';
import type { ConfirmedDecision, LaneState } from './resume-state.ts';
import { SampleBuffer } from './sample-buffer.ts';
import { isSentenceOver } from './sentence-end.ts';
import type { StreamContext } from './stream-context.ts';

/** After this much silence it is decided, so that a restart need not read it all again. */
const SILENCE_DECISION_SAMPLES = 30 * TIMELINE_RATE;

/** A decision whose audio is complete; the words of a final may still be on their way. */
export interface Confirmed {
  readonly decision: ConfirmedDecision;
  /** `null` for silence. */
  readonly decode: UtteranceDecode | null;
  /** An interim of this utterance stands at the listener, or may do so since before a restart. */
  readonly interimShown: boolean;
}

export interface LaneStart {
  readonly channel: number;
  readonly spanStartSample: number;
  /** First sample that will be appended: the span's, or when resuming the first one still needed. */
  readonly firstSample: number;
  readonly state: LaneState;
}

/** One channel of one span (a stretch of uninterrupted audio): hears it frame by frame and decides what is an utterance. */
export class Lane {
  readonly #context: StreamContext;
  readonly #channel: number;
  readonly #spanStartSample: number;
  readonly #audio: SampleBuffer;
  readonly #detector: SpeechDetector;
  readonly #endpointer: Endpointer;
  readonly #drafts: InterimDrafts;
  #decidedSample: number;
  #speculation: { readonly startSample: number; readonly endSample: number; readonly decode: UtteranceDecode } | null =
    null;
  /** It came to nothing, but goes on as a draft of the open utterance. */
  #withdrawn: UtteranceDecode | null = null;
  /** The decode without whose words hearing does not go on. */
  #awaited: UtteranceDecode | null = null;
  /** Known once the span is closed; its last frame may be shorter than the others. */
  #spanEndSample = Infinity;

  constructor(context: StreamContext, start: LaneStart) {
    this.#context = context;
    this.#channel = start.channel;
    this.#spanStartSample = start.spanStartSample;
    this.#audio = new SampleBuffer(start.firstSample);
    this.#detector = context.openDetector(start.state.detector);
    this.#endpointer = new Endpointer(context.settings, start.state.endpointer);
    this.#decidedSample = start.state.decidedSample;
    this.#drafts = new InterimDrafts(context, start.channel, this.#audio);
    const open = start.state.endpointer?.open;
    if (open) this.#drafts.open(this.#sampleOf(open.startFrame));
  }

  get decidedSample(): number {
    return this.#decidedSample;
  }

  /** Hearing can't go on before an utterance is decoded, since its words say whether it has ended. */
  get awaitsWords(): boolean {
    return this.#awaited !== null;
  }

  /** Audio that has come, in timeline samples. */
  get audioEnd(): number {
    return this.#audio.end;
  }

  /** Timeline sample up to which the detector has heard. */
  get heardSample(): number {
    return this.#sampleOf(this.#endpointer.position);
  }

  /** No sample before this one will be asked for again. */
  get neededSample(): number {
    return this.#sampleOf(this.#endpointer.earliestFrameNeeded);
  }

  append(samples: Float32Array): void {
    this.#audio.append(samples);
  }

  slice(startSample: number, endSample: number): Float32Array {
    return this.#audio.slice(startSample, endSample);
  }

  /**
   * Hears the next whole frame, which must have come.
   * @throws the engine's error when words that decide a boundary could not be decoded.
   */
  async hear(): Promise<Confirmed[]> {
    const start = this.heardSample;
    const events = await this.#hearFrame(this.#audio.slice(start, start + FRAME_SAMPLES));
    const confirmed = await this.#apply(events);
    const silence = this.#neverEndingSilence();
    if (silence) confirmed.push(silence);
    if (this.#endpointer.isSpeaking) this.#drafts.request(this.heardSample);
    this.#audio.forgetBefore(this.neededSample);
    return confirmed;
  }

  /**
   * The span ends with the audio that has come: hears the rest and decides everything.
   * @throws like `hear`.
   */
  async close(): Promise<Confirmed[]> {
    this.#spanEndSample = this.#audio.end;
    const confirmed: Confirmed[] = [];
    while (this.heardSample < this.#spanEndSample) {
      const start = this.heardSample;
      const frame = new Float32Array(FRAME_SAMPLES);
      frame.set(this.#audio.slice(start, Math.min(start + FRAME_SAMPLES, this.#spanEndSample)));
      confirmed.push(...(await this.#apply(await this.#hearFrame(frame))));
    }
    confirmed.push(...(await this.#apply(this.#endpointer.flush())));
    if (this.#decidedSample < this.#spanEndSample) confirmed.push(this.#silenceTo(this.#spanEndSample));
    return confirmed;
  }

  save(): LaneState {
    return {
      decidedSample: this.#decidedSample,
      detector: this.#detector.save(),
      endpointer: this.#endpointer.save(),
    };
  }

  /** Forgets the decodes that are not confirmed. */
  cancel(): void {
    this.#awaited?.cancel();
    this.#drafts.close();
    this.#withdrawn?.cancel();
    this.#dropSpeculation();
  }

  async #hearFrame(frame: Float32Array): Promise<EndpointEvent[]> {
    const probability = await this.#detector.probability(frame);
    const events = this.#endpointer.hear(probability);
    if (this.#endpointer.isOpen && !this.#endpointer.isSpeaking) this.#drafts.withhold();
    return events;
  }

  async #apply(events: readonly EndpointEvent[]): Promise<Confirmed[]> {
    const confirmed: Confirmed[] = [];
    for (const event of events) {
      switch (event.kind) {
        case 'opened':
          this.#drafts.open(this.#sampleOf(event.startFrame));
          break;
        case 'candidate':
          this.#speculate(this.#sampleOf(event.startFrame), this.#sampleOf(event.endFrame));
          break;
        case 'questioned':
          if (await this.#isOver(event)) confirmed.push(...(await this.#apply(this.#endpointer.endHere())));
          break;
        case 'overlong':
          confirmed.push(...(await this.#apply(await this.#cutBetweenWords(event))));
          break;
        case 'withdrawn':
          this.#withdrawSpeculation();
          break;
        case 'ended':
          confirmed.push(this.#final(event));
          break;
        case 'cut':
          confirmed.push(this.#final(event));
          this.#drafts.open(this.#sampleOf(event.endFrame));
          break;
      }
    }
    return confirmed;
  }

  #final(event: { startFrame: number; endFrame: number }): Confirmed {
    const startSample = this.#sampleOf(event.startFrame);
    const endSample = this.#sampleOf(event.endFrame);
    const decode = this.#decodeFinal(startSample, endSample);
    this.#withdrawn?.cancel();
    const interimShown = this.#drafts.close();
    this.#decidedSample = endSample;
    // One more than any interim can have, which at most has heard as many frames.
    const revision = this.#endpointer.position - event.startFrame + 1;
    const decision = { kind: 'final' as const, channel: this.#channel, startSample, endSample, revision };
    return { decision, decode, interimShown };
  }

  #decodeFinal(startSample: number, endSample: number): UtteranceDecode {
    const speculation = this.#speculation;
    if (speculation && speculation.startSample === startSample && speculation.endSample === endSample) {
      this.#speculation = null;
      speculation.decode.confirm();
      return speculation.decode;
    }
    this.#dropSpeculation();
    return this.#context.decodeFinal(this.#audio.slice(startSample, endSample));
  }

  /**
   * Whether the words of the would-be final end a sentence. Waits for them however long it takes, so that the answer does not
   * depend on it.
   */
  async #isOver(event: { startFrame: number; endFrame: number }): Promise<boolean> {
    // What would be asked is just what can't be decoded.
    if (this.#context.skipsNext) return true;
    const startSample = this.#sampleOf(event.startFrame);
    const endSample = this.#sampleOf(event.endFrame);
    // None after a restart in the middle of the silence, nor where nothing is decoded ahead.
    this.#speculation ??= {
      startSample,
      endSample,
      decode: this.#context.decodeFinal(this.#audio.slice(startSample, endSample)),
    };
    this.#speculation.decode.confirm();
    const hypothesis = await this.#wordsOf(this.#speculation.decode);
    return hypothesis !== null && isSentenceOver(hypothesis);
  }

  /** Waits for the words that tell where, however long they take. */
  async #cutBetweenWords(event: { startFrame: number; endFrame: number }): Promise<EndpointEvent[]> {
    if (this.#context.skipsNext) return this.#endpointer.cutAt(null);
    const startSample = this.#sampleOf(event.startFrame);
    const decodedUpTo = new Map<number, UtteranceDecode>();
    const frame = await cutBetweenWords(this.#endpointer, event, (startFrame, endFrame) => {
      const audio = this.#audio.slice(this.#sampleOf(startFrame), this.#sampleOf(endFrame));
      const decode = this.#context.decodeFinal(audio);
      if (startFrame === event.startFrame) decodedUpTo.set(endFrame, decode);
      return this.#wordsOf(decode);
    });
    // What was decoded up to the place that is chosen is the final.
    const decode = frame === null ? undefined : decodedUpTo.get(frame);
    if (frame !== null && decode !== undefined) {
      this.#dropSpeculation();
      this.#speculation = { startSample, endSample: this.#sampleOf(frame), decode };
    }
    return this.#endpointer.cutAt(frame);
  }

  /** Hearing goes on when they are there. @returns `null` when nobody wants them any more. @throws the engine's error. */
  async #wordsOf(decode: UtteranceDecode): Promise<Hypothesis | null> {
    this.#awaited = decode;
    const outcome = await decode.untilOutcome();
    this.#awaited = null;
    if (outcome?.kind === 'failed') throw outcome.error;
    return outcome?.kind === 'decoded' ? outcome.hypothesis : null;
  }

  #speculate(startSample: number, endSample: number): void {
    this.#dropSpeculation();
    const decode = this.#context.speculate(this.#audio.slice(startSample, endSample), (hypothesis) =>
      this.#drafts.show(startSample, endSample, hypothesis),
    );
    this.#speculation = decode && { startSample, endSample, decode };
  }

  #withdrawSpeculation(): void {
    if (this.#context.settings.interimIntervalMs === 0) this.#dropSpeculation();
    this.#withdrawn?.cancel();
    this.#withdrawn = this.#speculation?.decode ?? null;
    this.#withdrawn?.withdraw();
    this.#speculation = null;
  }

  #dropSpeculation(): void {
    this.#speculation?.decode.cancel();
    this.#speculation = null;
  }

  #neverEndingSilence(): Confirmed | null {
    if (this.#endpointer.isOpen) return null;
    return this.neededSample - this.#decidedSample >= SILENCE_DECISION_SAMPLES
      ? this.#silenceTo(this.neededSample)
      : null;
  }

  #silenceTo(endSample: number): Confirmed {
    const startSample = this.#decidedSample;
    this.#decidedSample = endSample;
    const decision = { kind: 'silence' as const, channel: this.#channel, startSample, endSample, revision: 0 };
    return { decision, decode: null, interimShown: false };
  }

  #sampleOf(frame: number): number {
    return Math.min(this.#spanEndSample, this.#spanStartSample + frame * FRAME_SAMPLES);
  }
}
