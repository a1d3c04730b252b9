/** Why the process was asked to stop: a signal, or that the shell between it and npm is gone. */
export type StopCause = 'SIGINT' | 'SIGTERM' | 'parent ended';

/**
 * Signals that come within so many milliseconds of the first are one and the same request. npm passes a terminal's Ctrl-C on to
 * its child, which got it from the terminal already; and a person who sees nothing happen for a moment presses it once more.
 */
const SAME_REQUEST_MS = 1_000;
const PARENT_CHECK_MS = 200;

/** Tells the first request to stop from its echoes, and those from a second one. */
export class StopRequests {
  readonly #now: () => number;
  #firstAt: number | null = null;

  /** @param now monotonic, ms */
  constructor(now: () => number) {
    this.#now = now;
  }

  note(): 'first' | 'echo' | 'again' {
    if (this.#firstAt === null) {
      this.#firstAt = this.#now();
      return 'first';
    }
    return this.#now() - this.#firstAt < SAME_REQUEST_MS ? 'echo' : 'again';
  }
}

/**
 * Listens for signals from now on, which number 1 of a container needs: the kernel drops what it has no handler for.
 *
 * @param onAgain a second request: whoever asks twice wants it at once
 * @returns aborted with the first request; its reason is the cause
 */
export function watchStopSignals(onAgain: () => void): { signal: AbortSignal; request: (cause: StopCause) => void } {
  const stopping = new AbortController();
  const requests = new StopRequests(() => performance.now());
  const request = (cause: StopCause) => {
    const kind = requests.note();
    if (kind === 'first') stopping.abort(cause);
    if (kind === 'again') onAgain();
  };
  process.on('SIGINT', () => request('SIGINT'));
  process.on('SIGTERM', () => request('SIGTERM'));
  return { signal: stopping.signal, request };
}

/**
 * Calls `onEnded` once when this process has got another parent than `parent`, since its own ended. npm starts a script in a
 * shell, and passes SIGTERM on to that shell; one that does not hand its place over to the script (dash does not) ends, and
 * the script is never told.
 */
export function watchParent(parent: number, onEnded: () => void): void {
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    onEnded();
  }, PARENT_CHECK_MS);
  timer.unref();
}
