import { TIMELINE_RATE } from '../recogniser.ts';
import { alignTokens, type Attention, type FrameRange } from './alignment.ts';
import { findPauses, type SampleRange } from './pauses.ts';

/** Tokens of a word, `[first, last]`, counted from the first of the text; punctuation is left out. */
export interface TokenRange {
  readonly first: number;
  readonly last: number;
}

/** A word that begins this near to a pause begins when it ends: attention is less exact than the energy (130 ms). */
export const SNAP_SAMPLES = 0.13 * TIMELINE_RATE;
/** A word on whose frames the decoder never looked with more weight than this (of 1 over the whole audio) has no known time. */
export const MIN_ATTENTION = 0.02;
/** No word ends sooner after its start (10 ms). */
const MIN_WORD_SAMPLES = 0.01 * TIMELINE_RATE;

/**
 * When words were spoken, in samples of the decoded audio. Times never go back, words do not overlap, all lie within the
 * audio, and the same attention and audio give the same times.
 *
 * @param words in order, without a token in common.
 * @returns as many times as words; `null` for a word that the decoder wrote without looking at the audio.
 */
export function wordTimes(
  attention: Attention,
  words: readonly TokenRange[],
  audio: Float32Array,
): (SampleRange | null)[] {
  const tokens = alignTokens(attention);
  if (tokens === null) return words.map(() => null);
  const sampleOf = (frame: number): number =>
    Math.min(audio.length, Math.round((frame * attention.samples) / attention.frames));
  const heard = words.map(({ first, last }) => ({
    start: sampleOf(tokens[first]?.start ?? 0),
    end: sampleOf(tokens[last]?.end ?? 0),
  }));
  const snapped = snapToPauses(heard, findPauses(audio), audio.length);
  return snapped.map((time, index) => {
    const range = words[index];
    return range && time.end > time.start && isHeard(attention, tokens, range) ? time : null;
  });
}

/**
 * Moves the bounds of words to where the sound begins and ends. Beside a pause it shows exactly where that is, and the
 * alignment, which gives every frame to some token, has put the pause into one of the words around it.
 *
 * @param words in order, each starting after the one before.
 * @param pauses in order.
 * @param samples length of the audio.
 */
export function snapToPauses(
  words: readonly SampleRange[],
  pauses: readonly SampleRange[],
  samples: number,
): SampleRange[] {
  const starts = words.map(({ start }) => start);
  for (const pause of pauses) {
    if (pause.end >= samples) continue;
    const nearest = nearestStart(starts, pause);
    if (nearest !== null) starts[nearest] = pause.end;
  }
  return words.map((word, index) => {
    const start = starts[index] ?? word.start;
    const until = starts[index + 1] ?? samples;
    // The first pause that the word reaches into or, by a little, over.
    const pause = pauses.find(
      (each) => start < each.start && each.start < word.end && word.end <= each.end + SNAP_SAMPLES,
    );
    const end = pause === undefined ? word.end : pause.start;
    return { start, end: Math.min(Math.max(end, start + MIN_WORD_SAMPLES), until) };
  });
}

/** The word that starts within the pause or nearest to it, the last of several; `null` when none is near. */
function nearestStart(starts: readonly number[], pause: SampleRange): number | null {
  let nearest: number | null = null;
  let least = SNAP_SAMPLES;
  for (const [index, start] of starts.entries()) {
    const distance = Math.max(0, pause.start - start, start - pause.end);
    if (distance <= least) {
      nearest = index;
      least = distance;
    }
  }
  return nearest;
}

function isHeard({ weights }: Attention, tokens: readonly FrameRange[], { first, last }: TokenRange): boolean {
  return tokens
    .slice(first, last + 1)
    .some(({ start, end }, index) =>
      weights[first + index]?.subarray(start, end).some((weight) => weight >= MIN_ATTENTION),
    );
}
