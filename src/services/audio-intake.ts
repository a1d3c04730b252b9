import { findMalformation } from '../audio/decode.ts';
import { framesToMs, isSamples, msToFrames, type AudioFormat } from '../audio/format.ts';
import type { SessionRecord } from '../database/session-records.ts';
import type { AppendOutcome } from '../log/audio-log.ts';
import { asServiceError } from './error-mapping.ts';
import { serverIsStopping, ServiceError } from './errors.ts';
import { isRunning, type OpenSession } from './open-session.ts';
import type { OpenSessions } from './open-sessions.ts';
import type { SessionLookup } from './session-lookup.ts';
import type { StorageGuard } from './storage-guard.ts';

export interface AudioLimits {
  /** Largest chunk, in bytes. */
  readonly maxChunkBytes: number;
  /** A session whose timeline is this long takes no more audio, in milliseconds. */
  readonly maxDurationMs: number;
  /** Longest gap that one skip may declare, in milliseconds. */
  readonly maxSkipMs: number;
}

export interface AudioIntakeParts {
  readonly open: OpenSessions;
  readonly lookup: SessionLookup;
  readonly storage: StorageGuard;
  /** Whether the session's recording is there, and not being removed at this moment. */
  readonly hasRecording: (sessionId: string) => boolean;
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

/** In an object, since a promise of a promise would wait for both. */
interface Stored {
  readonly acknowledged: Promise<AudioAcknowledgement>;
}

/** The door for audio. What it acknowledged is on stable storage. Every method may throw `ServiceError`. */
export class AudioIntake {
  readonly #parts: AudioIntakeParts;
  /** By session: when the last of the waiting chunks has had its turn. */
  readonly #queues = new Map<string, Promise<void>>();
  #accepting = true;

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
      if (bytes.byteLength === 0) throw new ServiceError('AUDIO_MALFORMED', 'The chunk is empty: send some audio.');
      refuseMalformedSamples(audioFormat, bytes);
      this.#refuseBeyondLongest(session, sequence);
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
      this.#refuseBeyondLongest(session, sequence);
      return session.audio.appendSkip(sequence, msToFrames(durationMs, session.record.audioFormat.sampleRate));
    });
  }

  /** No audio from now on: the server stops. What was accepted is stored and answered. */
  stopAccepting(): void {
    this.#accepting = false;
  }

  async #store(id: string, sequence: number, append: Append): Promise<AudioAcknowledgement> {
    if (!this.#accepting) {
      throw serverIsStopping('connect again, then send this chunk again');
    }
    if (!Number.isInteger(sequence) || sequence < 0) {
      throw new ServiceError('BAD_USER_INPUT', 'sequence must be a whole number from 0.');
    }
    const session = this.#parts.open.get(id);
    // The usual way: without any wait before the append, so that pipelined chunks keep their order.
    if (session !== undefined && !this.#queues.has(id) && takesAudio(session, sequence)) {
      return this.#storeIn(session, append);
    }
    return this.#inTurn(id, () => this.#storeWhenOpen(id, sequence, append));
  }

  /**
   * Chunks that must wait until their session is open (again) do so in the order in which they came: the next one's turn is
   * when this one's append has begun.
   */
  async #inTurn(id: string, begin: () => Promise<Stored>): Promise<AudioAcknowledgement> {
    const turn = (this.#queues.get(id) ?? Promise.resolve()).then(begin);
    const over = turn.then(
      () => undefined,
      () => undefined,
    );
    this.#queues.set(id, over);
    const { acknowledged } = await turn.finally(() => {
      if (this.#queues.get(id) === over) this.#queues.delete(id);
    });
    return acknowledged;
  }

  /** @returns when the append has begun. */
  async #storeWhenOpen(id: string, sequence: number, append: Append): Promise<Stored> {
    const { open, lookup } = this.#parts;
    for (;;) {
      await open.opening(id)?.catch(() => undefined);
      // Looked up now, without a wait before its use: it may be closed by the next turn.
      const session = open.get(id);
      if (session === undefined) {
        const record = await lookup.find(id);
        if (isRunning(record)) await asServiceError(open.open(record));
        else {
          const stored = await this.#reopen(record, sequence, append);
          if (stored !== null) return stored;
        }
      } else if (takesAudio(session, sequence)) {
        return { acknowledged: this.#storeIn(session, append) };
      } else if (session.endingReason === 'IDLE_TIMEOUT') {
        await session.untilEndSettled();
        if (session.endingReason !== null) await open.completion(id);
      } else {
        throw notActive(id);
      }
    }
  }

  /**
   * Only a session that was ended for idleness opens again, and only with the chunk that is its next.
   * @returns `null` when somebody else opened it: the chunk was not stored.
   */
  async #reopen(record: SessionRecord, sequence: number, append: Append): Promise<Stored | null> {
    const { nextSequence: expectedSequence } = record;
    const isThere = record.recordingRemovedAt === null && this.#parts.hasRecording(record.id);
    // Without its recording there is nothing to go on from.
    if (record.endReason !== 'IDLE_TIMEOUT' || !isThere) throw notActive(record.id);
    if (sequence !== expectedSequence) {
      throw new ServiceError(
        'AUDIO_OUT_OF_ORDER',
        `Chunk ${expectedSequence} is expected next: it opens the session again, which was ended for idleness.`,
        { expectedSequence },
      );
    }
    const outcomes: AppendOutcome[] = [];
    const reopening = this.#parts.open.reopen(record, async (reopened) => {
      outcomes.push(await this.#append(reopened, append));
    });
    const session = await asServiceError(reopening);
    const [outcome] = outcomes;
    return outcome === undefined ? null : { acknowledged: Promise.resolve(acknowledgementOf(session, outcome)) };
  }

  async #storeIn(session: OpenSession, append: Append): Promise<AudioAcknowledgement> {
    return acknowledgementOf(session, await this.#append(session, append));
  }

  /** Also keeps the timeline within what 32 bits can count in milliseconds. */
  #refuseBeyondLongest({ audio, record }: OpenSession, sequence: number): void {
    if (sequence < audio.nextSequence) return;
    if (framesToMs(audio.appendedFrames, record.audioFormat.sampleRate) < this.#parts.limits.maxDurationMs) return;
    throw new ServiceError('SESSION_NOT_ACTIVE', 'The session is as long as one may be: end it, and start another.');
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

/** What is wrong with a container, its log says when it takes the chunk. */
function refuseMalformedSamples(format: AudioFormat, bytes: Uint8Array): void {
  const malformation = isSamples(format) ? findMalformation(format, bytes) : null;
  if (malformation === null) return;
  throw new ServiceError(
    'AUDIO_MALFORMED',
    `The chunk is not ${format.encoding} as the session was started with: ${malformation}.`,
  );
}

/** What is stored already is answered again, whatever became of the session since. */
function takesAudio(session: OpenSession, sequence: number): boolean {
  return session.endingReason === null || sequence < session.audio.nextSequence;
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
