import { SEND, SKIP, type Acknowledgement } from '../../support/operations.ts';
import type { Connection, Way } from './connection.ts';
import type { RecordingItem } from './recording.ts';

/** Sends one item by GraphQL (over a WebSocket or HTTP), or its bytes as they are. @throws like `Connection.request` */
export async function transmit(
  connection: Connection,
  way: Way | 'raw',
  sessionId: string,
  sequence: number,
  item: RecordingItem | undefined,
): Promise<Acknowledgement> {
  if (item === undefined) throw new RangeError(`There is no chunk ${sequence}`);
  // Only audio has a way of its own.
  const graphqlWay = way === 'raw' ? 'http' : way;
  if (item.kind === 'skip') {
    const input = { sessionId, sequence, durationMs: item.durationMs };
    return (await connection.request<{ skipAudio: Acknowledgement }>(SKIP, { input }, graphqlWay)).skipAudio;
  }
  if (way === 'raw') return await connection.postAudio(sessionId, sequence, item.bytes);
  const input = { sessionId, sequence, audio: item.bytes.toString('base64') };
  return (await connection.request<{ sendAudio: Acknowledgement }>(SEND, { input }, graphqlWay)).sendAudio;
}
