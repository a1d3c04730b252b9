import { useEffect } from 'react';
import { useClient } from 'urql';
import { useServer } from '../api/context.ts';
import { graphql } from '../api/graphql.ts';
import { useStore } from '../ui/store.ts';

const Greeting = graphql(`
  query Greeting {
    __typename
  }
`);

/** Asks the server something, so that one that wants a token says so now, and not when somebody has begun to speak. */
export function useGreeting(): void {
  const client = useClient();
  const { recoveries } = useStore(useServer());
  useEffect(() => {
    // What comes of it is noted by the client.
    void client.query(Greeting, {}).toPromise();
  }, [client, recoveries]);
}
