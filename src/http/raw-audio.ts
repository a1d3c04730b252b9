import type { IncomingMessage, ServerResponse } from 'node:http';
import { ServiceError } from '../services/errors.ts';
import type { AudioIntake } from '../services/audio-intake.ts';
import { readBody } from './request-body.ts';
import { sendJson } from './responses.ts';
import { SessionPath } from './session-path.ts';

export const RAW_AUDIO_PATH = new SessionPath('audio');

/**
 * `POST /sessions/:id/audio?sequence=N`: a chunk as raw bytes, by the rules of the mutation `sendAudio`. Answers
 * `{ nextSequence, receivedMs, backlogMs, duplicate }`.
 *
 * @throws ServiceError
 * @throws RequestAbortedError when the body stops half-way: nothing was stored
 */
export async function receiveRawAudio(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  {
    audio,
    maxChunkBytes,
    sessionIdOf,
  }: {
    readonly audio: AudioIntake;
    readonly maxChunkBytes: number;
    /** The session that a global id names. @throws ServiceError `BAD_USER_INPUT` */
    readonly sessionIdOf: (globalId: string) => string;
  },
): Promise<void> {
  if (request.method !== 'POST') {
    response.setHeader('allow', 'POST');
    sendJson(response, 405, { error: { code: 'BAD_USER_INPUT', message: 'Send audio with POST.' } });
    return;
  }
  if (!isBinary(request.headers['content-type'])) {
    const message = 'Send audio with "Content-Type: application/octet-stream".';
    response.setHeader('connection', 'close');
    sendJson(response, 415, { error: { code: 'BAD_USER_INPUT', message } });
    return;
  }
  const id = sessionIdOf(RAW_AUDIO_PATH.globalIdIn(url.pathname));
  const sequence = sequenceIn(url);
  const bytes = await readBody(request, maxChunkBytes, () => {
    const message = `A chunk may have ${maxChunkBytes} bytes at most: send it in smaller chunks.`;
    return new ServiceError('AUDIO_TOO_LARGE', message);
  });
  const { nextSequence, receivedMs, backlogMs, duplicate } = await audio.send(id, sequence, bytes);
  sendJson(response, 200, { nextSequence, receivedMs, backlogMs, duplicate });
}

/** A form of another site can send text and form data without being asked, but neither of these. */
function isBinary(contentType: string | undefined): boolean {
  return /^(application\/octet-stream|audio\/[\w.+-]+) *(;|$)/iu.test(contentType ?? '');
}

function sequenceIn(url: URL): number {
  const text = url.searchParams.get('sequence') ?? '';
  const sequence = Number(text);
  if (!/^\d{1,10}$/u.test(text) || sequence > 0x7fff_ffff) {
    throw new ServiceError('BAD_USER_INPUT', 'Give the number of the chunk: ?sequence=N, counted from 0.');
  }
  return sequence;
}
