import type { ShownSegment } from '../../transcript/segments.ts';

/** What is being spoken at a moment. */
export interface Spoken {
  /** Index of the segment. */
  readonly segment: number;
  /** Index of the word; `null` where it is not known which one it is, or the first has not begun. */
  readonly word: number | null;
}

const NOBODY: readonly Spoken[] = [];

/** Finds what is spoken at any moment, of each channel, without looking at more than a few of the segments. */
export class SpokenIndex {
  readonly #finals: readonly ShownSegment[];
  /** Of each channel, indices of its segments: on a channel, one begins after the other. */
  readonly #channels: readonly (readonly number[])[];

  constructor(finals: readonly ShownSegment[]) {
    this.#finals = finals;
    const channels = new Map<number, number[]>();
    for (const [index, { channel }] of finals.entries()) {
      const known = channels.get(channel);
      if (known === undefined) channels.set(channel, [index]);
      else known.push(index);
    }
    this.#channels = [...channels.values()];
  }

  /** @param ms of the timeline */
  at(ms: number): readonly Spoken[] {
    let spoken: Spoken[] | null = null;
    for (const channel of this.#channels) {
      const segment = channel[this.#lastBegun(channel, ms)];
      if (segment === undefined || ms >= (this.#finals[segment]?.endMs ?? 0)) continue;
      (spoken ??= []).push({ segment, word: this.#wordAt(segment, ms) });
    }
    return spoken ?? NOBODY;
  }

  /** The segment that is spoken at a moment, or the next one, or the last one; `null` when there is none at all. */
  near(ms: number): number | null {
    const [spoken] = this.at(ms);
    if (spoken !== undefined) return spoken.segment;
    const around = this.#channels.map((channel) => {
      const last = this.#lastBegun(channel, ms);
      return { last: channel[last], next: channel[last + 1] };
    });
    const byStart = (a: number, b: number) => this.#startOf(a) - this.#startOf(b);
    const [next] = around.flatMap(({ next: index }) => index ?? []).toSorted(byStart);
    return (
      next ??
      around
        .flatMap(({ last: index }) => index ?? [])
        .toSorted(byStart)
        .at(-1) ??
      null
    );
  }

  /** @returns a position in `channel`; -1 when none of it has begun */
  #lastBegun(channel: readonly number[], ms: number): number {
    return lastAtMost(channel.length, (position) => this.#startOf(channel[position]), ms);
  }

  #startOf(segment: number | undefined): number {
    return this.#finals[segment ?? -1]?.startMs ?? Infinity;
  }

  #wordAt(segment: number, ms: number): number | null {
    const words = this.#finals[segment]?.words ?? [];
    const found = lastAtMost(words.length, (index) => words[index]?.startMs ?? Infinity, ms);
    return found === -1 ? null : found;
  }
}

/** The last of so many rising values that is at most `limit`; -1 when none is. */
function lastAtMost(count: number, valueOf: (index: number) => number, limit: number): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (valueOf(middle) <= limit) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
