import { SquareIcon } from 'lucide-react';
import { Link } from 'wouter';
import { useRecording } from '../recording/context.ts';
import { ProblemCard } from '../ui/problem-card.tsx';
import { useStore } from '../ui/store.ts';
import { clock } from '../ui/words.ts';
import { Captions } from './captions.tsx';

/** How far the transcription of a file is, and its words as they come. */
export function FileProgress() {
  const { file } = useRecording();
  const { phase, name, doneMs, totalMs, sessionId, isCutShort, isReconnecting, problem } = useStore(file);
  return (
    <div className="live">
      <Captions transcript={file.transcript}>
        {problem === null ? (
          <p className="hint">
            {phase === 'over' ? 'No words were found in this file.' : 'The words will appear here.'}
          </p>
        ) : (
          <ProblemCard {...problem} />
        )}
      </Captions>
      <div className="control-bar">
        <div className="file-state">
          <strong>{name}</strong>
          <progress aria-label="Transcribed" max={totalMs || 1} value={phase === 'reading' ? undefined : doneMs} />
          <span role="status">
            {phase === 'reading' && 'Reading the file …'}
            {phase === 'sending' && (
              <span className="figures">
                {clock(doneMs)} of {clock(totalMs)}
                {isReconnecting && ', reconnecting'}
              </span>
            )}
            {phase === 'ending' && 'Finishing …'}
            {phase === 'over' &&
              (isCutShort ? 'Stopped. What was sent is transcribed and saved' : 'All transcribed and saved')}
            {phase === 'failed' && 'Stopped'}
          </span>
        </div>
        {phase === 'sending' && (
          <div className="actions">
            <button type="button" className="button" onClick={() => file.stop()}>
              <SquareIcon aria-hidden size={16} /> Stop
            </button>
          </div>
        )}
        {!file.isBusy && (
          <div className="actions">
            {sessionId !== null && (
              <Link className="button primary" href={`/sessions/${encodeURIComponent(sessionId)}`}>
                Open the transcript
              </Link>
            )}
            <button type="button" className="button" onClick={() => file.reset()}>
              Done
            </button>
          </div>
        )}
      </div>
    </div>
  );
}
