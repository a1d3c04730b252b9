import { CombinedError, type Client, type OperationResultSource, type OperationResult } from 'urql';
import { onEnd, pipe, subscribe } from 'wonka';
import { codeOf, mayPass, sentenceOf } from '../api/client.ts';
import { TranscriptStore } from '../transcript/transcript-store.ts';
import { Store } from '../ui/store.ts';
import { isOver } from './is-over.ts';
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

const MISSING: FollowedSession = { phase: 'missing', session: null, error: null };
const PAGE = 100;
const FIRST_RETRY_MS = 300;
const LONGEST_RETRY_MS = 5_000;
const LOOK_AGAIN_MS = 15_000;

/**
 * One session as somebody looks at it: page by page when it is over, and as it is spoken while it runs, first what was said
 * before. After each lost connection it goes on behind the last final.
 */
export class SessionFollower extends Store<FollowedSession> {
  readonly transcript = new TranscriptStore();
  readonly #client: Client;
  readonly #id: string;
  readonly #pauses: { readonly firstRetryMs: number; readonly lookAgainMs: number };
  #leave = new AbortController();
  /** It was live here: what passes is waited for. */
  #isFollowed = false;

  constructor(client: Client, id: string, pauses = { firstRetryMs: FIRST_RETRY_MS, lookAgainMs: LOOK_AGAIN_MS }) {
    super({ phase: 'loading', session: null, error: null });
    this.#client = client;
    this.#id = id;
    this.#pauses = pauses;
  }

  /** Begins, or goes on. @returns what stops it */
  open(): () => void {
    this.#leave.abort();
    this.#leave = new AbortController();
    void this.#run(this.#leave.signal);
    return () => this.#leave.abort();
  }

  rename(title: string | null): void {
    const { session } = this.get();
    if (session !== null) this.set({ ...this.get(), session: { ...session, title } });
  }

  renameSpeakers(names: Pick<SessionFacts, 'speakers' | 'originalSpeakers'>): void {
    const { session } = this.get();
    if (session !== null) this.#learn({ ...session, ...names });
  }

  #learn(session: SessionFacts): void {
    this.set({ ...this.get(), session });
    this.transcript.nameChannels(session.speakers);
  }

  async #run(left: AbortSignal): Promise<void> {
    const { firstRetryMs } = this.#pauses;
    for (let pauseMs = firstRetryMs; !left.aborted; pauseMs = Math.min(2 * pauseMs, LONGEST_RETRY_MS)) {
      const { cursor } = this.transcript;
      try {
        const isDone = await this.#goOn(left);
        if (isDone || left.aborted) return;
        pauseMs = firstRetryMs;
      } catch (error) {
        if (left.aborted) return;
        if (!(error instanceof CombinedError)) throw error;
        if (!this.#bears(error)) return;
        if (this.transcript.cursor !== cursor) pauseMs = firstRetryMs;
        this.set({ ...this.get(), phase: 'reconnecting', error: null });
      }
      await pause(pauseMs);
    }
  }

  /** @returns whether it is tried again */
  #bears(error: CombinedError): boolean {
    const code = codeOf(error);
    if (code === 'BAD_USER_INPUT' && this.transcript.cursor !== null) {
      // The server was put back to before the last final that is here: from the first one, then.
      this.transcript.clear();
      return true;
    }
    if (this.#isFollowed && mayPass(error)) return true;
    if (code === 'NOT_FOUND') this.set(MISSING);
    else this.set({ ...this.get(), phase: 'failed', error: sentenceOf(error) });
    return false;
  }

  /** @returns whether all of it is here. @throws CombinedError */
  async #goOn(left: AbortSignal): Promise<boolean> {
    const { data, error } = await this.#client.query(SessionQuery, { id: this.#id }).toPromise();
    if (left.aborted) return false;
    if (error !== undefined) throw error;
    const session = data?.session ?? null;
    if (session === null) {
      this.set(MISSING);
      return true;
    }
    if (isOver(session.status)) {
      await this.#loadPages(session, left);
      return session.endReason !== 'IDLE_TIMEOUT' || !(await this.#reopens(left));
    }
    this.#isFollowed = true;
    this.set({ phase: 'live', session, error: null });
    await this.#followLive(left);
    return false;
  }

  /** One that was ended for idleness goes on with its next chunk. Resolves when it does, or nobody looks any more. */
  async #reopens(left: AbortSignal): Promise<boolean> {
    for (;;) {
      await pause(this.#pauses.lookAgainMs);
      if (left.aborted) return false;
      // What is shown is whole, so a server that does not answer is no matter.
      const { data } = await this.#client.query(SessionQuery, { id: this.#id }).toPromise();
      const status = data?.session?.status;
      if (status !== undefined && !isOver(status)) return true;
    }
  }

  /** Resolves when one of its two subscriptions is over. @throws CombinedError */
  async #followLive(left: AbortSignal): Promise<void> {
    const { cursor } = this.transcript;
    const stop = new AbortController();
    const until = AbortSignal.any([left, stop.signal]);
    const segments = this.#client.subscription(SegmentAdded, {
      id: this.#id,
      after: cursor,
      fromStart: cursor === null,
    });
    const facts = this.#client.subscription(SessionUpdated, { id: this.#id });
    try {
      await Promise.race([
        follow(segments, until, ({ segmentAdded }) => this.transcript.receive(segmentAdded)),
        follow(facts, until, ({ sessionUpdated }) => this.#learn(sessionUpdated)),
      ]);
    } finally {
      stop.abort();
      this.transcript.forgetInterims();
    }
  }

  /** @throws CombinedError */
  async #loadPages(session: SessionFacts, left: AbortSignal): Promise<void> {
    this.set({ phase: 'loading', session, error: null });
    let after = this.transcript.cursor;
    for (let hasMore = true; hasMore;) {
      const { data, error } = await this.#client.query(SegmentsQuery, { id: this.#id, first: PAGE, after }).toPromise();
      if (left.aborted) return;
      if (error !== undefined) throw error;
      const page = data?.session?.segments;
      if (page === undefined) return this.set(MISSING);
      for (const { node } of page.edges) this.transcript.receive(node);
      after = page.pageInfo.endCursor ?? after;
      hasMore = page.pageInfo.hasNextPage;
    }
    this.transcript.nameChannels(session.speakers);
    this.set({ ...this.get(), phase: 'whole' });
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Resolves when the subscription is over. @throws CombinedError when by a failure */
function follow<Data, Variables extends Record<string, unknown>>(
  source: OperationResultSource<OperationResult<Data, Variables>>,
  until: AbortSignal,
  onData: (data: Data) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const subscription = pipe(
      source,
      onEnd(resolve),
      subscribe(({ data, error }) => {
        if (error !== undefined) reject(error);
        else if (data !== undefined && !until.aborted) onData(data);
      }),
    );
    until.addEventListener('abort', () => {
      resolve();
      subscription.unsubscribe();
    });
    if (until.aborted) subscription.unsubscribe();
  });
}
