import { useEffect, useRef, useState, type ReactNode } from 'react';
import { DeleteDialog, RenameDialog } from '../session/session-dialogs.tsx';
import type { ListedSession, SessionList } from './session-list.ts';

interface SessionActions {
  readonly rename: (session: ListedSession) => void;
  readonly remove: (session: ListedSession) => void;
  /** What asks for the new name, or whether it is meant. */
  readonly dialog: ReactNode;
}

/** Renaming and deleting the sessions of a list. */
export function useSessionActions(list: SessionList): SessionActions {
  const [asked, setAsked] = useState<{ readonly what: 'rename' | 'delete'; readonly session: ListedSession } | null>(
    null,
  );
  const close = () => setAsked(null);
  const neighbour = useRef<HTMLElement | null>(null);
  useEffect(() => {
    if (asked !== null) return;
    neighbour.current?.focus();
    neighbour.current = null;
  }, [asked]);
  const removed = ({ id }: ListedSession) => {
    neighbour.current = neighbourOf(id);
    list.remove(id);
  };
  return {
    rename: (session) => setAsked({ what: 'rename', session }),
    remove: (session) => setAsked({ what: 'delete', session }),
    dialog: asked !== null && (
      <>
        {asked.what === 'rename' && (
          <RenameDialog
            session={asked.session}
            onClose={close}
            onRenamed={(title) => list.rename(asked.session.id, title)}
          />
        )}
        {asked.what === 'delete' && (
          <DeleteDialog session={asked.session} onClose={close} onDeleted={() => removed(asked.session)} />
        )}
      </>
    ),
  };
}

/** What takes the focus when this one is gone: the next one in sight, or the one before, or all of the page. */
function neighbourOf(id: string): HTMLElement | null {
  const links = [...document.querySelectorAll<HTMLAnchorElement>('.row [data-result]')];
  const index = links.findIndex(({ pathname }) => pathname === `/sessions/${encodeURIComponent(id)}`);
  return links[index + 1] ?? links[index - 1] ?? document.querySelector('main');
}
