import type { EndReason } from '../database/session-records.ts';
import type { Logger } from './logger.ts';
import type { OpenSession } from './open-session.ts';
import type { OpenSessions } from './open-sessions.ts';
import type { Sessions } from './sessions.ts';

export interface TimeoutSettings {
  /** A session that got no audio for this long is ended, in milliseconds. */
  readonly idleTimeoutMs: number;
  /** A session whose timeline is this long is ended, in milliseconds. */
  readonly maxDurationMs: number;
}

const CHECK_INTERVAL_MS = 1_000;

/** Ends sessions that their clients forgot. */
export class SessionTimeouts {
  readonly #open: OpenSessions;
  readonly #sessions: Sessions;
  readonly #settings: TimeoutSettings;
  readonly #logger: Logger;
  readonly #ending = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(open: OpenSessions, sessions: Sessions, settings: TimeoutSettings, logger: Logger) {
    this.#open = open;
    this.#sessions = sessions;
    this.#settings = settings;
    this.#logger = logger;
  }

  start(): void {
    this.#timer = setInterval(() => this.check(), CHECK_INTERVAL_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  check(): void {
    for (const session of this.#open.all) {
      const reason = this.#reasonToEnd(session);
      if (reason !== null && !this.#ending.has(session.id)) void this.#end(session.id, reason);
    }
  }

  #reasonToEnd(session: OpenSession): EndReason | null {
    if (session.endingReason !== null) return null;
    if (session.receivedMs >= this.#settings.maxDurationMs) return 'MAX_DURATION';
    if (performance.now() - session.lastAudioAt >= this.#settings.idleTimeoutMs) return 'IDLE_TIMEOUT';
    return null;
  }

  async #end(id: string, reason: EndReason): Promise<void> {
    this.#ending.add(id);
    try {
      await this.#sessions.end(id, null, reason);
    } catch (error) {
      this.#logger.error({ sessionId: id, reason, err: error }, 'session not ended, trying again');
    } finally {
      this.#ending.delete(id);
    }
  }
}
