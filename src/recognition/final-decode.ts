import type { DecodeLine, DecodeTicket } from './decode-queue.ts';
import type { Hypothesis } from './engine.ts';

export type DecodeOutcome =
  | { readonly kind: 'decoded'; readonly hypothesis: Hypothesis }
  | { readonly kind: 'failed'; readonly error: Error }
  | { readonly kind: 'skipped' };

/** The one decode of an utterance that counts, certain or still speculative. */
export interface UtteranceDecode {
  /** `null` until the decode came to its end. */
  readonly outcome: DecodeOutcome | null;
  /** Resolves when it did; to `null` when it was cancelled before. */
  untilOutcome(): Promise<DecodeOutcome | null>;
  /** What was speculative has become certain. */
  confirm(): void;
  /** What was speculative has come to nothing; if it has begun it goes on as a draft. */
  withdraw(): void;
  cancel(): void;
}

/** Of an utterance that is not decoded at all. */
export const SKIPPED_DECODE: UtteranceDecode = {
  outcome: { kind: 'skipped' },
  untilOutcome: () => Promise.resolve({ kind: 'skipped' }),
  confirm: () => {},
  withdraw: () => {},
  cancel: () => {},
};

/** One that is done, in its turn. */
export class QueuedDecode implements UtteranceDecode {
  readonly #ticket: DecodeTicket;
  #outcome: DecodeOutcome | null = null;
  readonly #settled: Promise<DecodeOutcome | null>;
  #settle: (outcome: DecodeOutcome | null) => void = () => {};

  constructor(
    queue: DecodeLine,
    job: {
      readonly urgency: 'final' | 'speculative';
      readonly audio: Float32Array;
      readonly language: string;
      /** Called when `outcome` is there. */
      readonly onOutcome: (outcome: DecodeOutcome) => void;
    },
  ) {
    this.#settled = new Promise((resolve) => {
      this.#settle = resolve;
    });
    const settle = (outcome: DecodeOutcome): void => {
      this.#outcome = outcome;
      this.#settle(outcome);
      job.onOutcome(outcome);
    };
    this.#ticket = queue.add({
      urgency: job.urgency,
      language: job.language,
      audio: () => job.audio,
      decoded: (hypothesis) => settle({ kind: 'decoded', hypothesis }),
      failed: (error) => settle({ kind: 'failed', error }),
    });
  }

  get outcome(): DecodeOutcome | null {
    return this.#outcome;
  }

  untilOutcome(): Promise<DecodeOutcome | null> {
    return this.#settled;
  }

  confirm(): void {
    this.#ticket.promote();
  }

  withdraw(): void {
    this.#ticket.demote();
  }

  cancel(): void {
    this.#ticket.cancel();
    this.#settle(null);
  }
}
