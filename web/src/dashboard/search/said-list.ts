import type { Client, CombinedError } from 'urql';
import { sentenceOf } from '../../api/client.ts';
import { graphql, type ResultOf } from '../../api/graphql.ts';
import { Store } from '../../ui/store.ts';

const SaidQuery = graphql(`
  query Said($search: String!, $first: Int!, $after: String) {
    segments(filter: { search: $search }, first: $first, after: $after) {
      edges {
        highlights {
          start
          end
        }
        node {
          id
          text
          startMs
          channel
          speaker
          session {
            id
            title
            createdAt
            audioFormat {
              channels
            }
          }
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

/** A moment in which the words were said. */
export type Said = ResultOf<typeof SaidQuery>['segments']['edges'][number];

export interface SaidListState {
  readonly said: readonly Said[];
  readonly hasMore: boolean;
  /** A sentence; `null`: all is well. */
  readonly error: string | null;
  readonly isLoaded: boolean;
}

const PAGE = 40;

/** Whether there is a letter or a digit to look for. */
export function isSearchable(words: string): boolean {
  return /[\p{L}\p{N}]/u.test(words);
}

/** The moments in which words were said, a list that grows page by page as far as someone looks. */
export class SaidList extends Store<SaidListState> {
  readonly #client: Client;
  readonly #words: string;
  #cursor: string | null = null;
  #isLoading = false;

  /** @param words without a letter or digit there is nothing to look for */
  constructor(client: Client, words: string) {
    const hasMore = isSearchable(words);
    super({ said: [], hasMore, error: null, isLoaded: !hasMore });
    this.#client = client;
    this.#words = words;
  }

  /** Loads the first page, unless it is there. */
  async open(): Promise<void> {
    const { isLoaded, error } = this.get();
    if (!isLoaded || error !== null) await this.loadMore();
  }

  /** Loads the next page, unless one is on its way. */
  async loadMore(): Promise<void> {
    if (this.#isLoading || !this.get().hasMore) return;
    this.#isLoading = true;
    const page = { search: this.#words, first: PAGE, after: this.#cursor };
    const { data, error } = await this.#client.query(SaidQuery, page).toPromise();
    this.#isLoading = false;
    if (data === undefined || error !== undefined) return this.#fail(error);
    const { edges, pageInfo } = data.segments;
    this.#cursor = pageInfo.endCursor;
    const said = [...this.get().said, ...edges];
    this.set({ said, hasMore: pageInfo.hasNextPage, error: null, isLoaded: true });
  }

  #fail(error: CombinedError | undefined): void {
    this.set({ ...this.get(), error: error === undefined ? 'The server gave no answer.' : sentenceOf(error) });
  }
}
