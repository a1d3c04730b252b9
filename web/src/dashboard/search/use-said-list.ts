import { useEffect, useMemo } from 'react';
import { useClient } from 'urql';
import { useServer } from '../../api/context.ts';
import { useStore } from '../../ui/store.ts';
import { SaidList } from './said-list.ts';

/** Where these words were said; what failed is asked again when the server is back. */
export function useSaidList(words: string): SaidList {
  const client = useClient();
  const { recoveries } = useStore(useServer());
  const list = useMemo(() => new SaidList(client, words), [client, words]);
  useEffect(() => void list.open(), [list, recoveries]);
  return list;
}
