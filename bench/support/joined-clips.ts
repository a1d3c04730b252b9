import { TIMELINE_RATE } from '../../src/recognition/recogniser.ts';

/** At the ends of a clip, so that cutting makes no clicks. */
const FADE_MS = 5;

/** A word that was spoken, in samples at the timeline rate. */
interface PlacedWord {
  readonly text: string;
  readonly startSample: number;
  readonly endSample: number;
}

/** A few words in a row, cut from a recording; mono at the timeline rate. */
export interface Clip {
  readonly samples: Float32Array;
  readonly words: readonly PlacedWord[];
}

/** Numbers from -1 to 1. */
type Random = () => number;

/**
 * Cuts a recording between words, so that each word is in one clip.
 *
 * @param words in order, in ms from the recording's first sample.
 * @param options.mostWords that are wanted in a clip; it has as many as a random number says, and more where there is no gap.
 * @param options.leastGapMs between words for a cut: where they run into each other, both would be harmed.
 * @param options.roomMs that a clip has around its words, as far as their neighbours leave it: their softest parts may lie beyond
 *   the times that references give. So the pauses of a recording are gone when its clips are joined without any.
 */
export function cutClips(
  recording: Float32Array,
  words: readonly { readonly text: string; readonly startMs: number; readonly endMs: number }[],
  options: {
    readonly leastWords: number;
    readonly mostWords: number;
    readonly leastGapMs: number;
    readonly roomMs: number;
    readonly random: Random;
  },
): Clip[] {
  const { leastWords, mostWords, leastGapMs, roomMs, random } = options;
  const wanted = () => Math.floor(between(random, leastWords, mostWords + 1));
  const clips: Clip[] = [];
  let first = 0;
  let count = wanted();
  for (let index = 1; index <= words.length; index++) {
    const isLast = index === words.length;
    const gapMs = (words[index]?.startMs ?? 0) - (words[index - 1]?.endMs ?? 0);
    const tooFewLeft = !isLast && words.length - index < leastWords;
    if (!isLast && (tooFewLeft || index - first < count || gapMs < leastGapMs)) continue;
    clips.push(clipOf(recording, words, { first, end: index, roomMs }));
    first = index;
    count = wanted();
  }
  return clips;
}

export interface JoinedWord extends PlacedWord {
  /** It follows on a pause (or is the very first). */
  readonly isFirst: boolean;
  /** A pause (or the end) follows on it. */
  readonly isLast: boolean;
}

/** Speech that stops and goes on. */
export interface JoinedClips {
  readonly samples: Float32Array;
  readonly words: readonly JoinedWord[];
}

/**
 * Clips one after the other, each after its pause, and nothing after the last.
 *
 * @param pausesMs before each clip.
 * @param background white noise over everything, of this amplitude, 0..1.
 */
export function joinClips(
  clips: readonly Clip[],
  pausesMs: readonly number[],
  background: { readonly amplitude: number; readonly random: Random },
): JoinedClips {
  const pauses = clips.map((_, index) => samplesOf(pausesMs[index] ?? 0));
  const length = clips.reduce((sum, clip, index) => sum + (pauses[index] ?? 0) + clip.samples.length, 0);
  const { amplitude, random } = background;
  const samples = Float32Array.from({ length }, () => (amplitude === 0 ? 0 : amplitude * random()));
  const words: JoinedWord[] = [];
  let position = 0;
  for (const [index, clip] of clips.entries()) {
    position += pauses[index] ?? 0;
    for (const [at, sample] of clip.samples.entries()) samples[position + at] = (samples[position + at] ?? 0) + sample;
    for (const [at, word] of clip.words.entries()) {
      words.push({
        text: word.text,
        startSample: position + word.startSample,
        endSample: position + word.endSample,
        isFirst: at === 0,
        isLast: at === clip.words.length - 1,
      });
    }
    position += clip.samples.length;
  }
  return { samples, words };
}

/** Pauses of 0.2 to 3 s, of which as many are shorter as longer than 0.8 s. */
export function randomPauseMs(random: Random): number {
  return 200 * 15 ** between(random, 0, 1);
}

/** A list in random order (R. A. Fisher & F. Yates, "Statistical Tables", 1938). */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const left = [...items];
  return items.flatMap(() => left.splice(Math.floor(between(random, 0, left.length)), 1));
}

function between(random: Random, low: number, high: number): number {
  return low + ((random() + 1) / 2) * (high - low);
}

function clipOf(
  recording: Float32Array,
  words: readonly { readonly text: string; readonly startMs: number; readonly endMs: number }[],
  { first, end, roomMs }: { readonly first: number; readonly end: number; readonly roomMs: number },
): Clip {
  const start = words[first]?.startMs ?? 0;
  const stop = words[end - 1]?.endMs ?? 0;
  const before = words[first - 1]?.endMs ?? -Infinity;
  const after = words[end]?.startMs ?? Infinity;
  const startSample = samplesOf(Math.max(0, start - roomMs, (before + start) / 2));
  const endSample = Math.min(recording.length, samplesOf(Math.min(stop + roomMs, (after + stop) / 2)));
  return {
    samples: faded(recording.slice(startSample, endSample)),
    words: words.slice(first, end).map(({ text, startMs, endMs }) => ({
      text,
      startSample: samplesOf(startMs) - startSample,
      endSample: Math.min(endSample, samplesOf(endMs)) - startSample,
    })),
  };
}

function faded(samples: Float32Array): Float32Array {
  const length = Math.min(samplesOf(FADE_MS), Math.floor(samples.length / 2));
  return samples.map((sample, i) => sample * Math.min(1, (i + 1) / length, (samples.length - i) / length));
}

function samplesOf(ms: number): number {
  return Math.round((ms * TIMELINE_RATE) / 1000);
}
