import { WebSocket } from 'ws';
import { VerbatimClient, type LiveSession, type Segment, type VerbatimClientOptions } from '../../src/client/index.ts';

export const SPEECH_FORMAT = { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 1 } as const;

/** A client that comes back quickly. */
export function quickClient(url: string, options: Partial<VerbatimClientOptions> = {}): VerbatimClient {
  const { limits, ...others } = options;
  return new VerbatimClient({
    url,
    webSocket: WebSocket,
    limits: { firstRetryMs: 20, longestRetryMs: 200, ...limits },
    ...others,
  });
}

/** Everything that a session tells, from now on. */
export interface Told {
  readonly finals: Segment[];
  /** Interims that are neither final nor withdrawn. */
  readonly open: Map<string, Segment>;
  readonly setbacks: string[];
}

export function listenTo(session: LiveSession): Told {
  const told: Told = { finals: [], open: new Map(), setbacks: [] };
  session.on('interim', (segment) => told.open.set(segment.id, segment));
  session.on('withdrawn', ({ id }) => told.open.delete(id));
  session.on('final', (segment) => {
    told.open.delete(segment.id);
    told.finals.push(segment);
  });
  session.on('setback', ({ error }) => told.setbacks.push(error.code));
  return told;
}

/** What must be the same whatever happens on the way: all but the session's name. */
export function accountOf(finals: readonly Segment[]): object[] {
  return finals.map(({ sequence, text, startMs, endMs, avgConfidence, words }) => ({
    sequence,
    text,
    startMs,
    endMs,
    avgConfidence,
    words,
  }));
}

/** Sends everything at once over a connection that holds, and gives the finals. */
export async function transcribeUndisturbed(url: string, chunks: readonly Uint8Array[]): Promise<Segment[]> {
  const session = await quickClient(url).startSession({ audio: SPEECH_FORMAT });
  const { finals } = listenTo(session);
  for (const chunk of chunks) session.write(chunk);
  await session.end();
  return finals;
}
