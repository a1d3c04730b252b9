import { z } from 'zod';
import type { ApiConnection } from '../../src/cli/api-connection.ts';
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
 * Sends samples (mono, 16 kHz, -1..1) as a session of its own, in chunks of 10 s, each when the one before is acknowledged, and
 * ends it at once after the last.
 * @returns its segments as they came: each version of its interims that was shown, and its finals.
 */
export async function transcribeSamples(connection: ApiConnection, samples: Float32Array): Promise<Segment[]> {
  const audio = { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 1 };
  const { startSession } = await connection.request(START_SESSION, { input: { audio } }, startedSession);
  const sessionId = startSession.session.id;
  const segments: Segment[] = [];
  const followed = connection.subscribe(SEGMENTS, { sessionId }, segment, ({ segmentAdded }) => {
    segments.push(segmentAdded);
  });
  const bytes = pcm16(samples);
  const chunkBytes = CHUNK_SAMPLES * 2;
  const chunks = Math.ceil(bytes.length / chunkBytes);
  for (let sequence = 0; sequence < chunks; sequence++) {
    const chunk = bytes.subarray(sequence * chunkBytes, (sequence + 1) * chunkBytes);
    await connection.request(
      SEND_AUDIO,
      { input: { sessionId, sequence, audio: chunk.toString('base64') } },
      z.object({ sendAudio: z.object({ nextSequence: z.literal(sequence + 1) }) }),
    );
  }
  await connection.request(END_SESSION, { input: { sessionId, nextSequence: chunks } }, endedSession);
  await followed;
  return segments;
}

/** Samples (-1..1) as 16-bit integers, little-endian. */
function pcm16(samples: Float32Array): Buffer {
  const bytes = Buffer.alloc(samples.length * 2);
  for (const [index, sample] of samples.entries()) {
    bytes.writeInt16LE(Math.round(Math.max(-1, Math.min(1, sample)) * 32_767), index * 2);
  }
  return bytes;
}
