import type { Connection } from './connection.ts';
import { VerbatimError } from './errors.ts';
import type { ClientLimits } from './limits.ts';
import {
  endSession,
  findSession,
  findSessionLike,
  followSegments,
  startSession,
  type Acknowledgement,
  type SessionState,
} from './operations.ts';
import type { Recording } from './recording.ts';
import { Sender } from './sender.ts';

export interface AttemptParts {
  readonly connection: Connection;
  readonly recording: Recording;
  readonly limits: ClientLimits;
  readonly isLive: boolean;
  /** The session is found, and everything goes on. */
  readonly onConnected: (state: SessionState) => void;
  readonly onAcknowledged: (acknowledgement: Acknowledgement) => void;
  /** A segment came. */
  readonly onSegment: () => void;
}

/** Between two questions whether an ended session is completed, in milliseconds. */
const COMPLETION_POLL_MS = 250;

/**
 * Does over one connection what there is to do for a recording: finds its session, sends what the server lacks, follows the
 * segments from where they were cut off, and ends the session when the recording has ended.
 */
export class Attempt {
  readonly #parts: AttemptParts;
  #hasEnded = false;
  /** The server refused a chunk for good: none will open the session again. */
  #isRefused = false;

  constructor(parts: AttemptParts) {
    this.#parts = parts;
  }

  /**
   * Resolves when the session is completed and its last final was given.
   * @throws VerbatimError
   */
  async run(): Promise<SessionState> {
    const { connection, recording } = this.#parts;
    connection.onLost = () => recording.changed.raise();
    const state = await this.#openSession();
    recording.begin(state.id);
    recording.queue.synchronise(state);
    recording.segments.keepOnly(state.openInterims);
    this.#parts.onConnected(state);
    const sender = new Sender({ ...this.#parts, sessionId: state.id });
    const following = this.#follow(state.id, sender);
    const [completed] = await Promise.all([this.#checked(following), this.#sendAndEnd(state.id, sender, following)]);
    return completed;
  }

  get #isOver(): boolean {
    return this.#hasEnded || this.#isRefused;
  }

  /** Starts the session, or asks how far it is. */
  async #openSession(): Promise<SessionState> {
    const { connection, recording } = this.#parts;
    const { sessionId, request } = recording;
    if (sessionId !== null) return this.#stateOf(sessionId);
    try {
      return await startSession(connection, request);
    } catch (error) {
      if (!hasCode(error, 'SESSION_CONFLICT')) throw error;
      // One that was ended for idleness opens again with its next chunk: perhaps the answer to its start was lost.
      const found = await findSessionLike(connection, request);
      if (found?.endReason === 'IDLE_TIMEOUT') return found;
      throw error;
    }
  }

  async #stateOf(sessionId: string): Promise<SessionState> {
    const state = await findSession(this.#parts.connection, sessionId);
    if (state === null) throw new VerbatimError('NOT_FOUND', 'the server does not know the session any more');
    return state;
  }

  async #sendAndEnd(sessionId: string, sender: Sender, following: Promise<unknown>): Promise<void> {
    const { connection, recording } = this.#parts;
    try {
      await sender.run();
      await endSession(connection, sessionId, recording.queue.nextSequence);
      this.#hasEnded = true;
      recording.changed.raise();
    } catch (error) {
      if (!hasCode(error, 'SESSION_NOT_ACTIVE')) throw error;
      // What was said before is still to be given; one that is too long the server is about to end.
      this.#isRefused = true;
      recording.changed.raise();
      await following;
      throw error;
    }
  }

  /** Gives the session's segments; resolves when it is over, and no chunk will open it again. */
  async #follow(sessionId: string, sender: Sender): Promise<SessionState> {
    const { connection, recording } = this.#parts;
    for (;;) {
      const seen = sender.acknowledgements;
      await this.#followOnce(sessionId);
      let state = await this.#stateOf(sessionId);
      while (state.status === 'FINALIZING') {
        await recording.changed.wait(COMPLETION_POLL_MS);
        state = await this.#stateOf(sessionId);
      }
      if (state.status !== 'ACTIVE' && (this.#isOver || state.endReason !== 'IDLE_TIMEOUT')) {
        recording.segments.end();
        return state;
      }
      // Ended for idleness: the next chunk opens it again.
      while (state.status !== 'ACTIVE' && sender.acknowledgements === seen && !this.#isOver) {
        if (connection.lost !== null) throw connection.lost;
        await recording.changed.wait();
      }
    }
  }

  async #followOnce(sessionId: string): Promise<void> {
    const { connection, recording, onSegment } = this.#parts;
    const { segments } = recording;
    const follow = () =>
      followSegments(connection, sessionId, segments.position, (segment) => {
        segments.receive(segment);
        onSegment();
      });
    try {
      await follow();
    } catch (error) {
      if (!hasCode(error, 'BAD_USER_INPUT') || segments.position.fromStart) throw error;
      segments.forgetPosition();
      await follow();
    }
  }

  async #checked(following: Promise<SessionState>): Promise<SessionState> {
    const { recording } = this.#parts;
    const state = await following;
    if (state.status === 'FAILED') {
      throw new VerbatimError('SESSION_FAILED', 'the session failed: its transcript is not complete');
    }
    if (!this.#hasEnded && !(recording.isEnding && recording.queue.isEmpty)) {
      throw new VerbatimError(
        'SESSION_NOT_ACTIVE',
        `the session is over (${state.endReason ?? 'no reason given'}) and takes no more audio: start a new one`,
      );
    }
    return state;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof VerbatimError && error.code === code;
}
