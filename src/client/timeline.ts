import { msToFrames } from '../audio/format.ts';

/** A place in a session: the next chunk's number, and the frame at which it begins. */
export interface QueueHead {
  readonly sequence: number;
  readonly frame: number;
}

interface Placed {
  /** Counted from the beginning of the session. */
  readonly frame: number;
  readonly frames: number;
  /** Its number among the session's chunks; `null` as long as it was never sent. */
  readonly sequence: number | null;
}

export interface AudioItem extends Placed {
  readonly kind: 'audio';
  readonly bytes: Uint8Array;
}

export interface GapItem extends Placed {
  readonly kind: 'gap';
  /** As it is declared: the server makes `frames` frames of it. */
  readonly durationMs: number;
  readonly reason: 'overflow' | 'skip' | 'server';
}

/** A stretch of the recording. */
export type TimelineItem = AudioItem | GapItem;

/** One item of several that follow each other. */
export function mergeAudio(first: AudioItem, run: readonly TimelineItem[]): AudioItem {
  const parts = run.flatMap((item) => (item.kind === 'audio' ? [item] : []));
  if (parts.length < 2) return first;
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.bytes.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part.bytes, offset);
    offset += part.bytes.length;
  }
  return { ...first, frames: parts.reduce((sum, part) => sum + part.frames, 0), bytes };
}

/** A replacement of `count` items from `index` on. */
interface GivenUp {
  readonly index: number;
  readonly count: number;
  readonly items: readonly TimelineItem[];
  /** First frame of what was lost now. */
  readonly lostFrom: number;
  readonly lostFrames: number;
  readonly lostMs: number;
}

/**
 * Gives up the audio that begins at item `start`: at least `enoughFrames` of it, or as far as the audio goes. It becomes a gap,
 * or lengthens the gap of an overflow before it. A gap has whole milliseconds, so some frames of the end may be kept.
 *
 * @param firstUnsent items below it are not touched.
 * @returns `null` when the item is no audio, or there is less than a millisecond of it.
 */
export function giveUp(
  items: readonly TimelineItem[],
  start: number,
  firstUnsent: number,
  enoughFrames: number,
  sampleRate: number,
): GivenUp | null {
  const first = items[start];
  if (first?.kind !== 'audio') return null;
  const run: AudioItem[] = [];
  for (let frames = 0; frames < enoughFrames || run.length === 0;) {
    const item = items[start + run.length];
    if (item?.kind !== 'audio') break;
    run.push(item);
    frames += item.frames;
  }
  const audio = mergeAudio(first, run);
  const before = start > firstUnsent ? items[start - 1] : undefined;
  const gap = before?.kind === 'gap' && before.reason === 'overflow' ? before : null;

  const all = (gap?.frames ?? 0) + audio.frames;
  // The longest gap that is covered by lost audio: its frames, rounded up as the server does, are not more than `all`.
  const durationMs = Math.floor((all * 1000) / sampleRate);
  const frames = msToFrames(durationMs, sampleRate);
  const lostFrames = frames - (gap?.frames ?? 0);
  if (lostFrames <= 0) return null;
  const replacement: TimelineItem[] = [
    { kind: 'gap', frame: gap?.frame ?? audio.frame, frames, sequence: null, durationMs, reason: 'overflow' },
  ];
  if (frames < all) {
    const bytes = audio.bytes.slice((audio.bytes.length / audio.frames) * lostFrames);
    replacement.push({ kind: 'audio', frame: audio.frame + lostFrames, frames: all - frames, sequence: null, bytes });
  }
  return {
    index: gap === null ? start : start - 1,
    count: run.length + (gap === null ? 0 : 1),
    items: replacement,
    lostFrom: audio.frame,
    lostFrames,
    lostMs: durationMs - (gap?.durationMs ?? 0),
  };
}
