import type { DecodeQueue, DecodeTicket } from './decode-queue.ts';
import type { Hypothesis } from './engine.ts';

export type DecodeOutcome =
  { readonly kind: 'decoded'; readonly hypothesis: Hypothesis } | { readonly kind: 'failed'; readonly error: Error };

/** The one decode of an utterance that counts, certain or still speculative. */
export class FinalDecode {
  readonly #ticket: DecodeTicket;
  #outcome: DecodeOutcome | null = null;

  constructor(
    queue: DecodeQueue,
    job: {
      readonly urgency: 'final' | 'speculative';
      readonly audio: Float32Array;
      readonly language: string;
      /** Called when `outcome` is there. */
      readonly onOutcome: () => void;
    },
  ) {
    const settle = (outcome: DecodeOutcome): void => {
      this.#outcome = outcome;
      job.onOutcome();
    };
    this.#ticket = queue.add({
      urgency: job.urgency,
      language: job.language,
      audio: () => job.audio,
      decoded: (hypothesis) => settle({ kind: 'decoded', hypothesis }),
      failed: (error) => settle({ kind: 'failed', error }),
    });
  }

  /** `null` until the decode came to its end. */
  get outcome(): DecodeOutcome | null {
    return this.#outcome;
  }

  confirm(): void {
    this.#ticket.promote();
  }

  cancel(): void {
    this.#ticket.cancel();
  }
}
