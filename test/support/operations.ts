import { synthesiseToneSpeech, type ToneSpeechPart } from '../../src/recognition/scripted/tone-speech.ts';
import type { GraphqlClient, GraphqlResult } from './graphql-client.ts';
import { dataOf } from './graphql-client.ts';

export interface SegmentView {
  readonly id: string;
  readonly sequence: number | null;
  readonly revision: number;
  readonly kind: 'INTERIM' | 'FINAL';
  readonly text: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly avgConfidence: number | null;
  readonly channel: number;
  readonly speaker: string | null;
  readonly cursor: string | null;
}

export interface Acknowledgement {
  readonly nextSequence: number;
  readonly receivedMs: number;
  readonly backlogMs: number;
  readonly duplicate: boolean;
}

export interface SessionView {
  readonly id: string;
  readonly status: string;
  readonly endReason: string | null;
  readonly nextSequence: number;
  readonly statistics: { readonly totalSegments: number; readonly wordCount: number };
  readonly coverage: Readonly<
    Record<'receivedMs' | 'transcribedMs' | 'silenceMs' | 'gapMs' | 'failedMs' | 'pendingMs', number>
  >;
}

const SESSION_FIELDS = `
  id status endReason nextSequence
  statistics { totalSegments wordCount }
  coverage { receivedMs transcribedMs silenceMs gapMs failedMs pendingMs }`;
export const SEGMENT_FIELDS = 'id sequence revision kind text startMs endMs avgConfidence channel speaker cursor';

export const START = `mutation ($input: StartSessionInput!) { startSession(input: $input) { session { ${SESSION_FIELDS} } } }`;
export const SEND = `mutation ($input: SendAudioInput!) { sendAudio(input: $input) { nextSequence receivedMs backlogMs duplicate } }`;
export const SKIP = `mutation ($input: SkipAudioInput!) { skipAudio(input: $input) { nextSequence receivedMs backlogMs duplicate } }`;
export const END = `mutation ($input: EndSessionInput!) { endSession(input: $input) { session { ${SESSION_FIELDS} } } }`;
const SESSION = `query ($id: ID!) { session(id: $id) { ${SESSION_FIELDS} } }`;
export const SEGMENT_ADDED = `subscription ($sessionId: ID!, $after: String, $fromStart: Boolean) {
  segmentAdded(sessionId: $sessionId, after: $after, fromStart: $fromStart) { ${SEGMENT_FIELDS} } }`;

const SAMPLE_RATE = 16_000;

/** Tone words as 16-bit mono at 16 kHz, in chunks of `chunkMs`. */
export function speechChunks(script: readonly ToneSpeechPart[], chunkMs = 100): Buffer[] {
  const samples = synthesiseToneSpeech(script, SAMPLE_RATE);
  const bytes = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
  const size = (SAMPLE_RATE * 2 * chunkMs) / 1000;
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );
}

export async function startSession(client: GraphqlClient, input: object = {}): Promise<string> {
  const { startSession: payload } = await client.data<{ startSession: { session: SessionView } }>(START, { input });
  return payload.session.id;
}

/** Sends chunks from `firstSequence` on over the WebSocket, all at once; returns the last acknowledgement. */
export async function sendChunks(
  client: GraphqlClient,
  sessionId: string,
  chunks: readonly Buffer[],
  firstSequence = 0,
): Promise<Acknowledgement> {
  const answers = await Promise.all(
    chunks.map((chunk, index) => sendChunk(client, sessionId, firstSequence + index, chunk)),
  );
  const last = answers.at(-1);
  if (last === undefined) throw new Error('No chunk to send');
  return dataOf(last).sendAudio;
}

export function sendChunk(
  client: GraphqlClient,
  sessionId: string,
  sequence: number,
  chunk: Buffer,
): Promise<GraphqlResult<{ sendAudio: Acknowledgement }>> {
  return client.overSocket(SEND, { input: { sessionId, sequence, audio: chunk.toString('base64') } });
}

export async function endSession(
  client: GraphqlClient,
  sessionId: string,
  nextSequence?: number,
): Promise<SessionView> {
  const { endSession: payload } = await client.data<{ endSession: { session: SessionView } }>(END, {
    input: { sessionId, nextSequence },
  });
  return payload.session;
}

export async function readSession(client: GraphqlClient, id: string): Promise<SessionView> {
  const { session } = await client.data<{ session: SessionView | null }>(SESSION, { id });
  if (session === null) throw new Error(`There is no session ${id}`);
  return session;
}

/** What `segmentAdded` delivers until it completes. */
export async function collectSegments(
  client: GraphqlClient,
  sessionId: string,
  options: { readonly after?: string; readonly fromStart?: boolean } = {},
): Promise<SegmentView[]> {
  const segments: SegmentView[] = [];
  for await (const { segmentAdded } of client.events<{ segmentAdded: SegmentView }>(SEGMENT_ADDED, {
    sessionId,
    ...options,
  })) {
    segments.push(segmentAdded);
  }
  return segments;
}

export function finalsOf(segments: readonly SegmentView[]): SegmentView[] {
  return segments.filter(({ kind }) => kind === 'FINAL');
}

export function textsOf(segments: readonly SegmentView[]): string[] {
  return segments.map(({ text }) => text);
}
