import { createFraming } from '../../../src/audio/create-framing.ts';
import { msToFrames, type AudioFormat } from '../../../src/audio/format.ts';

/** What a client sends under one sequence number. */
export type RecordingItem =
  { readonly kind: 'chunk'; readonly bytes: Buffer } | { readonly kind: 'skip'; readonly durationMs: number };

/** Something said, cut into chunks once and for all: sent again, a number names the same bytes. */
export interface Recording {
  readonly name: string;
  /** What is said in it, by channel. */
  readonly texts: readonly string[];
  readonly format: AudioFormat;
  /** Who says it, by channel; `null`: the server is not told. */
  readonly speakers: readonly (string | null)[];
  readonly items: readonly RecordingItem[];
}

/** Frames of the timeline before each item, and behind the last. */
export function framesBefore({ items, format }: Pick<Recording, 'items' | 'format'>): number[] {
  const frames = [0];
  let framing = createFraming(format);
  for (const item of items) {
    let length: number;
    if (item.kind === 'chunk') ({ frames: length, next: framing } = framing.take(item.bytes));
    else {
      length = msToFrames(item.durationMs, format.sampleRate);
      framing = framing.afterLoss(length);
    }
    frames.push((frames.at(-1) ?? 0) + length);
  }
  return frames;
}
