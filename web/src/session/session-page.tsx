import { PencilIcon, Trash2Icon } from 'lucide-react';
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from 'react';
import { useClient } from 'urql';
import { useLocation } from 'wouter';
import { useServer } from '../api/context.ts';
import { NothingHere } from '../shell/nothing-here.tsx';
import { usePageTitle } from '../shell/page-title.ts';
import { voiceOf } from '../transcript/segments.ts';
import { ProblemCard } from '../ui/problem-card.tsx';
import { useStore } from '../ui/store.ts';
import { nameOf } from '../ui/words.ts';
import { CopyButton } from './copy-button.tsx';
import { useEditing } from './editing/use-editing.tsx';
import { ExportMenu } from './export-menu.tsx';
import { SessionAccount } from './session-account.tsx';
import { DeleteDialog, RenameDialog } from './session-dialogs.tsx';
import { SessionFollower } from './session-follower.ts';
import type { SessionFacts } from './session-queries.ts';
import { TranscriptPanel, type TranscriptPlace } from './transcript-panel.tsx';

const Player = lazy(() => import('./player/player.tsx').catch(() => ({ default: PlayerMissing })));
const SilentMoments = lazy(() => import('./player/silent-moments.tsx').catch(() => ({ default: () => null })));

/** One session: as it is spoken while it runs, and to be read, searched and taken along afterwards. */
export function SessionPage({ id }: { readonly id: string }) {
  const client = useClient();
  const { recoveries } = useStore(useServer());
  const follower = useMemo(() => new SessionFollower(client, id), [client, id]);
  useEffect(() => follower.open(), [follower, recoveries]);
  const { phase, session, error } = useStore(follower);
  usePageTitle(session === null ? 'Recording' : nameOf(session));

  if (phase === 'missing') return <NothingHere what="recording" />;
  return (
    <div className={session !== null && hasSound(session) ? 'page with-player' : 'page'}>
      {error !== null && (
        <ProblemCard title="The recording could not be loaded" advice={error}>
          <button type="button" className="button" onClick={() => follower.open()}>
            Try again
          </button>
        </ProblemCard>
      )}
      {session === null ? (
        <h1 className="visually-hidden">Recording</h1>
      ) : (
        <SessionView session={session} follower={follower} />
      )}
    </div>
  );
}

function SessionView({ session, follower }: { readonly session: SessionFacts; readonly follower: SessionFollower }) {
  const { phase } = useStore(follower);
  const [, go] = useLocation();
  const [asked, setAsked] = useState<'rename' | 'delete' | null>(null);
  const [complaint, setComplaint] = useState<string | null>(null);
  const { channels } = session.audioFormat;
  const { tools, openIds, dialog } = useEditing(session, follower);
  const name = nameOf(session);
  const isLive = phase === 'live' || phase === 'reconnecting';
  const canBePlayed = hasSound(session);
  const place = useRef<TranscriptPlace>(null);

  const textToCopy = () =>
    follower.transcript
      .get()
      .finals.map((segment) => {
        const voice = voiceOf(segment, channels);
        return voice === null ? segment.text : `${voice}: ${segment.text}`;
      })
      .join('\n');

  return (
    <>
      <div className="page-head">
        <h1 className="anywhere">{name}</h1>
        <div className="actions">
          <button
            type="button"
            className="icon-button"
            aria-label="Rename"
            title="Rename"
            onClick={() => setAsked('rename')}
          >
            <PencilIcon aria-hidden size={18} />
          </button>
          <button
            type="button"
            className="icon-button"
            aria-label="Delete"
            title="Delete"
            onClick={() => setAsked('delete')}
          >
            <Trash2Icon aria-hidden size={18} />
          </button>
          <CopyButton text={textToCopy} onError={setComplaint} />
          <ExportMenu id={session.id} name={name} onError={setComplaint} />
        </div>
      </div>
      <SessionAccount session={session} isReconnecting={phase === 'reconnecting'} />
      {complaint !== null && (
        <p className="warning" role="alert">
          {complaint}
        </p>
      )}
      <TranscriptPanel
        transcript={follower.transcript}
        channels={channels}
        isLive={isLive}
        empty={<p className="hint">{emptyWords(phase)}</p>}
        tools={tools}
        openIds={openIds}
        canBePlayed={canBePlayed}
        ref={place}
      />
      {dialog}
      <Suspense>
        {canBePlayed ? (
          <Player
            session={session}
            transcript={follower.transcript}
            place={place}
            isLive={isLive}
            isWhole={phase === 'whole'}
          />
        ) : (
          <SilentMoments transcript={follower.transcript} place={place} isWhole={phase === 'whole'} />
        )}
      </Suspense>
      {asked === 'rename' && (
        <RenameDialog session={session} onClose={() => setAsked(null)} onRenamed={(title) => follower.rename(title)} />
      )}
      {asked === 'delete' && (
        <DeleteDialog session={session} onClose={() => setAsked(null)} onDeleted={() => go('/dashboard')} />
      )}
    </>
  );
}

function emptyWords(phase: string): string {
  if (phase === 'whole') return 'Nothing was said.';
  return phase === 'live' ? 'Nothing was said yet. Words appear here as they are spoken.' : 'Loading …';
}

/** Something was recorded, and is kept. */
function hasSound({ recordingRemovedAt, coverage }: SessionFacts): boolean {
  return recordingRemovedAt === null && coverage.receivedMs > 0;
}

function PlayerMissing() {
  return (
    <p className="hint" role="status">
      The player could not be loaded. Load the page again to hear the recording.
    </p>
  );
}
