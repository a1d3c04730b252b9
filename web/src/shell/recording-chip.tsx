import { Link, useLocation } from 'wouter';
import { useRecording } from '../recording/context.ts';
import { useStore } from '../ui/store.ts';
import { clock } from '../ui/words.ts';

const WORDS = { starting: 'Starting', recording: 'Recording', paused: 'Paused', ending: 'Finishing' } as const;

/** While something is recorded and another page is looked at: the way back. */
export function RecordingChip() {
  const { phase, status } = useStore(useRecording().recorder);
  const [place] = useLocation();
  if (place === '/live' || !(phase in WORDS)) return null;
  return (
    <Link href="/live" className="recording-chip" data-phase={phase}>
      <span className="dot" aria-hidden />
      {WORDS[phase as keyof typeof WORDS]} <span className="figures">{clock(status?.writtenMs ?? 0)}</span>
    </Link>
  );
}
