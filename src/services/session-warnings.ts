import type { SessionRecord } from '../database/session-records.ts';
import { TIMELINE_RATE } from '../recognition/recogniser.ts';
import type { Logger } from './logger.ts';
import { isRunning, type OpenSession } from './open-session.ts';

/** What is not as it should be with a session; callers branch on it, people read the message. */
type SessionWarningCode =
  | 'NO_TEXT'
  | 'AUDIO_FAILED'
  | 'RECOGNITION_STALLED'
  | 'JOURNAL_STALLED'
  | 'WRITER_STALLED'
  | 'DATABASE_REFUSED'
  | 'NOT_RECOVERED';

export interface SessionWarning {
  readonly code: SessionWarningCode;
  /** What it is about, counted from 0; absent: the whole session. */
  readonly channel?: number;
  readonly message: string;
}

/** What the segment writer says of one session. */
interface WriterHealth {
  /** Milliseconds that its oldest final has waited for the database; 0 when none waits. */
  waitingSinceMs(session: OpenSession): number;
  /** Why the database will not take the session's segments; `null` while it does. */
  failureOf(session: OpenSession): { readonly message: string } | null;
}

export interface SessionWarningsParts {
  readonly findOpen: (id: string) => OpenSession | undefined;
  readonly isOpening: (id: string) => boolean;
  readonly writer: WriterHealth;
  readonly logger: Logger;
  /** How long a final may wait for the database, in milliseconds. */
  readonly writerPatienceMs: number;
  /** Monotonic, in milliseconds; the clock of `performance.now()` unless a test turns it. */
  readonly now: () => number;
}

/** So much that sounded like speech without a word found in it is worth a warning, in samples. */
const WORDLESS_SAMPLES = 30 * TIMELINE_RATE;
/** A backlog above which the recogniser is expected to move, and how long it may stand still, in milliseconds. */
const STALLED_BACKLOG_MS = 5_000;
const STALLED_MS = 30_000;
/** How long the journal may fail before it is told, in milliseconds. */
const JOURNAL_PATIENCE_MS = 5_000;

/** Where a session's recogniser was when it was last seen to move. */
interface Movement {
  frames: number;
  at: number;
}

/** Tells what is wrong with a session while nothing seems wrong: that nothing is hidden is part of the promise. */
export class SessionWarnings {
  readonly #parts: SessionWarningsParts;
  readonly #movements = new WeakMap<OpenSession, Movement>();
  readonly #told = new WeakMap<OpenSession, string>();

  constructor(parts: SessionWarningsParts) {
    this.#parts = parts;
  }

  of(record: SessionRecord): SessionWarning[] {
    const session = this.#parts.findOpen(record.id);
    const warnings = session === undefined ? [] : this.#ofOpen(session);
    if (session === undefined && isRunning(record) && !this.#parts.isOpening(record.id)) {
      warnings.push({
        code: 'NOT_RECOVERED',
        message:
          "The session's logs could not be opened; the server's log says why. It goes on as soon as they can be.",
      });
    }
    if (session === undefined && record.status === 'FAILED' && record.recordingRemovedAt === null) {
      warnings.push({
        code: 'DATABASE_REFUSED',
        message:
          "The database did not take all of the segments; the others are kept in the session's journal, and the server's next start tries again.",
      });
    }
    if (record.coverage.failedMs > 0) {
      warnings.push({
        code: 'AUDIO_FAILED',
        message: `${record.coverage.failedMs} ms of the audio could not be transcribed: its storage is damaged, or the recogniser fails on it.`,
      });
    }
    return warnings;
  }

  /** Looks at the open sessions; to be called about once a second. Subscribers are told of what has changed. */
  check(sessions: readonly OpenSession[]): void {
    for (const session of sessions) {
      this.#watch(session);
      const codes = this.of(session.snapshot()).map(({ code }) => code);
      const told = codes.join(' ');
      const before = this.#told.get(session) ?? '';
      if (told === before) continue;
      this.#told.set(session, told);
      session.updates.touch();
      const level = codes.length === 0 ? 'info' : 'warn';
      this.#parts.logger[level]({ sessionId: session.id, warnings: codes }, 'session warnings changed');
    }
  }

  #ofOpen(session: OpenSession): SessionWarning[] {
    const warnings: SessionWarning[] = [];
    for (const [channel, samples] of session.state.wordlessSamples.entries()) {
      if (samples < WORDLESS_SAMPLES) continue;
      const seconds = Math.floor(samples / TIMELINE_RATE);
      const where = session.record.audioFormat.channels === 1 ? '' : ` on channel ${channel}`;
      warnings.push({
        code: 'NO_TEXT',
        channel,
        message: `${seconds} s of what sounded like speech${where} gave no text: check the microphone, the audio format and the language.`,
      });
    }
    if (this.#parts.now() - (this.#movements.get(session)?.at ?? Infinity) >= STALLED_MS) {
      warnings.push({
        code: 'RECOGNITION_STALLED',
        message: `${session.backlogMs} ms of audio wait for the recogniser, which does not move; nothing is lost.`,
      });
    }
    if (this.#parts.now() - (session.journalFailingSince ?? Infinity) >= JOURNAL_PATIENCE_MS) {
      warnings.push({
        code: 'JOURNAL_STALLED',
        message:
          'Segments cannot be stored: the disk is full or fails. The audio is kept, and they follow when it is well.',
      });
    }
    const failure = this.#parts.writer.failureOf(session);
    if (failure !== null) {
      warnings.push({
        code: 'DATABASE_REFUSED',
        message: `The database does not take the segments (${failure.message}); they are kept in the session's journal.`,
      });
    } else if (this.#parts.writer.waitingSinceMs(session) >= this.#parts.writerPatienceMs) {
      warnings.push({
        code: 'WRITER_STALLED',
        message:
          'Segments wait for the database, which does not take them now; they are kept, and follow when it does.',
      });
    }
    return warnings;
  }

  #watch(session: OpenSession): void {
    const movement = this.#movements.get(session);
    const moves = session.backlogMs < STALLED_BACKLOG_MS || movement?.frames !== session.processedFrames;
    if (moves) this.#movements.set(session, { frames: session.processedFrames, at: this.#parts.now() });
  }
}
