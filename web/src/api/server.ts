import { keep, readKept } from '../ui/kept.ts';
import { Store } from '../ui/store.ts';

/** `unreachable`: it is tried again. `unauthorised`: it wants a token, or another one. */
type Reachability = 'reachable' | 'unreachable' | 'unauthorised';

export interface ServerState {
  readonly reachability: Reachability;
  /** A token was given that the server does not take. */
  readonly isTokenRefused: boolean;
  /** Rises when what failed before may work now: whoever shows an error tries again. */
  readonly recoveries: number;
}

const TOKEN = 'token';
const FIRST_PROBE_MS = 500;
const LONGEST_PROBE_MS = 5_000;

/** What this page knows of its server: whether it answers, and the token to show it. */
export class Server extends Store<ServerState> {
  #probe: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super({ reachability: 'reachable', isTokenRefused: false, recoveries: 0 });
  }

  /** The server's `AUTH_TOKEN`, as it was typed; `null` when none was. */
  get token(): string | null {
    return readKept(TOKEN);
  }

  giveToken(token: string): void {
    keep(TOKEN, token);
    this.#recover();
  }

  noteAnswer(): void {
    if (this.get().reachability === 'unreachable') this.#recover();
  }

  noteRefusedToken(): void {
    this.set({ ...this.get(), reachability: 'unauthorised', isTokenRefused: this.token !== null });
  }

  /** Asks from now on whether it is there again. */
  noteUnreachable(): void {
    if (this.get().reachability !== 'reachable') return;
    this.set({ ...this.get(), reachability: 'unreachable' });
    this.#probeAfter(FIRST_PROBE_MS);
  }

  #probeAfter(pauseMs: number): void {
    clearTimeout(this.#probe);
    this.#probe = setTimeout(() => {
      fetch('/health', { cache: 'no-store' }).then(
        () => this.noteAnswer(),
        () => this.#probeAfter(Math.min(2 * pauseMs, LONGEST_PROBE_MS)),
      );
    }, pauseMs);
  }

  #recover(): void {
    clearTimeout(this.#probe);
    const recoveries = this.get().recoveries + 1;
    this.set({ reachability: 'reachable', isTokenRefused: false, recoveries });
  }
}
