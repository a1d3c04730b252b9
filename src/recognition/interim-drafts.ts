import type { DecodeTicket } from './decode-queue.ts';
import { FRAME_MS } from './endpointing.ts';
import { FRAME_SAMPLES } from './engine.ts';
import { TIMELINE_RATE } from './recogniser.ts';
import type { SampleBuffer } from './sample-buffer.ts';
import type { StreamContext } from './stream-context.ts';
import { toTranscript, type HeardRange } from './transcript.ts';

/** Shorter than 0.4 s there is nothing worth showing. */
const MIN_DRAFT_SAMPLES = 0.4 * TIMELINE_RATE;

interface OpenDraft {
  readonly startSample: number;
  /** Up to where the latest draft heard. */
  draftedSample: number;
  shown: boolean;
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
    this.#open = { startSample, draftedSample: startSample, shown: this.#context.draftsShown, ticket: null };
  }

  /** Speech was heard up to `heardSample`: asks for a draft when it is time. */
  request(heardSample: number): void {
    this.#heardSample = heardSample;
    const open = this.#open;
    if (!open || open.ticket || this.#intervalSamples === 0 || !this.#context.decodesAhead) return;
    if (heardSample - open.draftedSample < this.#intervalSamples) return;
    if (heardSample - open.startSample < MIN_DRAFT_SAMPLES) return;
    let range: HeardRange | null = null;
    open.ticket = this.#context.queue.add({
      urgency: 'interim',
      language: this.#context.language,
      audio: () => {
        const endSample = this.#heardSample;
        open.draftedSample = endSample;
        const revision = (endSample - open.startSample) / FRAME_SAMPLES;
        range = { channel: this.#channel, startSample: open.startSample, endSample, revision };
        return this.#audio.slice(open.startSample, endSample);
      },
      decoded: (hypothesis) => {
        open.ticket = null;
        if (range === null || hypothesis.text === '') return;
        open.shown = true;
        this.#context.showInterim(toTranscript(range, hypothesis));
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

  /** The utterance is over: no draft of it will be shown. Returns whether one may have been. */
  close(): boolean {
    const open = this.#open;
    open?.ticket?.cancel();
    this.#open = null;
    return open?.shown ?? false;
  }
}
