import { useEffect, useState, type RefObject } from 'react';
import type { TranscriptStore } from '../../transcript/transcript-store.ts';
import type { TranscriptPlace } from '../transcript-panel.tsx';
import { momentOf } from './moment.ts';
import { SpokenFollower, type Timeline } from './spoken-follower.ts';

/** Marks what is spoken, and goes to the moment that the address names. @returns `null` in the moment before there is one */
export function useSpokenFollower(
  playback: Timeline | null,
  transcript: TranscriptStore,
  place: RefObject<TranscriptPlace | null>,
  isWhole: boolean,
): SpokenFollower | null {
  const [follower, setFollower] = useState<SpokenFollower | null>(null);
  useEffect(() => {
    if (playback === null || place.current === null) return;
    const made = new SpokenFollower(playback, transcript, place.current);
    const close = made.open();
    const goToLinked = () => {
      const moment = momentOf(location.hash);
      if (moment !== null) made.goTo(moment);
    };
    addEventListener('hashchange', goToLinked);
    goToLinked();
    setFollower(made);
    return () => {
      removeEventListener('hashchange', goToLinked);
      close();
    };
  }, [playback, transcript, place]);
  useEffect(() => {
    if (isWhole) follower?.noteWhole();
  }, [follower, isWhole]);
  return follower;
}
