import { findMalformation } from '../audio/decode.ts';
import { bytesPerFrame, msToFrames } from '../audio/format.ts';
import type { AppendOutcome } from '../log/audio-log.ts';
import { asServiceError } from './error-mapping.ts';
import { ServiceError } from './errors.ts';
import type { OpenSession } from './open-session.ts';
import type { OpenSessions } from './open-sessions.ts';
import { isRunning, type SessionLookup } from './session-lookup.ts';
import type { StorageGuard } from './storage-guard.ts';

export interface AudioLimits {
  /** Largest chunk, in bytes. */
  readonly maxChunkBytes: number;
  /** Longest gap that one skip may declare, in milliseconds. */
  readonly maxSkipMs: number;
}

export interface AudioIntakeParts {
  readonly open: OpenSessions;
  readonly lookup: SessionLookup;
  readonly storage: StorageGuard;
  readonly limits: AudioLimits;
}

/** The answer to a chunk: what is durable now. */
export interface AudioAcknowledgement {
  readonly sessionId: string;
  /** The chunk expected next; all below are on stable storage. */
  readonly nextSequence: number;
  /** Length of the timeline, in milliseconds. */
  readonly receivedMs: number;
  /** Acknowledged audio that is still to be recognised, in milliseconds. */
  readonly backlogMs: number;
  /** This chunk had been stored before. */
  readonly duplicate: boolean;
}

/** Appends one chunk or skip to a session's audio log, up to the append itself without a wait. */
type Append = (session: OpenSession) => Promise<AppendOutcome>;

/** The door for audio. What it acknowledged is on stable storage. Every method may throw `ServiceError`. */
export class AudioIntake {
  readonly #parts: AudioIntakeParts;

  constructor(parts: AudioIntakeParts) {
    this.#parts = parts;
  }

  /**
   * Stores a chunk; resolves when it is on stable storage. Calls may be pipelined: they count in the order in which they are
   * made.
   */
  send(id: string, sequence: number, bytes: Uint8Array): Promise<AudioAcknowledgement> {
    return this.#store(id, sequence, (session) => {
      const { audioFormat } = session.record;
      if (bytes.byteLength > this.#parts.limits.maxChunkBytes) {
        throw new ServiceError(
          'AUDIO_TOO_LARGE',
          `A chunk may have ${this.#parts.limits.maxChunkBytes} bytes at most, this one has ${bytes.byteLength}: send it in smaller chunks.`,
        );
      }
      if (bytes.byteLength === 0)
        throw new ServiceError('AUDIO_MALFORMED', 'The chunk is empty: send at least one frame.');
      const malformation = findMalformation(audioFormat, bytes);
      if (malformation !== null) {
        throw new ServiceError(
          'AUDIO_MALFORMED',
          `The chunk is not ${audioFormat.encoding} with ${bytesPerFrame(audioFormat)} bytes a frame: ${malformation}`,
        );
      }
      return session.audio.appendChunk(sequence, bytes);
    });
  }

  /** Records that the client lost `durationMs` of audio at this place; takes a sequence number like a chunk. */
  skip(id: string, sequence: number, durationMs: number): Promise<AudioAcknowledgement> {
    const { maxSkipMs } = this.#parts.limits;
    return this.#store(id, sequence, (session) => {
      if (!Number.isInteger(durationMs) || durationMs < 1 || durationMs > maxSkipMs) {
        throw new ServiceError('BAD_USER_INPUT', `durationMs must be a whole number from 1 to ${maxSkipMs}.`);
      }
      return session.audio.appendSkip(sequence, msToFrames(durationMs, session.record.audioFormat.sampleRate));
    });
  }

  async #store(id: string, sequence: number, append: Append): Promise<AudioAcknowledgement> {
    if (!Number.isInteger(sequence) || sequence < 0) {
      throw new ServiceError('BAD_USER_INPUT', 'sequence must be a whole number from 0.');
    }
    const session = this.#parts.open.get(id);
    // An open session is appended to without any wait before, so that pipelined chunks keep their order.
    return session === undefined
      ? this.#storeInClosed(id, sequence, append)
      : this.#storeInOpen(session, sequence, append);
  }

  async #storeInOpen(session: OpenSession, sequence: number, append: Append): Promise<AudioAcknowledgement> {
    const { endingReason } = session;
    if (endingReason !== null && sequence >= session.audio.nextSequence) {
      if (endingReason !== 'IDLE_TIMEOUT') throw notActive(session.id);
      await this.#parts.open.completion(session.id);
      return this.#store(session.id, sequence, append);
    }
    return acknowledgementOf(session, await this.#append(session, append));
  }

  async #storeInClosed(id: string, sequence: number, append: Append): Promise<AudioAcknowledgement> {
    const { open, lookup } = this.#parts;
    const record = await lookup.find(id);
    // Without a wait from here on: a chunk before this one may be opening the session at this moment.
    const opening = open.get(id) ?? open.opening(id) ?? (isRunning(record) ? open.open(record) : null);
    if (opening !== null) return this.#storeInOpen(await opening, sequence, append);
    if (record.endReason !== 'IDLE_TIMEOUT' || sequence !== record.nextSequence) throw notActive(id);
    const reopened = await open.reopen(record, (session) => this.#append(session, append));
    return acknowledgementOf(reopened, { duplicate: false });
  }

  async #append(session: OpenSession, append: Append): Promise<AppendOutcome> {
    if (!this.#parts.storage.hasRoom()) {
      throw new ServiceError('STORAGE_FULL', 'The disk is nearly full: free some space, then send this chunk again.');
    }
    const outcome = await asServiceError(append(session));
    session.lastAudioAt = performance.now();
    session.updates.touch();
    return outcome;
  }
}

function acknowledgementOf(session: OpenSession, { duplicate }: AppendOutcome): AudioAcknowledgement {
  return {
    sessionId: session.id,
    nextSequence: session.audio.nextSequence,
    receivedMs: session.receivedMs,
    backlogMs: session.backlogMs,
    duplicate,
  };
}

function notActive(id: string): ServiceError {
  return new ServiceError('SESSION_NOT_ACTIVE', `Session ${id} is over and takes no more audio: start a new session.`);
}
