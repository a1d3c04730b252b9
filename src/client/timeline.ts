import { msToFrames } from '../audio/format.ts';

/** A place in a session: the next chunk's number, and the frame at which it begins. */
export interface QueueHead {
  readonly sequence: number;
  readonly frame: number;
}

/** What a piece of a container is to those around it. */
interface ContainerPart {
  /** It has headers that what follows can't be read without. */
  readonly beginsStream: boolean;
  /** It goes on with what the piece before it has begun: neither is of use without the other. */
  readonly continues: boolean;
  /** Of a frame, where it is made of samples alone and may be cut behind any; `null`: it is made of packets. */
  readonly frameBytes: number | null;
}

/** Audio as it is kept and sent. */
export interface AudioPiece {
  readonly bytes: Uint8Array;
  /** That the server will find in it, at least 1. */
  readonly frames: number;
  /** Absent: whole frames of samples. */
  readonly container?: ContainerPart;
}

interface Placed {
  /** Counted from the beginning of the session. */
  readonly frame: number;
  readonly frames: number;
  /** Its number among the session's chunks; `null` as long as it was never sent. */
  readonly sequence: number | null;
}

export interface AudioItem extends Placed, AudioPiece {
  readonly kind: 'audio';
}

export interface GapItem extends Placed {
  readonly kind: 'gap';
  /** As it is declared: the server makes `frames` frames of it, or less than a millisecond fewer where packets were lost. */
  readonly durationMs: number;
  readonly reason: 'overflow' | 'skip' | 'server';
}

/** A stretch of the recording. */
export type TimelineItem = AudioItem | GapItem;

/** One item of several that follow each other. */
export function mergeAudio(first: AudioItem, run: readonly AudioItem[]): AudioItem {
  if (run.length < 2) return first;
  const bytes = joinBytes(run.map((part) => part.bytes));
  return { ...first, frames: totalFrames(run), bytes };
}

export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

/** How much is to be given up at a time, at least; less where less can be. */
interface Enough {
  readonly frames: number;
  readonly bytes: number;
}

/** A replacement of `count` items from `index` on. */
interface GivenUp {
  readonly index: number;
  readonly count: number;
  readonly items: readonly TimelineItem[];
  /** First frame of what was lost now. */
  readonly lostFrom: number;
  readonly lostFrames: number;
  readonly lostBytes: number;
  readonly lostMs: number;
}

/**
 * Gives up the audio that begins at item `start`, until it is enough, or as far as the audio goes. It becomes a gap, or
 * lengthens the gap of an overflow before it. A gap has whole milliseconds: of samples, some frames of the end may be kept.
 *
 * @param firstUnsent items below it are not touched.
 * @returns `null` when the item can't be given up, or there is less than a millisecond of it.
 */
export function giveUp(
  items: readonly TimelineItem[],
  start: number,
  firstUnsent: number,
  enough: Enough,
  sampleRate: number,
): GivenUp | null {
  const run = dispensableRun(items, start, enough);
  const [first] = run;
  if (first === undefined) return null;
  const before = start > firstUnsent ? items[start - 1] : undefined;
  const gap = before?.kind === 'gap' && before.reason === 'overflow' ? before : null;

  const frames = totalFrames(run);
  const all = (gap?.frames ?? 0) + frames;
  // The longest gap that is covered by lost audio: its frames, rounded up as the server does, are not more than `all`.
  const durationMs = Math.floor((all * 1000) / sampleRate);
  const lostMs = durationMs - (gap?.durationMs ?? 0);
  const keptFrames = isSplittable(run) ? all - msToFrames(durationMs, sampleRate) : 0;
  const lostFrames = frames - keptFrames;
  if (lostMs < 1 || lostFrames < 1) return null;
  const replacement: TimelineItem[] = [
    {
      kind: 'gap',
      frame: gap?.frame ?? first.frame,
      frames: all - keptFrames,
      sequence: null,
      durationMs,
      reason: 'overflow',
    },
  ];
  const audio = mergeAudio(first, run);
  let lostBytes = audio.bytes.length;
  if (keptFrames > 0) {
    const bytes = audio.bytes.slice((audio.bytes.length / frames) * lostFrames);
    lostBytes -= bytes.length;
    replacement.push({ ...first, frame: first.frame + lostFrames, frames: keptFrames, bytes });
  }
  return {
    index: gap === null ? start : start - 1,
    count: run.length + (gap === null ? 0 : 1),
    items: replacement,
    lostFrom: first.frame,
    lostFrames,
    lostBytes,
    lostMs,
  };
}

/** Audio from `start` on that can be given up, as much as is enough. */
function dispensableRun(items: readonly TimelineItem[], start: number, enough: Enough): AudioItem[] {
  const run: AudioItem[] = [];
  let frames = 0;
  let bytes = 0;
  while (run.length === 0 || (frames < enough.frames && bytes < enough.bytes)) {
    const unit = unitAt(items, start + run.length);
    const isFirst = run.length === 0;
    const [first] = unit;
    if (first === undefined || (isFirst && first.container?.continues === true)) break;
    if (isNeeded(items, first, start + run.length + unit.length)) break;
    for (const item of unit) {
      run.push(item);
      frames += item.frames;
      bytes += item.bytes.length;
    }
  }
  return run;
}

/** The audio at `index`, with the pieces that go on with it. */
function unitAt(items: readonly TimelineItem[], index: number): AudioItem[] {
  const unit: AudioItem[] = [];
  for (let at = index; ; at++) {
    const item = items[at];
    if (item?.kind !== 'audio' || (unit.length > 0 && item.container?.continues !== true)) return unit;
    unit.push(item);
  }
}

/** Headers are, until the next ones follow at once. @param behind the index behind it */
function isNeeded(items: readonly TimelineItem[], item: AudioItem, behind: number): boolean {
  if (item.container?.beginsStream !== true) return false;
  for (let index = behind; index < items.length; index++) {
    const next = items[index];
    if (next?.kind === 'audio') return next.container?.beginsStream !== true;
  }
  return true;
}

/** Whether it may be cut behind any frame. */
function isSplittable(run: readonly AudioItem[]): boolean {
  const frameBytes = run[0]?.container?.frameBytes;
  return run.every(({ container }) => container?.frameBytes === frameBytes) && frameBytes !== null;
}

function totalFrames(run: readonly AudioItem[]): number {
  return run.reduce((sum, item) => sum + item.frames, 0);
}
