import { useEffect } from 'react';
import { useRecording } from '../recording/context.ts';
import { KEEPS_NOTHING } from '../recording/problems.ts';
import { usePageTitle } from '../shell/page-title.ts';
import { ProblemCard } from '../ui/problem-card.tsx';
import { useStore } from '../ui/store.ts';
import { Captions } from './captions.tsx';
import { ControlBar } from './control-bar.tsx';
import { FileProgress } from './file-progress.tsx';
import { StartForm } from './start-form.tsx';
import { Unfinished } from './unfinished.tsx';
import { useGreeting } from './use-greeting.ts';
import { useMicrophones } from './use-microphones.ts';

/** Record, and watch the words. */
export function LivePage() {
  const { recorder, file } = useRecording();
  const { phase, title, problem, isKept } = useStore(recorder);
  const filePhase = useStore(file).phase;
  const microphones = useMicrophones();
  const { refresh } = microphones;
  usePageTitle('Record');
  useGreeting();
  useEffect(() => {
    if (phase === 'recording') refresh();
  }, [phase, refresh]);

  if (filePhase !== 'idle') {
    return (
      <>
        <h1 className="visually-hidden">Transcribe a file</h1>
        <FileProgress />
      </>
    );
  }
  if (phase === 'idle') {
    return (
      <div className="page before">
        <h1>Speak, and read along</h1>
        <Unfinished deviceId={microphones.chosen} />
        <StartForm microphones={microphones} problem={problem} />
      </div>
    );
  }
  return (
    <>
      <h1 className={title === null ? 'visually-hidden' : 'live-title'}>{title ?? 'Recording'}</h1>
      {problem !== null && (
        <div className="live-problem">
          <ProblemCard {...problem} />
        </div>
      )}
      {!isKept && recorder.isBusy && (
        <div className="live-problem">
          <ProblemCard {...KEEPS_NOTHING} />
        </div>
      )}
      <div className="live">
        <Captions transcript={recorder.transcript}>
          <p className="hint">{HINTS[phase]}</p>
        </Captions>
        <ControlBar deviceId={microphones.chosen} />
      </div>
    </>
  );
}

const HINTS = {
  starting: 'Waiting for the microphone. The browser may ask whether it is allowed …',
  recording: 'Listening. Your words will appear here.',
  paused: 'Paused. Nothing is recorded.',
  ending: 'Finishing …',
  over: 'No words were found in this recording.',
  failed: '',
} as const;
