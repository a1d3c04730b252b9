import { ProblemCard } from '../ui/problem-card.tsx';
import { dateTime } from '../ui/words.ts';
import { accountOf, figuresOf } from './account.ts';
import type { SessionFacts } from './session-queries.ts';
import { StatusBadge } from './status-badge.tsx';

const ENDS: Record<string, string> = {
  IDLE_TIMEOUT: 'Ended because no audio came for a while',
  MAX_DURATION: 'Ended at the longest duration that the server allows',
};

interface SessionAccountProps {
  readonly session: SessionFacts;
  readonly isReconnecting: boolean;
}

/** When it was, what became of its sound, its figures, and what is wrong with it. */
export function SessionAccount({ session, isReconnecting }: SessionAccountProps) {
  const end = ENDS[session.endReason ?? ''];
  return (
    <div className="account">
      <p>
        <StatusBadge status={session.status} /> <time dateTime={session.createdAt}>{dateTime(session.createdAt)}</time>
        {end !== undefined && `. ${end}.`}
        <span role="status">{isReconnecting && ' Connection lost, trying again …'}</span>
      </p>
      <p className="figures">{accountOf(session)}</p>
      {session.statistics.totalSegments > 0 && <p className="figures">{figuresOf(session.statistics)}</p>}
      {session.recordingRemovedAt !== null && (
        <p>
          The recording was removed on{' '}
          <time dateTime={session.recordingRemovedAt}>{dateTime(session.recordingRemovedAt)}</time>, because it was old
          enough. Its words are kept.
        </p>
      )}
      {session.warnings.map(({ code, message }) => (
        <ProblemCard key={code} title="Something is wrong with this session" advice={message} />
      ))}
    </div>
  );
}
