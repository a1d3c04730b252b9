import { useEffect, useMemo, useRef, useState } from 'react';
import { useClient } from 'urql';
import { WindowVirtualizer, type WindowVirtualizerHandle } from 'virtua';
import { Link, useSearchParams } from 'wouter';
import { useServer } from '../api/context.ts';
import { DeleteDialog, RenameDialog } from '../session/session-dialogs.tsx';
import { usePageTitle } from '../shell/page-title.ts';
import { ProblemCard } from '../ui/problem-card.tsx';
import { useStore } from '../ui/store.ts';
import { counted } from '../ui/words.ts';
import { choiceOf, readChosen, writeChosen, type Chosen } from './choice.ts';
import { Filters } from './filters.tsx';
import { SessionList, type ListedSession } from './session-list.ts';
import { SessionRow } from './session-row.tsx';
import { useSettled } from './use-settled.ts';

/** So many rows before the end of what is loaded, the next page is asked for. */
const AHEAD = 20;
const ROW_PX = 84;
/** How long a search waits for the next letter, in milliseconds. */
const TYPING_MS = 200;
/** How often sessions that run are looked at, in milliseconds. */
const RUNNING_MS = 5_000;

interface Asked {
  readonly what: 'rename' | 'delete';
  readonly session: ListedSession;
}

/** All sessions: to find, open, rename and delete. */
export function DashboardPage() {
  usePageTitle('Recordings');
  const [search, setSearch] = useSearchParams();
  const [chosen, setChosen] = useState(() => readChosen(search));
  const settled = useSettled(chosen, TYPING_MS);
  const list = useSessionList(settled);
  const { sessions, hasMore, count, error, isLoaded } = useStore(list);
  const [asked, setAsked] = useState<Asked | null>(null);
  const view = useRef<WindowVirtualizerHandle>(null);

  const change = (next: Chosen) => {
    setChosen(next);
    setSearch(writeChosen(next), { replace: true });
  };
  const loadAhead = () => {
    const handle = view.current;
    if (handle === null) return;
    const last = handle.findItemIndex(handle.scrollOffset + handle.viewportSize);
    if (hasMore && last + AHEAD >= sessions.length) void list.loadMore();
  };
  const isFiltered = writeChosen({ ...settled, order: 'newest' }).size > 0;
  const isFirstVisit = isLoaded && sessions.length === 0 && !isFiltered;

  return (
    <div className="page">
      <div className="page-head">
        <h1>Recordings</h1>
        <p role="status">
          {count !== null &&
            !isFirstVisit &&
            counted(count, isFiltered ? 'match' : 'recording', isFiltered ? 'matches' : 'recordings')}
        </p>
      </div>
      {!isFirstVisit && <Filters chosen={chosen} onChange={change} />}
      {error !== null && (
        <ProblemCard title="The list could not be loaded" advice={error}>
          <button type="button" className="button" onClick={() => void list.loadMore()}>
            Try again
          </button>
        </ProblemCard>
      )}
      {isFirstVisit && <FirstVisit />}
      {isLoaded && sessions.length === 0 && isFiltered && (
        <p className="hint">Nothing matches. Search for less, or show all.</p>
      )}
      <WindowVirtualizer
        ref={view}
        as="ul"
        item="li"
        data={sessions}
        itemSize={ROW_PX}
        onScroll={loadAhead}
        onResize={loadAhead}
      >
        {(session) => (
          <SessionRow
            key={session.id}
            session={session}
            onRename={() => setAsked({ what: 'rename', session })}
            onDelete={() => setAsked({ what: 'delete', session })}
          />
        )}
      </WindowVirtualizer>
      {asked?.what === 'rename' && (
        <RenameDialog
          session={asked.session}
          onClose={() => setAsked(null)}
          onRenamed={(title) => list.rename(asked.session.id, title)}
        />
      )}
      {asked?.what === 'delete' && (
        <DeleteDialog
          session={asked.session}
          onClose={() => setAsked(null)}
          onDeleted={() => list.remove(asked.session.id)}
        />
      )}
    </div>
  );
}

function FirstVisit() {
  return (
    <div className="first-visit">
      <p className="lead">Nothing has been recorded yet.</p>
      <p>Press Record, speak, and read along. What you say stays on this server, and you find it here.</p>
      <Link href="/live" className="button primary">
        Make the first recording
      </Link>
    </div>
  );
}

/** A list for what was chosen; it looks again when the page is looked at again, or the server is back. */
function useSessionList(chosen: Chosen): SessionList {
  const client = useClient();
  const { recoveries } = useStore(useServer());
  const list = useMemo(() => new SessionList(client, choiceOf(chosen)), [client, chosen]);
  useEffect(() => {
    void list.refresh();
    const look = () => {
      if (document.visibilityState === 'visible') void list.refresh();
    };
    const timer = setInterval(() => list.hasRunning && look(), RUNNING_MS);
    document.addEventListener('visibilitychange', look);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', look);
    };
  }, [list, recoveries]);
  return list;
}
