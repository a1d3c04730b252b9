import type { DecodeLine } from './decode-queue.ts';
import type { EndSilence } from './endpointing.ts';
import type { Engine, Hypothesis, SpeechDetector } from './engine.ts';
import { QueuedDecode, SKIPPED_DECODE, type UtteranceDecode } from './final-decode.ts';
import type { StreamOptions, Transcript } from './recogniser.ts';

export interface StreamSettings extends EndSilence {
  /** Audio between two interims of an utterance, ms; 0: no interims. */
  readonly interimIntervalMs: number;
}

/** What the parts of one stream share. */
export interface StreamContext {
  readonly settings: StreamSettings;
  readonly queue: DecodeLine;
  readonly language: string;
  /** Interims of the utterances to come may have been shown by an earlier stream. */
  readonly draftsShown: boolean;
  /** Whether anything is decoded that is not certain to be decided: drafts and speculation. */
  readonly decodesAhead: boolean;
  /** The next utterance is not decoded (see `StreamOptions.skipFirstUtterance`). */
  readonly skipsNext: boolean;
  openDetector(saved: unknown): SpeechDetector;
  /**
   * Of what will be an utterance if the silence that began lasts; `null`: not before it has lasted.
   * @param heard given the words when they are there, also after the speaker went on.
   */
  speculate(audio: Float32Array, heard: (hypothesis: Hypothesis) => void): UtteranceDecode | null;
  /** Of an utterance that is certain. */
  decodeFinal(audio: Float32Array): UtteranceDecode;
  showInterim(interim: Transcript): void;
  warn(message: string): void;
}

export function createStreamContext(options: {
  readonly engine: Engine;
  readonly settings: StreamSettings;
  readonly queue: DecodeLine;
  readonly stream: Pick<StreamOptions, 'language' | 'draftsShown' | 'isolated' | 'skipFirstUtterance'>;
  /** Called when a final's outcome is there. */
  readonly onOutcome: () => void;
  readonly showInterim: (interim: Transcript) => void;
  readonly warn: (message: string) => void;
}): StreamContext {
  const { engine, settings, queue, stream, onOutcome, showInterim, warn } = options;
  const { language, draftsShown = false, isolated = false, skipFirstUtterance = false } = stream;
  let skipsNext = skipFirstUtterance;
  // Until it is known which channel's utterance is to be skipped, none is decoded ahead: it might be that one.
  const decodesAhead = () => !isolated && !skipsNext;
  return {
    settings,
    queue,
    language,
    draftsShown,
    get decodesAhead() {
      return decodesAhead();
    },
    get skipsNext() {
      return skipsNext;
    },
    openDetector: (saved) => {
      try {
        return engine.openDetector(saved);
      } catch (error) {
        // Another model's state, after an upgrade: boundaries may move, but no audio may be lost for it.
        warn(`the speech detector's saved state can't be restored, it starts afresh: ${String(error)}`);
        return engine.openDetector(null);
      }
    },
    speculate: (audio, heard) => {
      if (!decodesAhead()) return null;
      return new QueuedDecode(queue, {
        urgency: 'speculative',
        audio,
        language,
        onOutcome: (outcome) => {
          if (outcome.kind === 'decoded') heard(outcome.hypothesis);
          onOutcome();
        },
      });
    },
    decodeFinal: (audio) => {
      if (!skipsNext) return new QueuedDecode(queue, { urgency: 'final', audio, language, onOutcome });
      skipsNext = false;
      return SKIPPED_DECODE;
    },
    showInterim,
    warn,
  };
}
