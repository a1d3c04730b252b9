import type { AudioFormat } from '../audio/format.ts';

/**
 * Samples per second of the recognition timeline. Every `*Sample` figure counts samples at this rate from the session's
 * first sample; gaps count like audio.
 */
export const TIMELINE_RATE = 16_000;

/** Milliseconds of a position on the recognition timeline, rounded down. */
export function timelineMs(sample: number): number {
  return Math.floor((sample * 1000) / TIMELINE_RATE);
}

/** What an engine can do; what it cannot is `null` in the results, never a guess. */
export interface RecogniserCapabilities {
  /** BCP 47 primary language tags, lower case, for example `en`. */
  readonly languages: readonly string[];
  readonly interims: boolean;
  readonly confidence: boolean;
  readonly wordTimes: boolean;
}

/** What decides a transcript besides the audio: stands in each journal, so that a change across a restart is seen. */
export interface RecogniserIdentity {
  readonly engine: string;
  /** SHA-256 (hex) over the model's files. */
  readonly modelHash: string;
  /** The settings that move boundaries or words. */
  readonly settings: Readonly<Record<string, number | string>>;
}

export interface RecognisedWord {
  readonly text: string;
  /** On the recognition timeline; `null` where the engine does not know it, as in interims. */
  readonly startSample: number | null;
  readonly endSample: number | null;
  /** 0..1, or `null` when the engine gives none. */
  readonly confidence: number | null;
}

/** The words of a stretch of audio `[startSample, endSample)`. */
export interface Transcript {
  readonly channel: number;
  readonly startSample: number;
  readonly endSample: number;
  readonly text: string;
  readonly words: readonly RecognisedWord[];
  /** Mean over the words' confidences, 0..1, or `null`. */
  readonly confidence: number | null;
  /**
   * Rises with the audio that was heard of the utterance (32 ms steps), so that it is the same after a recovery; a final's
   * is above those of its interims.
   */
  readonly revision: number;
}

/** Where recognition goes on after a restart, and with what state. Made by the engine, kept in the journal as it is. */
export interface ResumePoint {
  /** Source frame from which the stream must be written again. */
  readonly readFromFrame: number;
  /** Opaque to all but the engine that made it; plain JSON. */
  readonly state: unknown;
}

/**
 * Something about the timeline that will not change any more. They come one at a time, in the order of the sample at which
 * they became certain, then of channels; those of one channel in timeline order.
 */
export type Decision =
  | {
      readonly kind: 'final';
      readonly transcript: Transcript;
      /** All audio of the channel before this sample is decided. */
      readonly decidedSample: number;
      readonly resume: ResumePoint;
    }
  | {
      /** Nothing was said up to `decidedSample` (since what was decided before). */
      readonly kind: 'silence';
      readonly channel: number;
      /** How much of it was heard as an utterance, at its end, though no words were found in it; in samples. */
      readonly speechSamples: number;
      readonly decidedSample: number;
      readonly resume: ResumePoint;
    }
  | {
      /** `[startSample, endSample)` was heard as an utterance, but not decoded (see `StreamOptions.skipFirstUtterance`). */
      readonly kind: 'failed';
      readonly channel: number;
      readonly startSample: number;
      readonly endSample: number;
      readonly decidedSample: number;
      readonly resume: ResumePoint;
    }
  | {
      /**
       * The client declared that it lost `[startSample, endSample)`, of all channels, or what it sent for it can't be decoded.
       */
      readonly kind: 'gap';
      readonly startSample: number;
      readonly endSample: number;
      readonly isUndecodable: boolean;
      readonly decidedSample: number;
      readonly resume: ResumePoint;
    };

/**
 * Whose fault the end of a stream was, as far as that is known. `stream`: its own work failed. `process`: its process crashed
 * or hung while it may have worked for this stream. `outside`: its process was killed or could not be started, which says
 * nothing about the audio.
 */
export type FailureBlame = 'stream' | 'process' | 'outside';

/** A stream is dead. */
export class RecognitionFailure extends Error {
  override readonly name = 'RecognitionFailure';
  readonly blame: FailureBlame;

  constructor(message: string, blame: FailureBlame, options?: ErrorOptions) {
    super(message, options);
    this.blame = blame;
  }
}

export interface RecognitionListener {
  /** A draft of the open utterance; an empty text withdraws it (the utterance turned out to be silence). */
  onInterim(interim: Transcript): void;
  onDecision(decision: Decision): void;
  /** All audio before this source frame has been worked through (open utterances included): the measure of backlog. */
  onProgress(frame: number): void;
  /** Everything before the end was decided; the last event of a stream that was ended. */
  onEnded(resume: ResumePoint): void;
  /** The stream is dead (its process died or hung): open a new one from the last decision that was kept. */
  onFailure(failure: RecognitionFailure): void;
}

export interface StreamOptions {
  readonly sessionId: string;
  readonly format: AudioFormat;
  /** One of the engine's languages. */
  readonly language: string;
  /** `null`: from the beginning. */
  readonly resume: ResumePoint | null;
  /**
   * An earlier stream of the session may have shown drafts: those of utterances that come to nothing are withdrawn.
   * @default false
   */
  readonly draftsShown?: boolean;
  /**
   * In a process that works for no other stream, so that a failure of the process is to be blamed on this one; and nothing
   * is decoded but what is next to be decided (no interims, no speculation), so that it is that which failed. There is one
   * such process at a time, started for each stream anew: others wait until the stream ended, failed or was closed, so it
   * should be closed once it is past what made trouble.
   * @default false
   */
  readonly isolated?: boolean;
  /**
   * The first utterance that is certain is not decoded but told as `failed`: each attempt to decode it has failed.
   * @default false
   */
  readonly skipFirstUtterance?: boolean;
}

/**
 * One session's way into the recogniser. Source frames are consecutive from `resume.readFromFrame` (0 without), audio and
 * gaps together; frames before the resume point are ignored, so that whole chunks may be written.
 */
export interface RecognitionStream {
  /**
   * @param bytes samples, or of a container the packets in it (see packet-batch.ts). Packets must come from
   *   `firstFrameToDecode` of the resume point on, since decoding needs what was before it.
   */
  writeAudio(startFrame: number, bytes: Uint8Array): void;
  /** The client lost `frames` frames: the open utterance ends, the timeline goes on. */
  writeGap(startFrame: number, frames: number): void;
  /** No more audio: the open utterance ends here. `onEnded` follows. */
  end(): void;
  /** Abandons the stream; no event follows. */
  close(): void;
}

export interface Recogniser {
  readonly capabilities: RecogniserCapabilities;
  readonly identity: RecogniserIdentity;
  /** True while at least one process has its model loaded. */
  readonly ready: boolean;
  /**
   * How many live streams it can follow without falling behind: what its processes can do at most, by the audio that they
   * worked through of late (the last ten minutes of it count most), less a fifth; 1 or more. It is a mean, and holds for
   * more of the same: sessions that are mostly silent cost little, so when all begin to speak there was less room than it
   * said; and so it is when processes that share a core have not all been busy. Interims are not in it, since they give way
   * under load. `null` while less than 30 s of audio was heard.
   */
  readonly capacity: number | null;
  /**
   * Resolves when the model is loaded and warm, in all processes.
   * @throws when the model can't be loaded, for example because its files are missing or not the expected ones; not for
   *   single processes that are lost meanwhile.
   */
  start(): Promise<void>;
  openStream(options: StreamOptions, listener: RecognitionListener): RecognitionStream;
  stop(): Promise<void>;
}
