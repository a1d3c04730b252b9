import { type Client, type CombinedError, type OperationResultSource, type OperationResult } from 'urql';
import { onEnd, pipe, subscribe } from 'wonka';
import { sentenceOf } from '../api/client.ts';
import { TranscriptStore } from '../transcript/transcript-store.ts';
import { Store } from '../ui/store.ts';
import { SegmentAdded, SegmentsQuery, SessionQuery, SessionUpdated, type SessionFacts } from './session-queries.ts';

/** `loading`: its segments are on their way. `live`: they come as they are spoken. `whole`: all of them are there. */
type FollowingPhase = 'loading' | 'live' | 'reconnecting' | 'whole' | 'missing' | 'failed';

export interface FollowedSession {
  readonly phase: FollowingPhase;
  /** `null`: not known yet, or there is none. */
  readonly session: SessionFacts | null;
  /** A sentence, when it failed. */
  readonly error: string | null;
}

const PAGE = 100;
const FIRST_RETRY_MS = 300;
const LONGEST_RETRY_MS = 5_000;

/**
 * One session as somebody looks at it: page by page when it is over, and as it is spoken while it runs, first what was said
 * before. After each lost connection it goes on behind the last final.
 */
export class SessionFollower extends Store<FollowedSession> {
  readonly transcript = new TranscriptStore();
  readonly #client: Client;
  readonly #id: string;
  #leave = new AbortController();

  constructor(client: Client, id: string) {
    super({ phase: 'loading', session: null, error: null });
    this.#client = client;
    this.#id = id;
  }

  /** Begins, or goes on. @returns what stops it */
  open(): () => void {
    this.#leave = new AbortController();
    void this.#run(this.#leave.signal);
    return () => this.#leave.abort();
  }

  rename(title: string | null): void {
    const { session } = this.get();
    if (session !== null) this.set({ ...this.get(), session: { ...session, title } });
  }

  async #run(left: AbortSignal): Promise<void> {
    for (let pauseMs = FIRST_RETRY_MS; !left.aborted; pauseMs = Math.min(2 * pauseMs, LONGEST_RETRY_MS)) {
      const { data, error } = await this.#client.query(SessionQuery, { id: this.#id }).toPromise();
      if (left.aborted) return;
      if (error !== undefined) return this.#fail(error);
      const session = data?.session ?? null;
      if (session === null) return this.set({ phase: 'missing', session: null, error: null });
      if (isOver(session)) return this.#loadPages(session, left);
      this.set({ phase: 'live', session, error: null });
      const cursor = this.transcript.cursor;
      const isLost = await this.#followLive(left);
      this.transcript.forgetInterims();
      if (this.transcript.cursor !== cursor || !isLost) pauseMs = FIRST_RETRY_MS;
      if (isLost && !left.aborted) this.set({ ...this.get(), phase: 'reconnecting' });
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  /** Resolves when one of its two subscriptions is over. @returns whether by a failure */
  async #followLive(left: AbortSignal): Promise<boolean> {
    const { cursor } = this.transcript;
    const stop = new AbortController();
    const until = AbortSignal.any([left, stop.signal]);
    const segments = this.#client.subscription(SegmentAdded, {
      id: this.#id,
      after: cursor,
      fromStart: cursor === null,
    });
    const facts = this.#client.subscription(SessionUpdated, { id: this.#id });
    const isLost = await Promise.race([
      follow(segments, until, ({ segmentAdded }) => this.transcript.receive(segmentAdded)),
      follow(facts, until, ({ sessionUpdated }) => this.set({ ...this.get(), session: sessionUpdated })),
    ]);
    stop.abort();
    return isLost;
  }

  async #loadPages(session: SessionFacts, left: AbortSignal): Promise<void> {
    this.set({ phase: 'loading', session, error: null });
    let after = this.transcript.cursor;
    for (let hasMore = true; hasMore;) {
      const { data, error } = await this.#client.query(SegmentsQuery, { id: this.#id, first: PAGE, after }).toPromise();
      if (left.aborted) return;
      if (error !== undefined) return this.#fail(error);
      const page = data?.session?.segments;
      if (page === undefined) return this.set({ phase: 'missing', session: null, error: null });
      for (const { node } of page.edges) this.transcript.receive(node);
      after = page.pageInfo.endCursor ?? after;
      hasMore = page.pageInfo.hasNextPage;
    }
    this.set({ ...this.get(), phase: 'whole' });
  }

  #fail(error: CombinedError): void {
    this.set({ ...this.get(), phase: 'failed', error: sentenceOf(error) });
  }
}

function isOver({ status }: SessionFacts): boolean {
  return status === 'COMPLETED' || status === 'FAILED';
}

/** Resolves when the subscription is over. @returns whether by a failure */
function follow<Data, Variables extends Record<string, unknown>>(
  source: OperationResultSource<OperationResult<Data, Variables>>,
  until: AbortSignal,
  onData: (data: Data) => void,
): Promise<boolean> {
  return new Promise((resolve) => {
    const subscription = pipe(
      source,
      onEnd(() => resolve(false)),
      subscribe(({ data, error }) => {
        if (error !== undefined) resolve(true);
        else if (data !== undefined && !until.aborted) onData(data);
      }),
    );
    until.addEventListener('abort', () => {
      resolve(false);
      subscription.unsubscribe();
    });
    if (until.aborted) subscription.unsubscribe();
  });
}
