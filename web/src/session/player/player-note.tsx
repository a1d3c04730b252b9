import { useStore } from '../../ui/store.ts';
import type { Playback, PlaybackProblem } from './playback.ts';

const PROBLEMS: Readonly<Record<PlaybackProblem, string>> = {
  removed: 'The recording was removed. Its words are kept.',
  deleted: 'This session was deleted.',
  missing: 'The server can not read this recording now.',
  busy: 'The server is playing to many others. It goes on in a moment …',
  unreachable: 'No connection. It goes on from here when the server answers.',
  unplayable: 'This browser can not play the recording.',
  forbidden: 'The browser wants you to press Play once more.',
};

interface PlayerNoteProps {
  readonly playback: Playback;
  readonly isLive: boolean;
}

/** What there is to say about the sound, if anything. */
export function PlayerNote({ playback, isLive }: PlayerNoteProps) {
  const { problem, isPlaying, positionMs, lengthMs } = useStore(playback);
  let note = '';
  if (problem !== null) note = PROBLEMS[problem];
  else if (lengthMs === 0) note = 'Nothing to hear yet.';
  else if (isLive && !isPlaying && positionMs >= lengthMs)
    note = 'That is all up to now. Press Play when there is more.';
  return (
    <p className="player-note" role="status" data-wrong={problem !== null || undefined}>
      {note}
    </p>
  );
}
