import type { FailureBlame } from '../recognition/recogniser.ts';

/**
 * How a stream is to be opened after others have failed at the same place:
 *
 * - `shared`: like any other;
 * - `isolated`: in a process of its own, so that it is certain whose failure it is;
 * - `skip`: in a process of its own, and the next utterance is not decoded;
 * - `omit`: in a process of its own, and the audio that was given up is left out.
 */
export type AttemptMode = 'shared' | 'isolated' | 'skip' | 'omit';

export interface Attempt {
  readonly mode: AttemptMode;
  /** Before the stream is opened, in milliseconds. */
  readonly pauseMs: number;
  /** The audio that the stream was given before it failed is given up now. */
  readonly givesUp: boolean;
}

/** How often each way may fail for a reason that can lie in the audio before the next one is tried. */
const TRIES: Record<AttemptMode, number> = { shared: 2, isolated: 3, skip: 2, omit: 1 };
const NEXT_MODE: Record<AttemptMode, AttemptMode> = {
  shared: 'isolated',
  isolated: 'skip',
  skip: 'omit',
  omit: 'omit',
};
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;

/**
 * What becomes of audio on which the recogniser fails again and again: it is tried alone, and in the end given up, so that one
 * bad stretch neither ends a session nor takes the processes of other sessions down for ever. Failures that say nothing about
 * the audio (a process killed from outside) never lead there.
 */
export class RecognitionAttempts {
  #mode: AttemptMode = 'shared';
  /** In the present mode, for reasons that can lie in the audio. */
  #suspicious = 0;
  #inARow = 0;

  get mode(): AttemptMode {
    return this.#mode;
  }

  /** Failures since something was last decided. */
  get failures(): number {
    return this.#inARow;
  }

  /** Something was decided: the place is passed, and what comes is tried like any other audio. */
  passed(): void {
    this.#mode = 'shared';
    this.#suspicious = 0;
    this.#inARow = 0;
  }

  /** A stream failed. @returns how the next one is to be opened. */
  failed(blame: FailureBlame): Attempt {
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** this.#inARow, LONGEST_PAUSE_MS);
    this.#inARow += 1;
    if (blame !== 'outside') this.#suspicious += 1;
    if (this.#suspicious >= TRIES[this.#mode]) {
      this.#mode = NEXT_MODE[this.#mode];
      this.#suspicious = 0;
    }
    return { mode: this.#mode, pauseMs, givesUp: this.#mode === 'omit' && blame !== 'outside' };
  }
}
