import { z } from 'zod';

/** Milliseconds of one detector frame. */
export const FRAME_MS = 32;

/**
 * Probabilities are kept in 1/255 steps, from the first comparison on: what is saved is then exactly what was used, and a
 * restored endpointer decides like one that was never interrupted.
 */
const PROBABILITY_STEPS = 255;
const OPEN_LEVEL = Math.round(0.5 * PROBABILITY_STEPS);
const CLOSE_LEVEL = Math.round(0.35 * PROBABILITY_STEPS);

/**
 * An utterance opens when `OPENING_VOICED` of the last `OPENING_WINDOW` frames are voiced: a click is not speech, but a word
 * that stands alone ("in", "I") may have no more than three of them. What is no word is no word to the model either.
 */
const OPENING_WINDOW = 7;
const OPENING_VOICED = 3;
/** At a gap or the end there is no more to wait for: fewer voiced frames make an utterance. */
const FLUSH_VOICED = 2;
const WINDOW_MASK = (1 << OPENING_WINDOW) - 1;

/** Voiced frames of the last 768 ms that opened no utterance belong to the next one: a short word, and a hesitation after it. */
const REMEMBERED_FRAMES = 24;
const REMEMBERED_MASK = (1 << REMEMBERED_FRAMES) - 1;

/** 256 ms before the first voiced frame: soft onsets are speech before the detector is sure of it. */
const PRE_ROLL = 8;
/** 160 ms after the last frame of speech belong to the utterance. */
const POST_PAD = 5;

/** 15 s; the model reads up to about 30 s, and shorter utterances reach the reader sooner. */
export const MAX_UTTERANCE_FRAMES = 468;
/** After 10 s a pause of 192 ms is welcome. It is shorter than the decode, so such a final comes some 0.4 s after its silence. */
const LONG_UTTERANCE_FRAMES = 312;
const LONG_END_SILENCE = 6;
/** An overlong utterance is cut in its last 45 %, so that the rest is always shorter than this. */
const FIRST_CUT_FRAME = Math.floor(MAX_UTTERANCE_FRAMES * 0.55);

/** Frames count from the endpointer's first; ranges exclude `endFrame`. */
export type EndpointEvent =
  | { readonly kind: 'opened'; readonly startFrame: number }
  /** Silence has begun, and if it lasts the utterance will be exactly this. */
  | { readonly kind: 'candidate'; readonly startFrame: number; readonly endFrame: number }
  /** The utterance ends here if what was said (the candidate's words) is a whole sentence: see `endHere`. */
  | { readonly kind: 'questioned'; readonly startFrame: number; readonly endFrame: number }
  /** The speaker went on after a candidate. */
  | { readonly kind: 'withdrawn' }
  /** Too long, and without a pause at which to cut it: between which words is to be said with `cutAt`. */
  | { readonly kind: 'overlong'; readonly startFrame: number; readonly endFrame: number }
  | { readonly kind: 'ended'; readonly startFrame: number; readonly endFrame: number }
  /** Too long: ended at a pause or between words; an utterance that begins at `endFrame` is open. */
  | { readonly kind: 'cut'; readonly startFrame: number; readonly endFrame: number };

/** Between the end of a word and the start of the next one, in frames (and parts of them). */
export interface WordGap {
  readonly fromFrame: number;
  readonly toFrame: number;
}

/** How long a silence ends an utterance, ms; in steps of 32 ms. */
export interface EndSilence {
  readonly endSilenceMs: number;
  /**
   * After a sentence's end. It asks for the words of each utterance at such a silence; not shorter than `endSilenceMs`, it
   * asks for none.
   * @default endSilenceMs
   */
  readonly sentenceEndSilenceMs?: number;
}

const openStateSchema = z.object({
  startFrame: z.int().min(0),
  silentFrames: z.int().min(0),
  /** Levels from `startFrame + FIRST_CUT_FRAME - 1` on. */
  lateLevels: z.array(z.int().min(0).max(PROBABILITY_STEPS)),
});

/** What an endpointer remembers, as plain JSON. */
export const endpointerStateSchema = z.object({
  position: z.int().min(0),
  previousEnd: z.int().min(0),
  /** One bit per frame, the lowest is the latest: voiced or not. */
  recentVoiced: z.int().min(0).max(REMEMBERED_MASK),
  open: openStateSchema.nullable(),
});
export type EndpointerState = z.infer<typeof endpointerStateSchema>;

interface OpenUtterance {
  readonly startFrame: number;
  silentFrames: number;
  readonly lateLevels: number[];
}

/**
 * Finds utterances in a sequence of speech probabilities, one per 32 ms frame. Pure: its events are a function of the
 * probabilities, and of the answers to its questions, never of time or load.
 */
