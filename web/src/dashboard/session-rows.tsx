import { useRef } from 'react';
import { WindowVirtualizer, type WindowVirtualizerHandle } from 'virtua';
import { ProblemCard } from '../ui/problem-card.tsx';
import { useStore } from '../ui/store.ts';
import type { SessionList } from './session-list.ts';
import { SessionRow } from './session-row.tsx';
import { useSessionActions } from './use-session-actions.tsx';

/** So many rows before the end of what is loaded, the next page is asked for. */
const AHEAD = 20;
const ROW_PX = 84;

/** A whole list of sessions, however long it is. */
export function SessionRows({ list }: { readonly list: SessionList }) {
  const { sessions, hasMore, error } = useStore(list);
  const { rename, remove, dialog } = useSessionActions(list);
  const view = useRef<WindowVirtualizerHandle>(null);
  const loadAhead = () => {
    const handle = view.current;
    if (handle === null) return;
    const last = handle.findItemIndex(handle.scrollOffset + handle.viewportSize);
    if (hasMore && last + AHEAD >= sessions.length) void list.loadMore();
  };
  return (
    <>
      {error !== null && (
        <ProblemCard title="The list could not be loaded" advice={error}>
          <button type="button" className="button" onClick={() => void list.loadMore()}>
            Try again
          </button>
        </ProblemCard>
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
            onRename={() => rename(session)}
            onDelete={() => remove(session)}
          />
        )}
      </WindowVirtualizer>
      {dialog}
    </>
  );
}
