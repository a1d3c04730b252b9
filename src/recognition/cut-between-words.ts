import type { Endpointer, WordGap } from './endpointing.ts';
import { FRAME_SAMPLES, type Hypothesis, type HypothesisWord } from './engine.ts';

/** Places that are tried before the first one is taken as it is. */
const MOST_TRIED = 3;

interface GapBetweenWords extends WordGap {
  readonly before: HypothesisWord;
  readonly after: HypothesisWord;
}

/**
 * Where to cut an utterance that has become too long and has no pause. A dip of the voice alone may be in a word ("s-peak"), whose
 * halves are heard as something else or not at all. So it is cut between words, and the proof is in the hearing: the first place
 * at which the words before and after it are still the same when the parts are decoded on their own.
 *
 * @param decode the words of a range of frames; `null` when they are not wanted any more.
 * @returns the frame with which the next utterance begins; `null` when the words tell nothing, or nobody wants to know any more.
 */
export async function cutBetweenWords(
  endpointer: Pick<Endpointer, 'cutsIn'>,
  { startFrame, endFrame }: { readonly startFrame: number; readonly endFrame: number },
  decode: (startFrame: number, endFrame: number) => Promise<Hypothesis | null>,
): Promise<number | null> {
  const whole = await decode(startFrame, endFrame);
  if (whole === null) return null;
  const places = endpointer.cutsIn(gapsBetween(whole.words, startFrame)).slice(0, MOST_TRIED);
  for (const { frame, gap } of places) {
    const before = await decode(startFrame, frame);
    if (before === null) return null;
    if (!isSameWord(before.words.at(-1), gap.before)) continue;
    const after = await decode(frame, endFrame);
    if (after === null) return null;
    if (isSameWord(after.words[0], gap.after)) return frame;
  }
  return places[0]?.frame ?? null;
}

/** Where one word has ended and the next one has not begun, as far as that is known. */
function gapsBetween(words: readonly HypothesisWord[], startFrame: number): GapBetweenWords[] {
  const frameOf = (sample: number) => startFrame + sample / FRAME_SAMPLES;
  return words.flatMap((before, index) => {
    const after = words[index + 1];
    if (before.endSample === null || after === undefined || after.startSample === null) return [];
    return [{ fromFrame: frameOf(before.endSample), toFrame: frameOf(after.startSample), before, after }];
  });
}

/** But for case and punctuation, which change at the beginning and the end of an utterance. */
function isSameWord(one: HypothesisWord | undefined, other: HypothesisWord): boolean {
  return one !== undefined && lettersOf(one) === lettersOf(other);
}

function lettersOf({ text }: HypothesisWord): string {
  return text.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '');
}
