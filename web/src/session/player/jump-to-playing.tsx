import { AudioLinesIcon } from 'lucide-react';
import { useStore } from '../../ui/store.ts';
import type { Playback } from './playback.ts';
import type { SpokenFollower } from './spoken-follower.ts';

/** For readers who have looked elsewhere while it plays. */
export function JumpToPlaying({
  playback,
  follower,
}: {
  readonly playback: Playback;
  readonly follower: SpokenFollower;
}) {
  const { isPlaying } = useStore(playback);
  const { isFollowing } = useStore(follower);
  if (!isPlaying || isFollowing) return null;
  return (
    <button type="button" className="button jump-to-playing" onClick={() => follower.follow()}>
      <AudioLinesIcon aria-hidden size={16} /> Jump to what is playing
    </button>
  );
}
