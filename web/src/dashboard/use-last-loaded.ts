import { useState } from 'react';
import { useStore, type Store } from '../ui/store.ts';

interface Loadable {
  readonly isLoaded: boolean;
  readonly error: string | null;
}

/** The list, or the one before as long as nothing of it is there: so that what is looked at does not flicker. */
export function useLastLoaded<List extends Pick<Store<Loadable>, 'get' | 'subscribe'>>(list: List): List {
  const { isLoaded, error } = useStore(list);
  const [shown, setShown] = useState(list);
  const isThere = isLoaded || error !== null;
  if (isThere && shown !== list) setShown(list);
  return isThere ? list : shown;
}
