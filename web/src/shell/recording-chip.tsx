import { Link, useLocation } from 'wouter';
import { useRecording } from '../recording/context.ts';
import type { RecorderPhase } from '../recording/recorder.ts';
import { useStore } from '../ui/store.ts';
import { clock } from '../ui/words.ts';

const WORDS: Partial<Record<RecorderPhase, string>> = {
  starting: 'Starting',
  recording: 'Recording',
  paused: 'Paused',
  ending: 'Finishing',
};

/** While something is recorded and another page is looked at: the way back. */
export function RecordingChip() {
  const { phase, status } = useStore(useRecording().recorder);
  const [place] = useLocation();
  const words = WORDS[phase];
  if (place === '/live' || words === undefined) return null;
  return (
    <Link href="/live" className="recording-chip" data-phase={phase}>
      <span className="dot" aria-hidden />
      <span className="words">{words}</span> <span className="figures">{clock(status?.writtenMs ?? 0)}</span>
    </Link>
  );
}
