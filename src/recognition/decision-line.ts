import type { Confirmed } from './lane.ts';
import type { RecognitionListener, ResumePoint } from './recogniser.ts';
import { emptyTranscript, toTranscript } from './transcript.ts';

export type LineEntry =
  | { readonly kind: 'confirmed'; readonly confirmed: Confirmed; readonly resume: ResumePoint }
  | {
      readonly kind: 'gap';
      readonly startSample: number;
      readonly endSample: number;
      readonly isUndecodable: boolean;
      readonly resume: ResumePoint;
    }
  | { readonly kind: 'end'; readonly resume: ResumePoint };

/** Confirmed decisions on their way to the listener: in order of confirmation, each as soon as its words are there. */
export class DecisionLine {
  readonly #listener: RecognitionListener;
  readonly #entries: LineEntry[] = [];

  constructor(listener: RecognitionListener) {
    this.#listener = listener;
  }

  add(entry: LineEntry): void {
    this.#entries.push(entry);
  }

  /**
   * Start of the oldest stretch that is confirmed but not yet told; `null` when there is none. Of two channels' it need not be
   * the one that is told next.
   */
  get oldestSample(): number | null {
    let oldest: number | null = null;
    for (const entry of this.#entries) {
      if (entry.kind !== 'confirmed') continue;
      const { startSample } = entry.confirmed.decision;
      oldest = Math.min(oldest ?? startSample, startSample);
    }
    return oldest;
  }

  /**
   * Tells the listener the next decision, if it can be told.
   * @returns what was told.
   * @throws the engine's error when the utterance could not be decoded.
   */
  tellNext(): LineEntry | null {
    const [entry] = this.#entries;
    if (!entry) return null;
    if (entry.kind === 'confirmed' && entry.confirmed.decode && entry.confirmed.decode.outcome === null) return null;
    this.#entries.shift();
    this.#tell(entry);
    return entry;
  }

  cancel(): void {
    for (const entry of this.#entries.splice(0)) {
      if (entry.kind === 'confirmed') entry.confirmed.decode?.cancel();
    }
  }

  #tell(entry: LineEntry): void {
    switch (entry.kind) {
      case 'confirmed':
        this.#tellConfirmed(entry.confirmed, entry.resume);
        return;
      case 'gap': {
        const { startSample, endSample, isUndecodable, resume } = entry;
        const decidedSample = endSample;
        this.#listener.onDecision({ kind: 'gap', startSample, endSample, isUndecodable, decidedSample, resume });
        return;
      }
      case 'end':
        this.#listener.onEnded(entry.resume);
    }
  }

  #tellConfirmed({ decision, decode, interimShown }: Confirmed, resume: ResumePoint): void {
    const outcome = decode?.outcome ?? null;
    if (outcome?.kind === 'failed') throw outcome.error;
    const decidedSample = decision.endSample;
    if (outcome?.kind === 'decoded' && outcome.hypothesis.text !== '') {
      const transcript = toTranscript(decision, outcome.hypothesis);
      this.#listener.onDecision({ kind: 'final', transcript, decidedSample, resume });
      return;
    }
    if (interimShown) this.#listener.onInterim(emptyTranscript(decision));
    const { channel, startSample, endSample } = decision;
    if (outcome?.kind === 'skipped') {
      this.#listener.onDecision({ kind: 'failed', channel, startSample, endSample, decidedSample, resume });
      return;
    }
    const speechSamples = outcome ? endSample - startSample : 0;
    this.#listener.onDecision({ kind: 'silence', channel, speechSamples, decidedSample, resume });
  }
}
