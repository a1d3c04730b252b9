import { useEffect, useMemo } from 'react';
import { useClient } from 'urql';
import { useServer } from '../api/context.ts';
import { useStore } from '../ui/store.ts';
import { SessionList, type SessionChoice } from './session-list.ts';

/** How often sessions that run are looked at, in milliseconds. */
const RUNNING_MS = 5_000;

/**
 * A list for what was chosen; it looks again when the page is looked at again, or the server is back.
 * @param choice the same object as long as it is the same choice
 */
export function useSessionList(choice: SessionChoice): SessionList {
  const client = useClient();
  const { recoveries } = useStore(useServer());
  const list = useMemo(() => new SessionList(client, choice), [client, choice]);
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
