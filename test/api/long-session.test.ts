import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { bytesPerFrame, framesToMs, type AudioFormat } from '../../src/audio/format.ts';
import { MULAW_AMPLITUDES } from '../../src/audio/g711.ts';
import { synthesiseToneSpeech } from '../../src/recognition/scripted/tone-speech.ts';
import { TONE_WORDS } from '../../src/recognition/scripted/tone-words.ts';
import type { GraphqlResult } from '../support/graphql-client.ts';
import { dataOf } from '../support/graphql-client.ts';
import { endSession, SEND, startSession, type Acknowledgement } from '../support/operations.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

/** Of the timeline, which has 16,000 samples a second, and of the speech detector, which hears 32 ms at a time. */
const TIMELINE_RATE = 16_000;
const DETECTOR_SAMPLES = 512;
const DETECTOR_MS = 32;
/** A word begins in the middle of a detector frame, so that it is plain which one hears it first; and one every 1.6 s. */
const WORD_OFFSET = 128;
const FRAMES_A_WORD = 50;
const FIRST_WORD_FRAME = 20;
/** An utterance begins so many detector frames before its first word, and ends so many behind that word's first one. */
const PRE_ROLL_FRAMES = 8;
const UTTERANCE_END_FRAMES = 12;
/** The scripted recogniser looks for words in steps of 5 ms. */
const WORD_STEP_MS = 5;
/** Each so manieth connection is lost before its answer has come. */
const LOST_CONNECTION = 10;

const LARGEST_CHUNK_BYTES = 2 ** 20;

const SESSION_TIME_MS = 120_000;

interface TimedSegment {
  readonly text: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly words: readonly { readonly startMs: number | null }[];
}

/** Audio with words at known places. */
interface Recording {
  readonly format: AudioFormat;
  readonly bytes: Buffer;
  /** The detector frame in which each word begins, and the source frame at which it does. */
  readonly words: readonly { readonly text: string; readonly detectorFrame: number; readonly sourceFrame: number }[];
}

function record(format: AudioFormat, words: number): Recording {
  const { sampleRate, encoding } = format;
  const seconds = ((FIRST_WORD_FRAME + words * FRAMES_A_WORD) * DETECTOR_SAMPLES) / TIMELINE_RATE;
  const samples = new Int16Array(Math.ceil(seconds * sampleRate));
  const placed = Array.from({ length: words }, (_, index) => {
    const text = TONE_WORDS[index % 60] ?? 'alpha';
    const detectorFrame = FIRST_WORD_FRAME + index * FRAMES_A_WORD;
    const sourceFrame = Math.ceil(((detectorFrame * DETECTOR_SAMPLES + WORD_OFFSET) * sampleRate) / TIMELINE_RATE);
    samples.set(synthesiseToneSpeech([text], sampleRate), sourceFrame);
    return { text, detectorFrame, sourceFrame };
  });
  const bytes = encoding === 'MULAW' ? Buffer.from(Array.from(samples, mulaw)) : bytesOf(samples);
  return { format, bytes, words: placed };
}

function bytesOf({ buffer, byteOffset, byteLength }: Int16Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

const MULAW_BYTES = new Map<number, number>();
/** The byte whose amplitude is nearest. */
function mulaw(sample: number): number {
  const known = MULAW_BYTES.get(sample);
  if (known !== undefined) return known;
  let nearest = 0;
  for (const [byte, amplitude] of MULAW_AMPLITUDES.entries()) {
    if (Math.abs(amplitude - sample) < Math.abs((MULAW_AMPLITUDES[nearest] ?? 0) - sample)) nearest = byte;
  }
  MULAW_BYTES.set(sample, nearest);
  return nearest;
}

/** A connection of its own for one or two chunks. @returns the chunks acknowledged before it ended. */
async function sendOverNewConnection(
  url: string,
  sessionId: string,
  firstSequence: number,
  chunks: readonly Buffer[],
  isLost: boolean,
): Promise<number> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  await once(socket, 'open');
  const acknowledged = once(socket, 'message');
  socket.send('{"type":"connection_init"}');
  await acknowledged;
  let answers = 0;
  const answered = new Promise<void>((resolve, reject) => {
    socket.on('message', (data: Buffer) => {
      const { type, payload } = JSON.parse(data.toString()) as {
        type: string;
        payload: GraphqlResult<{ sendAudio: Acknowledgement }>;
      };
      if (type !== 'next') return;
      try {
        const { sendAudio } = dataOf(payload);
        answers += 1;
        expect(sendAudio.nextSequence).toBeGreaterThanOrEqual(firstSequence + answers);
        if (answers === chunks.length) resolve();
      } catch (error) {
        reject(error);
      }
    });
  });
  for (const [index, chunk] of chunks.entries()) {
    const input = { sessionId, sequence: firstSequence + index, audio: chunk.toString('base64') };
    socket.send(
      JSON.stringify({ type: 'subscribe', id: String(index), payload: { query: SEND, variables: { input } } }),
    );
  }
  if (!isLost) await answered;
  socket.terminate();
  return answers;
}

