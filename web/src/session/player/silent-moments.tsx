import { useMemo, type RefObject } from 'react';
import type { TranscriptStore } from '../../transcript/transcript-store.ts';
import { Store } from '../../ui/store.ts';
import type { TranscriptPlace } from '../transcript-panel.tsx';
import type { Timeline } from './spoken-follower.ts';
import { useSpokenFollower } from './use-spoken-follower.ts';

export interface SilentMomentsProps {
  readonly transcript: TranscriptStore;
  readonly place: RefObject<TranscriptPlace | null>;
  readonly isWhole: boolean;
}

/** Of a transcript whose recording is not kept: links to its moments lead to what was said there. */
export default function SilentMoments({ transcript, place, isWhole }: SilentMomentsProps) {
  const timeline = useMemo(() => new SilentTimeline(), []);
  useSpokenFollower(timeline, transcript, place, isWhole);
  return null;
}

class SilentTimeline extends Store<{ readonly isPlaying: boolean }> implements Timeline {
  readonly #moved = new Set<() => void>();
  /** Before the beginning, so that nothing is marked that nobody asked for. */
  #ms = -1;

  constructor() {
    super({ isPlaying: false });
  }

  get currentMs(): number {
    return this.#ms;
  }

  seek(ms: number): void {
    this.#ms = ms;
    for (const listener of this.#moved) listener();
  }

  onMoved(listener: () => void): () => void {
    this.#moved.add(listener);
    return () => void this.#moved.delete(listener);
  }
}
