import type { DecodeTicket } from './decode-queue.ts';
import { FRAME_MS } from './endpointing.ts';
import { FRAME_SAMPLES, type Hypothesis } from './engine.ts';
import { TIMELINE_RATE } from './recogniser.ts';
import type { SampleBuffer } from './sample-buffer.ts';
import type { StreamContext } from './stream-context.ts';
import { toTranscript } from './transcript.ts';

/** Shorter than 0.4 s there is nothing worth showing. */
const MIN_DRAFT_SAMPLES = 0.4 * TIMELINE_RATE;
/**
 * 0.77 s after the start of an utterance, of which about half a second is speech, comes its first draft: who speaks sees soon that
 * it is heard. Earlier ones are rarely right.
 */
const FIRST_DRAFT_SAMPLES = 24 * FRAME_SAMPLES;
/** 0.38 s until the next one while there are no words. */
const RETRY_SAMPLES = 12 * FRAME_SAMPLES;

interface OpenDraft {
  readonly startSample: number;
  /** Up to where the latest draft heard. */
  draftedSample: number;
  /** One has been shown by this stream. */
  hasWords: boolean;
  shown: boolean;
  /** Of the latest draft. */
  seed: unknown;
  /** At most one waits or runs: the next hears all that has come meanwhile. */
  ticket: DecodeTicket | null;
}

/** The interims of one channel's open utterance. They depend on load, and nothing that is decided depends on them. */
export class InterimDrafts {
  readonly #context: StreamContext;
  readonly #channel: number;
  readonly #audio: SampleBuffer;
  readonly #intervalSamples: number;
  #heardSample = 0;
  #open: OpenDraft | null = null;

  constructor(context: StreamContext, channel: number, audio: SampleBuffer) {
    this.#context = context;
    this.#channel = channel;
    this.#audio = audio;
    this.#intervalSamples = Math.round(context.settings.interimIntervalMs / FRAME_MS) * FRAME_SAMPLES;
  }

  open(startSample: number): void {
    this.close();
    const shown = this.#context.draftsShown;
    this.#open = { startSample, draftedSample: startSample, hasWords: false, shown, seed: null, ticket: null };
  }

  /** Speech was heard up to `heardSample`: asks for a draft when it is time. */
  request(heardSample: number): void {
    this.#heardSample = heardSample;
    const open = this.#open;
    if (!open || open.ticket || this.#intervalSamples === 0 || !this.#context.decodesAhead) return;
    if (heardSample - open.draftedSample < this.#intervalAfter(open)) return;
    if (heardSample - open.startSample < MIN_DRAFT_SAMPLES) return;
    let endSample = heardSample;
    open.ticket = this.#context.queue.add({
      urgency: 'interim',
      language: this.#context.language,
      seed: open.seed,
      audio: () => {
        endSample = this.#heardSample;
        open.draftedSample = endSample;
        return this.#audio.slice(open.startSample, endSample);
      },
      decoded: (hypothesis) => {
        open.ticket = null;
        this.#show(open, endSample, hypothesis);
      },
      failed: (error) => {
        open.ticket = null;
        this.#context.warn(`an interim could not be decoded: ${error.message}`);
      },
    });
  }

  /** Silence has begun: a draft that waits would only delay the final. One that runs may still be shown. */
  withhold(): void {
    const open = this.#open;
    if (open?.ticket?.isWaiting) {
      open.ticket.cancel();
      open.ticket = null;
    }
  }

  /** What was decoded for a final, of an utterance that is still open, is as good as any draft, and newer than those before. */
  show(startSample: number, endSample: number, hypothesis: Hypothesis): void {
    const open = this.#open;
    if (open?.startSample !== startSample || endSample <= open.draftedSample || this.#intervalSamples === 0) return;
    open.ticket?.cancel();
    open.ticket = null;
    open.draftedSample = endSample;
    this.#show(open, endSample, hypothesis);
  }

  /** The utterance is over: no draft of it will be shown. Returns whether one may have been. */
  close(): boolean {
    const open = this.#open;
    open?.ticket?.cancel();
    this.#open = null;
    return open?.shown ?? false;
  }

  #intervalAfter({ hasWords, draftedSample, startSample }: OpenDraft): number {
    if (hasWords) return this.#intervalSamples;
    return Math.min(this.#intervalSamples, draftedSample === startSample ? FIRST_DRAFT_SAMPLES : RETRY_SAMPLES);
  }

  #show(open: OpenDraft, endSample: number, hypothesis: Hypothesis): void {
    if (hypothesis.text === '') return;
    open.hasWords = true;
    open.seed = hypothesis.seed;
    open.shown = true;
    const { startSample } = open;
    const revision = (endSample - startSample) / FRAME_SAMPLES;
    this.#context.showInterim(toTranscript({ channel: this.#channel, startSample, endSample, revision }, hypothesis));
  }
}