export class Endpointer {
  readonly #endSilence: number;
  readonly #sentenceEndSilence: number;
  readonly #postPad: number;
  #position: number;
  #previousEnd: number;
  #recentVoiced: number;
  #open: OpenUtterance | null;

  constructor({ endSilenceMs, sentenceEndSilenceMs = endSilenceMs }: EndSilence, saved: EndpointerState | null = null) {
    this.#endSilence = Math.max(1, Math.round(endSilenceMs / FRAME_MS));
    this.#sentenceEndSilence = Math.max(1, Math.round(sentenceEndSilenceMs / FRAME_MS));
    this.#postPad = Math.min(POST_PAD, this.#endSilence, this.#sentenceEndSilence);
    this.#position = saved?.position ?? 0;
    this.#previousEnd = saved?.previousEnd ?? 0;
    this.#recentVoiced = saved?.recentVoiced ?? 0;
    this.#open = saved?.open ? { ...saved.open, lateLevels: [...saved.open.lateLevels] } : null;
  }

  /** Frames heard so far. */
  get position(): number {
    return this.#position;
  }

  get isOpen(): boolean {
    return this.#open !== null;
  }

  /** True while an utterance is open and its speaker has not fallen silent. */
  get isSpeaking(): boolean {
    return this.#open !== null && this.#open.silentFrames === 0;
  }

  /** No utterance to come will begin before this frame. */
  get earliestFrameNeeded(): number {
    return this.#open ? this.#open.startFrame : this.#startOfUtterance();
  }

