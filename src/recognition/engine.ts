import type { RecogniserCapabilities, RecogniserIdentity } from './recogniser.ts';

/** Samples of one detector frame: 32 ms at the timeline rate. */
export const FRAME_SAMPLES = 512;

/** Tells speech from other sound, frame by frame; one per stream and channel, since it remembers what it heard. */
export interface SpeechDetector {
  /** Probability (0..1) that the frame (`FRAME_SAMPLES` mono samples, -1..1) is speech. Frames come in order. */
  probability(frame: Float32Array): Promise<number>;
  /** What it remembers, as plain JSON; `Engine.openDetector` restores exactly that. */
  save(): unknown;
}

export interface HypothesisWord {
  readonly text: string;
  /** Samples from the start of the decoded audio; `null` where the engine does not know it. */
  readonly startSample: number | null;
  readonly endSample: number | null;
  /** 0..1, or `null`. */
  readonly confidence: number | null;
}

/** What an engine heard in one stretch of audio. An empty text: nothing was said. */
export interface Hypothesis {
  readonly text: string;
  readonly words: readonly HypothesisWord[];
  /** Mean over the words' confidences, 0..1, or `null`. */
  readonly confidence: number | null;
  /** For an interim of the same utterance that hears more of it: `DecodeOptions.seed`. Means something to this engine only. */
  readonly seed?: unknown;
  /** How sure it is that a sentence ends with the text, 0..1; absent where the engine can't tell. */
  readonly sentenceEnd?: number;
}

export interface DecodeOptions {
  readonly language: string;
  /** Interims may take short cuts that are not exact; finals are decoded alone and without any. */
  readonly purpose: 'interim' | 'final';
  /** What an earlier decode of the utterance's beginning gave; makes an interim cheaper, and is nothing to a final. */
  readonly seed?: unknown;
  /**
   * Called between the steps of a decode, if it has any. The decode waits for what it returns, since something more urgent goes
   * first; what it throws ends the decode.
   */
  readonly betweenSteps?: () => Promise<void> | undefined;
}

/** A model: detects speech and turns an utterance into words. Lives in a recogniser process; one decode at a time. */
export interface Engine {
  readonly capabilities: RecogniserCapabilities;
  readonly identity: RecogniserIdentity;
  /** @param saved what `SpeechDetector.save` gave, or `null` for a fresh one. */
  openDetector(saved: unknown): SpeechDetector;
  /** Mono audio at the timeline rate, -1..1, at most 30 s. The same audio gives the same words. */
  decode(audio: Float32Array, options: DecodeOptions): Promise<Hypothesis>;
}
