import type { SessionRecord } from '../database/session-records.ts';
import { PullSubscription, type Pulled } from './pull-subscription.ts';

/** Milliseconds between two updates of one session to one subscriber. */
const MIN_INTERVAL_MS = 1_000;

/** Tells subscribers how a session stands, at most once a second each, and at once when it is over. */
export class SessionUpdates {
  readonly #subscribers = new Set<() => void>();
  #over = false;

  /** Something about the session changed. */
  touch(): void {
    for (const notice of this.#subscribers) notice();
  }

  /** The session will not change any more: subscribers get its last state and complete. */
  end(): void {
    this.#over = true;
    this.touch();
  }

  /** @param read how the session stands now. The current state comes first. */
  subscribe(read: () => Promise<SessionRecord | null>): AsyncIterableIterator<SessionRecord> {
    let changed = true;
    let lastSentAt = -Infinity;
    let sentLast = false;
    let timer: NodeJS.Timeout | undefined;

    const pull = async (): Promise<Pulled<SessionRecord>> => {
      if (sentLast) return 'end';
      const wait = lastSentAt + MIN_INTERVAL_MS - performance.now();
      if (!this.#over && (!changed || wait > 0)) {
        if (changed) timer ??= setTimeout(wake, wait);
        return 'nothing-yet';
      }
      changed = false;
      sentLast = this.#over;
      lastSentAt = performance.now();
      const session = await read();
      return session === null ? 'end' : { item: session };
    };
    const wake = () => {
      timer = undefined;
      subscription.wake();
    };
    const notice = () => {
      changed = true;
      subscription.wake();
    };
    const subscription = new PullSubscription(pull, () => {
      clearTimeout(timer);
      this.#subscribers.delete(notice);
    });
    this.#subscribers.add(notice);
    return subscription;
  }
}
