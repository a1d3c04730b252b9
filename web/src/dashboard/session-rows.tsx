import { useEffect, useLayoutEffect, useRef } from 'react';
import { WindowVirtualizer, type WindowVirtualizerHandle } from 'virtua';
import { ProblemCard } from '../ui/problem-card.tsx';
import { useStore } from '../ui/store.ts';
import { notePlace, placeInHistory } from './list-place.ts';
import type { SessionList } from './session-list.ts';
import { SessionRow } from './session-row.tsx';
import { useSessionActions } from './use-session-actions.tsx';

/** So many rows before the end of what is loaded, the next page is asked for. */
const AHEAD = 20;
const ROW_PX = 84;
/** How long somebody must look at the same rows to find them again, in milliseconds. */
const SETTLED_MS = 150;

/** A whole list of sessions, however long it is. */
export function SessionRows({ list }: { readonly list: SessionList }) {
  const { sessions, hasMore, error } = useStore(list);
  const { rename, remove, dialog } = useSessionActions(list);
  const view = useRef<WindowVirtualizerHandle>(null);
  const goal = useRef<number | null>(null);
  const noting = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => {
    const place = placeInHistory();
    if (place > 0) {
      goal.current = place;
      void list.reachFor(place + AHEAD);
    }
    return () => clearTimeout(noting.current);
    // For the list that the page begins with; others begin at their front.
  }, []);
  useLayoutEffect(() => {
    const { current } = goal;
    if (current === null || sessions.length === 0 || (hasMore && sessions.length < current + AHEAD)) return;
    goal.current = null;
    view.current?.scrollToIndex(Math.min(current, sessions.length - 1));
  }, [sessions, hasMore]);
  const noteSettled = () => {
    clearTimeout(noting.current);
    noting.current = setTimeout(() => {
      const { current } = view;
      if (current !== null && goal.current === null)
        notePlace(Math.max(0, current.findItemIndex(current.scrollOffset)));
    }, SETTLED_MS);
  };
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
        onScroll={() => {
          loadAhead();
          noteSettled();
        }}
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
