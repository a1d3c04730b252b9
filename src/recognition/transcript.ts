import type { Hypothesis } from './engine.ts';
import type { Transcript } from './recogniser.ts';

/** Where on the timeline a hypothesis was heard. */
export interface HeardRange {
  readonly channel: number;
  readonly startSample: number;
  readonly endSample: number;
  readonly revision: number;
}

/** A hypothesis on the timeline: its words' times count from the session's first sample and stay inside the range. */
export function toTranscript(range: HeardRange, hypothesis: Hypothesis): Transcript {
  const onTimeline = (sample: number | null): number | null =>
    sample === null ? null : Math.min(range.endSample, Math.max(range.startSample, range.startSample + sample));
  return {
    channel: range.channel,
    startSample: range.startSample,
    endSample: range.endSample,
    revision: range.revision,
    text: hypothesis.text,
    confidence: hypothesis.confidence,
    words: hypothesis.words.map((word) => ({
      text: word.text,
      startSample: onTimeline(word.startSample),
      endSample: onTimeline(word.endSample),
      confidence: word.confidence,
    })),
  };
}

/** What withdraws an interim: the utterance turned out to be silence. */
export function emptyTranscript(range: HeardRange): Transcript {
  return toTranscript(range, { text: '', words: [], confidence: null });
}
