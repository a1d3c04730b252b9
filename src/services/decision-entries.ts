import { TIMELINE_RATE, type Decision } from '../recognition/recogniser.ts';
import type { AudioEvidence, JournalEntry } from './journal-entry.ts';

interface SampleRange {
  readonly startSample: number;
  readonly endSample: number;
}

/**
 * Parts of a session's audio that the recogniser never got, though they had been acknowledged: damaged records, and what it
 * fails on each time. To the recogniser they are gaps; the journal calls them failed.
 */
export class WithheldAudio {
  readonly #rate: number;
  readonly #ranges: SampleRange[] = [];

  /** @param rate source frames per second */
  constructor(rate: number) {
    this.#rate = rate;
  }

  /** A stretch in source frames. */
  add(startFrame: number, frames: number): void {
    const range = { startSample: this.#sampleOf(startFrame), endSample: this.#sampleOf(startFrame + frames) };
    const known = this.#ranges.some(
      (other) => other.startSample <= range.startSample && range.endSample <= other.endSample,
    );
    if (!known) this.#ranges.push(range);
  }

  touches({ startSample, endSample }: SampleRange): boolean {
    return this.#ranges.some((range) => range.startSample < endSample && startSample < range.endSample);
  }

  #sampleOf(frame: number): number {
    return sampleOf(frame, this.#rate);
  }
}

/** The position on the recognition timeline of a source frame. */
export function sampleOf(frame: number, rate: number): number {
  return Math.floor((frame * TIMELINE_RATE) / rate);
}

/** What the journal keeps of a decision. */
export function entryOf(
  decision: Decision,
  context: {
    readonly sequence: number;
    readonly audio: AudioEvidence;
    readonly withheld: WithheldAudio;
    readonly at: Date;
    /** Of a final, see `JournalEntry`. */
    readonly latencyMs: number | null;
  },
): JournalEntry {
  const { decidedSample, resume } = decision;
  const basis = { decidedSample, resume, audio: context.audio };
  switch (decision.kind) {
    case 'final':
      return {
        type: 'final',
        sequence: context.sequence,
        ...decision.transcript,
        words: [...decision.transcript.words],
        createdAt: context.at.toISOString(),
        latencyMs: context.latencyMs,
        ...basis,
      };
    case 'silence':
      return { type: 'silence', channel: decision.channel, speechSamples: decision.speechSamples, ...basis };
    case 'failed': {
      const { channel, startSample, endSample } = decision;
      return { type: 'failed', channel, startSample, endSample, ...basis };
    }
    case 'gap': {
      const stretch = { startSample: decision.startSample, endSample: decision.endSample, ...basis };
      return decision.isUndecodable || context.withheld.touches(decision)
        ? { type: 'failed', channel: null, ...stretch }
        : { type: 'gap', ...stretch };
    }
  }
}
