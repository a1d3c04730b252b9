import type { Client, CombinedError } from 'urql';
import { graphql, type ResultOf, type VariablesOf } from '../api/graphql.ts';
import { sentenceOf } from '../api/client.ts';
import { isOver } from '../session/is-over.ts';
import { Store } from '../ui/store.ts';

const SessionsQuery = graphql(`
  query Sessions($first: Int!, $after: String, $filter: SessionFilter, $orderBy: SessionOrder) {
    sessions(first: $first, after: $after, filter: $filter, orderBy: $orderBy) {
      edges {
        node {
          id
          title
          status
          createdAt
          statistics {
            wordCount
            averageConfidence
          }
          coverage {
            receivedMs
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

const CountQuery = graphql(`
  query CountSessions($filter: SessionFilter) {
    statistics(filter: $filter) {
      totalSessions
    }
  }
`);

export type ListedSession = ResultOf<typeof SessionsQuery>['sessions']['edges'][number]['node'];
export type SessionChoice = Pick<VariablesOf<typeof SessionsQuery>, 'filter' | 'orderBy'>;

export interface SessionListState {
  readonly sessions: readonly ListedSession[];
  readonly hasMore: boolean;
  /** Of all that meet the filter; `null`: not known yet. */
  readonly count: number | null;
  /** A sentence; `null`: all is well. */
  readonly error: string | null;
  readonly isLoaded: boolean;
}

const PAGE = 50;

/** A list of sessions that grows page by page as far as someone looks. */
export class SessionList extends Store<SessionListState> {
  readonly #client: Client;
  readonly #choice: SessionChoice;
  #cursor: string | null = null;
  #isLoading = false;
  #wanted = 0;
  /** Deleted here: an answer that was on its way meanwhile still has them. */
  readonly #removed = new Set<string>();

  constructor(client: Client, choice: SessionChoice) {
    super({ sessions: [], hasMore: true, count: null, error: null, isLoaded: false });
    this.#client = client;
    this.#choice = choice;
  }

  /** Whether some of those that are loaded are not over. */
  get hasRunning(): boolean {
    return this.get().sessions.some(({ status }) => !isOver(status));
  }

  /** Goes on loading until there are so many, or no more. */
  async reachFor(count: number): Promise<void> {
    this.#wanted = count;
    await this.loadMore();
  }

  /** Loads the next page, unless one is on its way. */
  async loadMore(): Promise<void> {
    if (this.#isLoading || !this.get().hasMore) return;
    this.#isLoading = true;
    const isFirst = this.#cursor === null;
    if (isFirst) void this.#count();
    const page = { first: PAGE, after: this.#cursor, ...this.#choice };
    const { data, error } = await this.#client.query(SessionsQuery, page).toPromise();
    this.#isLoading = false;
    if (data === undefined || error !== undefined) return this.#fail(error);
    const { edges, pageInfo } = data.sessions;
    this.#cursor = pageInfo.endCursor;
    const known = new Set(this.get().sessions.map(({ id }) => id));
    const more = this.#present(edges).filter(({ id }) => !known.has(id));
    this.set({
      ...this.get(),
      sessions: [...this.get().sessions, ...more],
      hasMore: pageInfo.hasNextPage,
      error: null,
      isLoaded: true,
    });
    if (this.get().sessions.length < this.#wanted) await this.loadMore();
  }

  /** Shows how the sessions that are loaded stand now, and new ones at the front. */
  async refresh(): Promise<void> {
    if (!this.get().isLoaded) return this.loadMore();
    void this.#count();
    const { data } = await this.#client.query(SessionsQuery, { first: PAGE, after: null, ...this.#choice }).toPromise();
    if (data === undefined) return;
    const front = this.#present(data.sessions.edges);
    const inFront = new Set(front.map(({ id }) => id));
    const others = this.get().sessions.filter(({ id }) => !inFront.has(id));
    this.set({ ...this.get(), error: null, sessions: [...front, ...others] });
  }

  rename(id: string, title: string | null): void {
    const sessions = this.get().sessions.map((session) => (session.id === id ? { ...session, title } : session));
    this.set({ ...this.get(), sessions });
  }

  remove(id: string): void {
    this.#removed.add(id);
    const { sessions, count } = this.get();
    const left = sessions.filter((session) => session.id !== id);
    this.set({ ...this.get(), sessions: left, count: count === null ? null : count - 1 });
  }

  #present(edges: readonly { readonly node: ListedSession }[]): ListedSession[] {
    return edges.map(({ node }) => node).filter(({ id }) => !this.#removed.has(id));
  }

  async #count(): Promise<void> {
    const { data } = await this.#client.query(CountQuery, { filter: this.#choice.filter }).toPromise();
    if (data !== undefined) this.set({ ...this.get(), count: data.statistics.totalSessions });
  }

  #fail(error: CombinedError | undefined): void {
    this.set({ ...this.get(), error: error === undefined ? 'The server gave no answer.' : sentenceOf(error) });
  }
}
