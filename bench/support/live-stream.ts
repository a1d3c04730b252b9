import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { bytesPerFrame, framesToMs } from '../../src/audio/format.ts';
import type { ApiConnection } from '../../src/cli/api-connection.ts';
import type { RecordedAudio } from './speech.ts';

/** Length of a chunk, in milliseconds. */
export const CHUNK_MS = 100;

export const START_SESSION = `mutation ($input: StartSessionInput!) { startSession(input: $input) { session { id } } }`;
export const SEND_AUDIO = `mutation ($input: SendAudioInput!) { sendAudio(input: $input) { nextSequence receivedMs backlogMs } }`;
export const END_SESSION = `mutation ($input: EndSessionInput!) { endSession(input: $input) { session { id } } }`;
export const SEGMENT_ADDED = `subscription ($sessionId: ID!) {
  segmentAdded(sessionId: $sessionId, fromStart: true) { id kind text stableLength startMs endMs revision cursor } }`;

export const startedSession = z.object({ startSession: z.object({ session: z.object({ id: z.string() }) }) });
export const endedSession = z.object({ endSession: z.object({ session: z.object({ id: z.string() }) }) });
const acknowledgement = z.object({ sendAudio: z.object({ nextSequence: z.int(), backlogMs: z.int() }) });
const addedSegment = z.object({
  segmentAdded: z.object({
    id: z.string(),
    kind: z.enum(['INTERIM', 'FINAL']),
    text: z.string(),
    stableLength: z.int(),
    startMs: z.int(),
    endMs: z.int(),
  }),
});

/** A version of a segment, and when it arrived. */
export interface SeenSegment {
  readonly id: string;
  readonly kind: 'INTERIM' | 'FINAL';
  readonly text: string;
  /** UTF-16 code units at the beginning of the text that later interims keep. */
  readonly stableLength: number;
  readonly startMs: number;
  readonly endMs: number;
  /** When it arrived, in milliseconds from the moment of the stream's first sample. */
  readonly seenMs: number;
}

export interface LiveStream {
  readonly audioMs: number;
  readonly segments: readonly SeenSegment[];
  /** When the end was asked for, in milliseconds from the first sample: finals after that were not waited for by silence. */
  readonly endedMs: number;
  /** What the acknowledgement of each chunk told, by sequence number. */
  readonly backlogsMs: readonly number[];
  /** When each chunk was sent, by sequence number, in milliseconds from the first sample. */
  readonly sentMs: readonly number[];
}

/**
 * Streams a recording as a microphone would: each chunk is sent when its last sample would exist, whether or not the one
 * before has been acknowledged.
 *
 * @param signal ends it at once
 * @throws VerbatimError
 */
export async function streamLive(
  connection: ApiConnection,
  { format, bytes }: RecordedAudio,
  signal: AbortSignal,
): Promise<LiveStream> {
  const { startSession } = await connection.request(START_SESSION, { input: { audio: format } }, startedSession);
  const sessionId = startSession.session.id;
  const segments: SeenSegment[] = [];
  const startedAt = performance.now();
  const sinceStart = () => performance.now() - startedAt;
  const followed = connection.subscribe(SEGMENT_ADDED, { sessionId }, addedSegment, ({ segmentAdded }) => {
    segments.push({ ...segmentAdded, seenMs: sinceStart() });
  });

  const chunkBytes = ((format.sampleRate * CHUNK_MS) / 1000) * bytesPerFrame(format);
  const chunks = Math.ceil(bytes.length / chunkBytes);
  const sentMs: number[] = [];
  const sending = async () => {
    const acknowledged: Promise<number>[] = [];
    for (let sequence = 0; sequence < chunks; sequence++) {
      await delay(Math.max(0, (sequence + 1) * CHUNK_MS - sinceStart()), undefined, { signal });
      const audio = bytes.subarray(sequence * chunkBytes, (sequence + 1) * chunkBytes).toString('base64');
      sentMs.push(sinceStart());
      acknowledged.push(
        connection
          .request(SEND_AUDIO, { input: { sessionId, sequence, audio } }, acknowledgement)
          .then(({ sendAudio }) => sendAudio.backlogMs),
      );
    }
    return await Promise.all(acknowledged);
  };
  // A subscription that fails while audio is sent ends the stream, too.
  const backlogsMs = await Promise.race([sending(), followed.then(() => endedTooSoon())]);
  const endedMs = sinceStart();
  await connection.request(END_SESSION, { input: { sessionId, nextSequence: chunks } }, endedSession);
  await followed;
  return {
    audioMs: framesToMs(bytes.length / bytesPerFrame(format), format.sampleRate),
    segments,
    endedMs,
    backlogsMs,
    sentMs,
  };
}

function endedTooSoon(): never {
  throw new Error('the subscription was completed before the session was ended');
}
