import type { DecodeQueue } from './decode-queue.ts';
import type { Engine, SpeechDetector } from './engine.ts';
import { FinalDecode } from './final-decode.ts';
import type { Transcript } from './recogniser.ts';

export interface StreamSettings {
  /** Audio between two interims of an utterance, ms; 0: no interims. */
  readonly interimIntervalMs: number;
  /** Silence that ends an utterance, ms. */
  readonly endSilenceMs: number;
}

/** What the parts of one stream share. */
export interface StreamContext {
  readonly settings: StreamSettings;
  readonly queue: DecodeQueue;
  readonly language: string;
  /** Interims may have been shown by a process that is gone. */
  readonly resumed: boolean;
  openDetector(saved: unknown): SpeechDetector;
  decodeFinal(urgency: 'final' | 'speculative', audio: Float32Array): FinalDecode;
  showInterim(interim: Transcript): void;
  warn(message: string): void;
}

export function createStreamContext(options: {
  readonly engine: Engine;
  readonly settings: StreamSettings;
  readonly queue: DecodeQueue;
  readonly language: string;
  readonly resumed: boolean;
  /** Called when a final's outcome is there. */
  readonly onOutcome: () => void;
  readonly showInterim: (interim: Transcript) => void;
  readonly warn: (message: string) => void;
}): StreamContext {
  const { engine, settings, queue, language, resumed, onOutcome, showInterim, warn } = options;
  return {
    settings,
    queue,
    language,
    resumed,
    openDetector: (saved) => {
      try {
        return engine.openDetector(saved);
      } catch (error) {
        // Another model's state, after an upgrade: boundaries may move, but no audio may be lost for it.
        warn(`the speech detector's saved state can't be restored, it starts afresh: ${String(error)}`);
        return engine.openDetector(null);
      }
    },
    decodeFinal: (urgency, audio) => new FinalDecode(queue, { urgency, audio, language, onOutcome }),
    showInterim,
    warn,
  };
}