  /** @param probability of the next frame being speech, 0..1. */
  hear(probability: number): EndpointEvent[] {
    const level = Math.round(Math.min(1, Math.max(0, probability)) * PROBABILITY_STEPS);
    const voiced = level >= OPEN_LEVEL;
    this.#position += 1;
    this.#recentVoiced = ((this.#recentVoiced << 1) | (voiced ? 1 : 0)) & REMEMBERED_MASK;
    if (this.#open) return this.#hearOpen(this.#open, level);
    if (countBits(this.#recentVoiced & WINDOW_MASK) < OPENING_VOICED) return [];
    const startFrame = this.#startOfUtterance();
    this.#open = { startFrame, silentFrames: 0, lateLevels: [] };
    return [{ kind: 'opened', startFrame }];
  }

  /** The answer to `questioned`, before the next frame: a sentence is over, and so is the utterance. */
  endHere(): EndpointEvent[] {
    return this.#open ? [this.#end(this.#open)] : [];
  }

  /**
   * Where an `overlong` utterance can be cut: one frame for each gap that lies in its last 45 %, in the order in which the voice
   * dips, the lowest first.
   *
   * @param gaps in order.
   */
  cutsIn<Gap extends WordGap>(gaps: readonly Gap[]): { readonly frame: number; readonly gap: Gap }[] {
    const open = this.#open;
    if (!open) return [];
    const first = firstCut(open);
    return gaps
      .flatMap((gap) => {
        const indices = framesIn(gap).flatMap((frame) =>
          frame > first && frame < this.#position - 1 ? [frame - first] : [],
        );
        if (indices.length === 0) return [];
        const index = lowestDip(open.lateLevels, indices);
        return [{ frame: first + index, gap, level: weighedLevel(open.lateLevels, index) }];
      })
      .toSorted((a, b) => a.level - b.level);
  }

  /**
   * The answer to `overlong`, before the next frame. Without one it is cut where the voice dips lowest, be it in a word.
   * @param frame one of `cutsIn`; `null`: there is none.
   */
  cutAt(frame: number | null): EndpointEvent[] {
    const open = this.#open;
    return open ? [this.#cut(open, frame ?? dipIn(open))] : [];
  }

  /**
   * There is no more audio, or none that follows on this: ends what is open, and takes a few voiced frames that had not
   * opened an utterance yet for one, since a last word may be short.
   */
  flush(): EndpointEvent[] {
    if (this.#open) return [this.#end(this.#open)];
    if (countBits(this.#recentVoiced & WINDOW_MASK) < FLUSH_VOICED) return [];
    const startFrame = this.#startOfUtterance();
    this.#recentVoiced = 0;
    this.#previousEnd = this.#position;
    return [
      { kind: 'opened', startFrame },
      { kind: 'ended', startFrame, endFrame: this.#position },
    ];
  }

  save(): EndpointerState {
    return {
      position: this.#position,
      previousEnd: this.#previousEnd,
      recentVoiced: this.#recentVoiced,
      open: this.#open ? { ...this.#open, lateLevels: [...this.#open.lateLevels] } : null,
    };
  }

  #hearOpen(open: OpenUtterance, level: number): EndpointEvent[] {
    const length = this.#position - open.startFrame;
    if (length >= FIRST_CUT_FRAME) open.lateLevels.push(level);

    if (level >= OPEN_LEVEL) {
      const wasCandidate = open.silentFrames >= this.#postPad;
      open.silentFrames = 0;
      const events: EndpointEvent[] = wasCandidate ? [{ kind: 'withdrawn' }] : [];
      if (length >= MAX_UTTERANCE_FRAMES) events.push(this.#tooLong(open, length));
      return events;
    }
    // Between the two levels it stays what it was: silence that began, or speech.
    if (level < CLOSE_LEVEL || open.silentFrames > 0) open.silentFrames += 1;

    const silenceNeeded =
      length > LONG_UTTERANCE_FRAMES ? Math.min(LONG_END_SILENCE, this.#endSilence) : this.#endSilence;
    if (open.silentFrames >= silenceNeeded) return [this.#end(open)];
    if (length >= MAX_UTTERANCE_FRAMES) return [this.#tooLong(open, length)];
    const { startFrame, silentFrames } = open;
    const endFrame = this.#position - silentFrames + this.#postPad;
    const events: EndpointEvent[] = [];
    if (silentFrames === this.#postPad) events.push({ kind: 'candidate', startFrame, endFrame });
    if (silentFrames === this.#sentenceEndSilence) events.push({ kind: 'questioned', startFrame, endFrame });
    return events;
  }

  #end(open: OpenUtterance): EndpointEvent {
    const speechEnd = this.#position - open.silentFrames;
    // The frame behind a question that nobody answered may be one too many.
    const endFrame = Math.min(this.#position, speechEnd + this.#postPad, open.startFrame + MAX_UTTERANCE_FRAMES);
    this.#open = null;
    this.#recentVoiced = 0;
    this.#previousEnd = endFrame;
    return { kind: 'ended', startFrame: open.startFrame, endFrame };
  }

  #tooLong(open: OpenUtterance, length: number): EndpointEvent {
    const dip = dipIn(open);
    const index = dip - firstCut(open);
    // One frame may be the closure of a consonant. And a question that was not answered is not asked again.
    const isPause = open.lateLevels.slice(index - 1, index + 2).every((level) => level < CLOSE_LEVEL);
    if (isPause || length > MAX_UTTERANCE_FRAMES) return this.#cut(open, dip);
    return { kind: 'overlong', startFrame: open.startFrame, endFrame: this.#position };
  }

  #cut(open: OpenUtterance, dip: number): EndpointEvent {
    // The dip lies in a silence that lasts: nothing has been said after it, so nothing goes on.
    if (dip >= this.#position - open.silentFrames) return this.#end(open);
    this.#open = { startFrame: dip, silentFrames: open.silentFrames, lateLevels: [] };
    this.#previousEnd = dip;
    return { kind: 'cut', startFrame: open.startFrame, endFrame: dip };
  }

  /** Where an utterance would begin that is not open yet. */
  #startOfUtterance(): number {
    const framesSinceFirstVoiced = 32 - Math.clz32(this.#recentVoiced);
    return Math.max(this.#previousEnd, this.#position - framesSinceFirstVoiced - PRE_ROLL);
  }
}

/** Frames that begin in a gap, or nearest to it. */
function framesIn({ fromFrame, toFrame }: WordGap): number[] {
  const first = Math.ceil(fromFrame);
  const count = Math.floor(toFrame) - first + 1;
  return count > 0 ? Array.from({ length: count }, (_, i) => first + i) : [Math.round((fromFrame + toFrame) / 2)];
}

/** The frame of `lateLevels[0]`. */
function firstCut(open: OpenUtterance): number {
  return open.startFrame + FIRST_CUT_FRAME - 1;
}

function dipIn(open: OpenUtterance): number {
  const inner = open.lateLevels.map((_, index) => index).slice(1, -1);
  return firstCut(open) + lowestDip(open.lateLevels, inner);
}

/** The one with the lowest level; of equals the latest. */
function lowestDip(levels: readonly number[], indices: readonly number[]): number {
  let lowest = Infinity;
  let lowestIndex = 1;
  for (const index of indices) {
    const level = weighedLevel(levels, index);
    if (level <= lowest) {
      lowest = level;
      lowestIndex = index;
    }
  }
  return lowestIndex;
}

/** With its neighbours, 1 : 2 : 1. */
function weighedLevel(levels: readonly number[], index: number): number {
  return (levels[index - 1] ?? 0) + 2 * (levels[index] ?? 0) + (levels[index + 1] ?? 0);
}

function countBits(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}
