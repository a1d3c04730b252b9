import { setTimeout as delay } from 'node:timers/promises';
import { VerbatimClient, VerbatimError, type LiveSession, type Segment } from '../client/index.ts';
import { CHUNK_MS } from './audio-file.ts';
import type { AudioSource } from './audio-source.ts';
import { webSocketOf, withAdvice, type ServerDoor } from './server-door.ts';

export interface TranscriptionRequest {
  /** The client's own name for the recording, unique: asking for a session a second time then finds the first one. */
  readonly externalId: string;
  readonly title: string | null;
  readonly language: string;
  /** By channel. */
  readonly speakers?: readonly string[];
  /** Times real time; `Infinity`: as fast as the recogniser follows. */
  readonly speed: number;
}

interface TranscriptionProgress {
  /** Length of what the server has on stable storage. */
  readonly acknowledgedMs: number;
  /** How much of it is still to be recognised. */
  readonly backlogMs: number;
}

export interface TranscriptionListener {
  /** Interims as they are revised (without a text: withdrawn), and each final once, in order. */
  readonly onSegment: (segment: Segment) => void;
  readonly onProgress: (progress: TranscriptionProgress) => void;
  /** Something went wrong that may pass; it is tried again. */
  readonly onSetback: (error: Error) => void;
}

/** How long nothing may go forward before it is given up, in milliseconds. */
const PATIENCE_MS = 120_000;
const LONGEST_RETRY_MS = 5_000;

/**
 * Sends one audio file through the public API and follows its transcript; resolves with the session's id when that is
 * complete.
 *
 * @param stop send no more audio: the session ends with what was sent, and its transcript is completed.
 * @throws CommandLineError, VerbatimError (after some minutes of trying, or at once where there never was a server)
 */
export async function transcribeFile(
  server: ServerDoor,
  audio: AudioSource,
  { externalId, title, language, speakers, speed }: TranscriptionRequest,
  listener: TranscriptionListener,
  stop: AbortSignal,
): Promise<string> {
  const client = new VerbatimClient({
    url: server.url,
    token: server.token,
    webSocket: webSocketOf(server),
    limits: { chunkMs: CHUNK_MS, patienceMs: PATIENCE_MS, longestRetryMs: LONGEST_RETRY_MS },
  });
  const session = await client.startSession({
    externalId,
    title,
    language,
    speakers,
    audio: audio.format,
    live: false,
  });
  listen(session, listener);
  const unreachable = untilUnreachable(session, listener);
  try {
    await Promise.race([sendFile(session, audio, speed, stop), unreachable]);
    const { id } = await Promise.race([session.end(), unreachable]);
    return id;
  } catch (error) {
    // What there is of its transcript can be read.
    if (error instanceof VerbatimError && error.code === 'SESSION_FAILED' && session.id !== null) return session.id;
    await session.abandon();
    throw withAdvice(error, server);
  }
}

function listen(session: LiveSession, { onSegment, onProgress }: TranscriptionListener): void {
  session.on('interim', onSegment);
  session.on('final', onSegment);
  session.on('withdrawn', (segment) => onSegment({ ...segment, text: '' }));
  session.on('status', onProgress);
}

/** Rejects when there is no server: nobody waits minutes for one that was never there. Tells the other setbacks. */
function untilUnreachable(session: LiveSession, { onSetback }: TranscriptionListener): Promise<never> {
  let isReached = false;
  session.on('status', ({ connection }) => (isReached ||= connection === 'connected'));
  const unreachable = new Promise<never>((_, reject) => {
    session.on('setback', ({ error }) => {
      isReached ||= error.code !== 'UNREACHABLE';
      if (isReached) onSetback(error);
      else reject(error);
    });
  });
  unreachable.catch(() => undefined);
  return unreachable;
}

/** Writes the file's audio until its end, or until it is stopped. @throws VerbatimError what the session failed with */
async function sendFile(session: LiveSession, audio: AudioSource, speed: number, stop: AbortSignal): Promise<void> {
  const stopped = new Promise<void>((resolve) => {
    stop.addEventListener('abort', () => resolve(), { once: true });
  });
  const startedAt = performance.now();
  for (let sequence = 0; sequence < audio.chunkCount && !stop.aborted; sequence++) {
    // A chunk exists when its last sample does.
    if (speed !== Infinity) await pause(startedAt + audio.startMs(sequence + 1) / speed - performance.now(), stop);
    const bytes = await audio.chunk(sequence);
    if (stop.aborted) return;
    session.write(bytes);
    await Promise.race([session.drained(), stopped]);
  }
}

async function pause(milliseconds: number, stop: AbortSignal): Promise<void> {
  if (milliseconds <= 0) return;
  await delay(milliseconds, undefined, { signal: stop }).catch((error: unknown) => {
    if (!stop.aborted) throw error;
  });
}
