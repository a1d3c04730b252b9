import type { Client } from 'urql';
import { graphql } from '../../api/graphql.ts';

const RecordingQuery = graphql(`
  query Recording($id: ID!) {
    session(id: $id) {
      recordingUrl
    }
  }
`);

/** Where a recording can be fetched, or why not. */
export type RecordingLink =
  | { readonly kind: 'link'; readonly url: string }
  | { readonly kind: 'removed' }
  | { readonly kind: 'deleted' }
  | { readonly kind: 'unreachable' };

/** Why a browser could not play from a link. */
export type LinkState = 'fine' | 'refused' | 'missing' | 'busy' | 'unreachable';

const REFUSED: readonly number[] = [401, 403];
const BUSY: readonly number[] = [429, 503];
const MISSING = 404;

/** A new link, good for a day. */
export async function fetchLink(client: Client, id: string): Promise<RecordingLink> {
  const { data, error } = await client.query(RecordingQuery, { id }).toPromise();
  if (error !== undefined || data === undefined) return { kind: 'unreachable' };
  if (data.session === null) return { kind: 'deleted' };
  const { recordingUrl } = data.session;
  return recordingUrl === null ? { kind: 'removed' } : { kind: 'link', url: recordingUrl };
}

/** Asks the server what is wrong with a link, which players do not tell. */
export async function stateOf(url: string): Promise<LinkState> {
  try {
    const { status, ok } = await fetch(url, { method: 'HEAD', cache: 'no-store' });
    if (REFUSED.includes(status)) return 'refused';
    if (BUSY.includes(status)) return 'busy';
    return status === MISSING || !ok ? 'missing' : 'fine';
  } catch {
    return 'unreachable';
  }
}
