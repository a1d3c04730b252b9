import type { Answer } from './answers.ts';
import { toBase64 } from './base64.ts';
import type { SessionRequest } from './chunk-store.ts';
import type { Connection } from './connection.ts';
import { readSegment, SEGMENT_FIELDS, type Segment } from './segments.ts';
import type { NumberedItem } from './send-queue.ts';

const SESSION_STATUSES = ['ACTIVE', 'FINALIZING', 'COMPLETED', 'FAILED'] as const;
export type SessionStatus = (typeof SESSION_STATUSES)[number];

/** How a session stands at the server. */
export interface SessionState {
  readonly id: string;
  readonly status: SessionStatus;
  /** `CLIENT`, `IDLE_TIMEOUT`, `MAX_DURATION` or `FAILURE`; `null` while the session takes audio. */
  readonly endReason: string | null;
  /** The chunk expected next; all below are on stable storage. */
  readonly nextSequence: number;
  /** Length of the timeline, in milliseconds. */
  readonly receivedMs: number;
  /** Ids of the interims that are open. */
  readonly openInterims: readonly string[];
}

/** All below `nextSequence` is on stable storage. */
export interface Acknowledgement {
  readonly nextSequence: number;
  readonly receivedMs: number;
  /** Acknowledged audio that is still to be recognised, in milliseconds. */
  readonly backlogMs: number;
}

const STATE_FIELDS = `
  id status endReason nextSequence
  coverage { receivedMs }
  segments(kind: INTERIM, first: 100) { edges { node { id } } }`;
const START_SESSION = `mutation ($input: StartSessionInput!) { startSession(input: $input) { session {${STATE_FIELDS} } } }`;
const SESSION = `query ($id: ID!) { session(id: $id) {${STATE_FIELDS} } }`;
const SESSION_BY_NAME = `query ($externalId: String!) {
  sessions(first: 1, filter: { externalId: $externalId }) {
    edges { node { audioFormat { encoding sampleRate channels } ${STATE_FIELDS} } }
  }
}`;
const SEND_AUDIO = `mutation ($input: SendAudioInput!) { sendAudio(input: $input) { nextSequence receivedMs backlogMs } }`;
const SKIP_AUDIO = `mutation ($input: SkipAudioInput!) { skipAudio(input: $input) { nextSequence receivedMs backlogMs } }`;
const END_SESSION = `mutation ($input: EndSessionInput!) { endSession(input: $input) { session { id } } }`;
const SEGMENT_ADDED = `subscription ($sessionId: ID!, $after: String, $fromStart: Boolean!) {
  segmentAdded(sessionId: $sessionId, after: $after, fromStart: $fromStart) {${SEGMENT_FIELDS} }
}`;

export function startSession(connection: Connection, request: SessionRequest): Promise<SessionState> {
  const { encoding, sampleRate, channels } = request.audio;
  const input = { ...request, audio: { encoding, sampleRate, channels } };
  return connection.request(START_SESSION, { input }, (data) =>
    readState(data.object('startSession').object('session')),
  );
}

/** `null` when the server does not know the session. */
export function findSession(connection: Connection, id: string): Promise<SessionState | null> {
  return connection.request(SESSION, { id }, (data) => {
    const session = data.objectOrNull('session');
    return session === null ? null : readState(session);
  });
}

/** The session of this name, if it has the audio format that is asked for. */
export function findSessionLike(
  connection: Connection,
  { externalId, audio }: SessionRequest,
): Promise<SessionState | null> {
  return connection.request(SESSION_BY_NAME, { externalId }, (data) => {
    const session = data.object('sessions').list('edges')[0]?.object('node');
    if (session === undefined) return null;
    const format = session.object('audioFormat');
    const isAlike =
      format.string('encoding') === audio.encoding &&
      format.number('sampleRate') === audio.sampleRate &&
      format.number('channels') === audio.channels;
    return isAlike ? readState(session) : null;
  });
}

export function sendItem(connection: Connection, sessionId: string, item: NumberedItem): Promise<Acknowledgement> {
  const { sequence } = item;
  if (item.kind === 'gap') {
    const input = { sessionId, sequence, durationMs: item.durationMs };
    return connection.request(SKIP_AUDIO, { input }, (data) => readAcknowledgement(data.object('skipAudio')));
  }
  const input = { sessionId, sequence, audio: toBase64(item.bytes) };
  return connection.request(SEND_AUDIO, { input }, (data) => readAcknowledgement(data.object('sendAudio')));
}

/** @param nextSequence how many chunks were sent: the end is refused while some are missing. */
export async function endSession(connection: Connection, sessionId: string, nextSequence: number): Promise<void> {
  const input = { sessionId, nextSequence };
  await connection.request(END_SESSION, { input }, (data) => data.object('endSession').object('session').string('id'));
}

/** Resolves when the server has no more segments of the session. */
export function followSegments(
  connection: Connection,
  sessionId: string,
  position: { readonly after: string | null; readonly fromStart: boolean },
  onSegment: (segment: Segment) => void,
): Promise<void> {
  return connection.subscribe(SEGMENT_ADDED, { sessionId, ...position }, readSegmentAdded, onSegment);
}

function readSegmentAdded(data: Answer): Segment {
  return readSegment(data.object('segmentAdded'));
}

function readState(session: Answer): SessionState {
  return {
    id: session.string('id'),
    status: session.oneOf('status', SESSION_STATUSES),
    endReason: session.stringOrNull('endReason'),
    nextSequence: session.number('nextSequence'),
    receivedMs: session.object('coverage').number('receivedMs'),
    openInterims: session
      .object('segments')
      .list('edges')
      .map((edge) => edge.object('node').string('id')),
  };
}

function readAcknowledgement(payload: Answer): Acknowledgement {
  return {
    nextSequence: payload.number('nextSequence'),
    receivedMs: payload.number('receivedMs'),
    backlogMs: payload.number('backlogMs'),
  };
}
