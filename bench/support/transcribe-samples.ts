import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { AudioFormat } from '../../src/audio/format.ts';
import type { ApiConnection } from '../../src/cli/api-connection.ts';
import { VerbatimError } from '../../src/client/errors.ts';
import { END_SESSION, endedSession, SEND_AUDIO, START_SESSION, startedSession } from './live-stream.ts';

const CHUNK_SAMPLES = 10 * 16_000;
const SEGMENTS = `subscription ($sessionId: ID!) {
  segmentAdded(sessionId: $sessionId, fromStart: true) { kind text startMs endMs } }`;
const segment = z.object({
  segmentAdded: z.object({ kind: z.enum(['INTERIM', 'FINAL']), text: z.string(), startMs: z.int(), endMs: z.int() }),
});

export interface Segment {
  readonly kind: 'INTERIM' | 'FINAL';
  readonly text: string;
  readonly startMs: number;
  readonly endMs: number;
}

/**
 * Sends samples (mono, 16 kHz, -1..1) as a session of its own, in chunks of 10 s.
 * @returns like `transcribeChunks`
 */
export async function transcribeSamples(connection: ApiConnection, samples: Float32Array): Promise<Segment[]> {
  const bytes = pcm16(samples);
  const chunkBytes = CHUNK_SAMPLES * 2;
  const chunks = Array.from({ length: Math.ceil(bytes.length / chunkBytes) }, (_, index) =>
    bytes.subarray(index * chunkBytes, (index + 1) * chunkBytes),
  );
  return await transcribeChunks(connection, { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 1 }, chunks);
}

/**
 * Sends chunks as a session of its own, each when the one before is acknowledged, and ends it at once after the last.
 * @returns its segments as they came: each version of its interims that was shown, and its finals.
 */
export async function transcribeChunks(
  connection: ApiConnection,
  audio: AudioFormat,
  chunks: readonly Buffer[],
): Promise<Segment[]> {
  const sessionId = await startWhenAdmitted(connection, audio);
  const segments: Segment[] = [];
  const followed = connection.subscribe(SEGMENTS, { sessionId }, segment, ({ segmentAdded }) => {
    segments.push(segmentAdded);
  });
  // Its failure is told when it is waited for.
  followed.catch(() => undefined);
  for (const [sequence, chunk] of chunks.entries()) {
    await connection.request(
      SEND_AUDIO,
      { input: { sessionId, sequence, audio: chunk.toString('base64') } },
      z.object({ sendAudio: z.object({ nextSequence: z.literal(sequence + 1) }) }),
    );
  }
  await connection.request(END_SESSION, { input: { sessionId, nextSequence: chunks.length } }, endedSession);
  await followed;
  return segments;
}

/** A server that has more to do than it can asks for a moment. @returns the session's id. */
async function startWhenAdmitted(connection: ApiConnection, audio: AudioFormat): Promise<string> {
  for (;;) {
    try {
      const { startSession } = await connection.request(START_SESSION, { input: { audio } }, startedSession);
      return startSession.session.id;
    } catch (error) {
      if (!(error instanceof VerbatimError) || error.code !== 'OVERLOADED') throw error;
      await delay(error.retryAfterMs ?? 1_000);
    }
  }
}

/** Samples (-1..1) as 16-bit integers, little-endian. */
function pcm16(samples: Float32Array): Buffer {
  const bytes = Buffer.alloc(samples.length * 2);
  for (const [index, sample] of samples.entries()) {
    bytes.writeInt16LE(Math.round(Math.max(-1, Math.min(1, sample)) * 32_767), index * 2);
  }
  return bytes;
}