/** Cuts the audio into `connections` parts of one or two chunks, all with odd numbers of frames but the very last. */
function cut({ bytes, format }: Recording, connections: number): Buffer[][] {
  const frameBytes = bytesPerFrame(format);
  const frames = bytes.length / frameBytes;
  const parts: Buffer[][] = [];
  let at = 0;
  const take = (count: number) => {
    const end = Math.min(frames, at + count);
    const chunk = bytes.subarray(at * frameBytes, end * frameBytes);
    at = end;
    return chunk;
  };
  // One chunk is half of this on average, and two are twice this.
  const most = Math.floor(frames / connections / 1.3);
  for (let index = 0; index < connections; index++) {
    // Lengths without a pattern; what is left over goes with the last one.
    const share = ((index * 7_919) % most) | 1;
    const isLast = index === connections - 1;
    const chunks = index % 2 === 0 ? [take(share)] : [take(share), take((2 * most - share) | 1)];
    parts.push((isLast ? [...chunks, take(frames)] : chunks).filter(({ length }) => length > 0));
  }
  return parts;
}

/** Pieces that a chunk may have, all of whole frames: its bytes are halved until they are few enough. */
function inHalves(bytes: Buffer): Buffer[] {
  if (bytes.length <= LARGEST_CHUNK_BYTES) return [bytes];
  const middle = Math.floor(bytes.length / 4) * 2;
  return [...inHalves(bytes.subarray(0, middle)), ...inHalves(bytes.subarray(middle))];
}

describe('times of a session', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer({ interimIntervalMs: 0 });
  });
  afterAll(() => server.stop());

  async function finalsOf(id: string): Promise<TimedSegment[]> {
    const { session } = await server.client.data<{ session: { segments: { edges: { node: TimedSegment }[] } } }>(
      'query ($id: ID!) { session(id: $id) { segments(first: 100) { edges { node { text startMs endMs words { startMs } } } } } }',
      { id },
    );
    return session.segments.edges.map(({ node }) => node);
  }

  async function send({ format }: Recording, parts: readonly Buffer[][]): Promise<{ id: string; receivedMs: number }> {
    const id = await startSession(server.client, { audio: format });
    let sequence = 0;
    for (const [index, chunks] of parts.entries()) {
      const isLost = index % LOST_CONNECTION === LOST_CONNECTION - 1;
      const acknowledged = await sendOverNewConnection(server.url, id, sequence, chunks, isLost);
      // Like any client that does not know: it sends again what was not answered.
      if (acknowledged < chunks.length) await sendOverNewConnection(server.url, id, sequence, chunks, false);
      sequence += chunks.length;
    }
    const { status, coverage, nextSequence } = await endSession(server.client, id, sequence);
    expect({ status, nextSequence }).toEqual({ status: 'COMPLETED', nextSequence: sequence });
    return { id, receivedMs: coverage.receivedMs };
  }

  it.each([
    ['PCM_S16LE', 44_100, 1_000],
    ['MULAW', 8_000, 250],
    ['PCM_S16LE', 48_000, 250],
    ['PCM_S16LE', 11_025, 250],
  ] as const)(
    '%s at %d Hz do not drift over %d lost connections: they are those of the audio, to the sample',
    async (encoding, sampleRate, connections) => {
      const recording = record({ encoding, sampleRate, channels: 1 }, 30);
      const frames = recording.bytes.length / bytesPerFrame(recording.format);
      const parts = cut(recording, connections);
      expect(parts.flat().reduce((sum, { length }) => sum + length, 0)).toBe(recording.bytes.length);
      const broken = await send(recording, parts);
      const whole = await send(recording, [inHalves(recording.bytes)]);

      expect(broken.receivedMs).toBe(framesToMs(frames, sampleRate));
      const finals = await finalsOf(broken.id);
      expect(finals).toEqual(await finalsOf(whole.id));
      expect(finals.map(({ text, startMs, endMs }) => ({ text, startMs, endMs }))).toEqual(
        recording.words.map(({ text, detectorFrame }) => ({
          text,
          startMs: (detectorFrame - PRE_ROLL_FRAMES) * DETECTOR_MS,
          endMs: (detectorFrame + UTTERANCE_END_FRAMES) * DETECTOR_MS,
        })),
      );
      for (const [index, { sourceFrame }] of recording.words.entries()) {
        const late = (finals[index]?.words[0]?.startMs ?? Infinity) - framesToMs(sourceFrame, sampleRate);
        expect(late).toBeGreaterThanOrEqual(0);
        expect(late).toBeLessThanOrEqual(WORD_STEP_MS);
      }
    },
    SESSION_TIME_MS,
  );
});
