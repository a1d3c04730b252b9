import { PencilIcon, Trash2Icon } from 'lucide-react';
import { Link } from 'wouter';
import { StatusBadge } from '../session/status-badge.tsx';
import { clock, counted, dateTime, isoDuration, nameOf, percent } from '../ui/words.ts';
import type { ListedSession } from './session-list.ts';

interface SessionRowProps {
  readonly session: ListedSession;
  /** Which the name is, where it stands. */
  readonly heading?: 'h2' | 'h3';
  readonly onRename: () => void;
  readonly onDelete: () => void;
}

export function SessionRow({ session, heading: Heading = 'h2', onRename, onDelete }: SessionRowProps) {
  const { id, status, createdAt, statistics, coverage } = session;
  const name = nameOf(session);
  const confidence = percent(statistics.averageConfidence);
  return (
    <article className="row">
      <Heading>
        <Link href={`/sessions/${encodeURIComponent(id)}`} data-result="">
          {name}
        </Link>
      </Heading>
      <p className="row-facts">
        {status !== 'COMPLETED' && <StatusBadge status={status} />}
        <time dateTime={createdAt}>{dateTime(createdAt)}</time>
        <time dateTime={isoDuration(coverage.receivedMs)} className="figures">
          {clock(coverage.receivedMs)}
        </time>
        <span>{counted(statistics.wordCount, 'word')}</span>
        {confidence !== null && <span>{confidence} confidence</span>}
      </p>
      <div className="row-actions">
        <button type="button" className="icon-button" aria-label={`Rename ${name}`} title="Rename" onClick={onRename}>
          <PencilIcon aria-hidden size={18} />
        </button>
        <button type="button" className="icon-button" aria-label={`Delete ${name}`} title="Delete" onClick={onDelete}>
          <Trash2Icon aria-hidden size={18} />
        </button>
      </div>
    </article>
  );
}
