import { CircleCheckIcon, HourglassIcon, PauseIcon, PlayIcon, SquareIcon, TriangleAlertIcon } from 'lucide-react';
import { useCallback, useEffect, useRef } from 'react';
import { Link } from 'wouter';
import { useRecording } from '../recording/context.ts';
import { durabilityOf } from '../recording/durability.ts';
import type { RecorderState } from '../recording/recorder.ts';
import { useStore } from '../ui/store.ts';
import { clock } from '../ui/words.ts';
import { LevelMeter } from './level-meter.tsx';

const SIGNS = { safe: CircleCheckIcon, waiting: HourglassIcon, lost: TriangleAlertIcon } as const;

/** What can be done with the recording that is under way, and how it stands. */
export function ControlBar({ deviceId }: { readonly deviceId: string | null }) {
  const { recorder } = useRecording();
  const state = useStore(recorder);
  const { phase, status } = state;
  const level = useCallback(() => recorder.level(), [recorder]);
  const bar = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // What was pressed may be gone: whoever goes on by keyboard goes on here.
    if (document.activeElement === document.body) bar.current?.focus({ preventScroll: true });
  }, [phase]);
  return (
    <div ref={bar} className="control-bar" data-phase={phase} role="group" aria-label="This recording" tabIndex={-1}>
      <div className="time">
        <span className="dot" aria-hidden />
        <span className="figures timer" role="timer" aria-label="Recorded">
          {clock(status?.writtenMs ?? 0)}
        </span>
        {phase === 'recording' && <LevelMeter level={level} />}
      </div>
      <DurabilityWords state={state} />
      <div className="actions">
        {phase === 'recording' && (
          <button type="button" className="button" onClick={() => void recorder.pause()}>
            <PauseIcon aria-hidden size={18} /> Pause
          </button>
        )}
        {phase === 'paused' && (
          <button type="button" className="button" onClick={() => void recorder.resume(deviceId)}>
            <PlayIcon aria-hidden size={18} /> Go on
          </button>
        )}
        {(phase === 'recording' || phase === 'paused') && (
          <button type="button" className="button primary" onClick={() => void recorder.stop()}>
            <SquareIcon aria-hidden size={16} /> Stop
          </button>
        )}
        {(phase === 'over' || phase === 'failed') && <AfterTheEnd sessionId={state.sessionId} />}
      </div>
    </div>
  );
}

function AfterTheEnd({ sessionId }: { readonly sessionId: string | null }) {
  const { recorder } = useRecording();
  return (
    <>
      <button type="button" className="button" onClick={() => recorder.reset()}>
        New recording
      </button>
      {sessionId !== null && (
        <Link className="button primary" href={`/sessions/${encodeURIComponent(sessionId)}`}>
          Open the transcript
        </Link>
      )}
    </>
  );
}

function DurabilityWords({ state: { phase, status, setback, isKept } }: { readonly state: RecorderState }) {
  if (status === null) return <p className="durability" role="status" />;
  const durability = durabilityOf(status, isKept);
  const { state, words } = phase === 'over' ? { state: 'safe' as const, words: 'Finished, all saved' } : durability;
  const Sign = SIGNS[state];
  return (
    <p className="durability" role="status" data-state={state} title={setback ?? undefined}>
      <Sign aria-hidden size={16} />
      {phase === 'ending' && 'Finishing. '}
      {phase === 'paused' && 'Paused. '}
      {words}
    </p>
  );
}
