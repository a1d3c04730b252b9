import type { IncomingMessage, ServerResponse } from 'node:http';
import { wavHeader } from '../audio/wav.ts';
import type { Recording, Recordings } from '../services/recordings/recordings.ts';
import { byteRangeOf, type ByteRange } from './byte-range.ts';
import { sendJson } from './responses.ts';
import { SessionPath } from './session-path.ts';

export const RECORDING_PATH = new SessionPath('recording.wav');
/** Read at a time; a player that stops does not read on. */
const PART_SECONDS = 1;
const BYTES_PER_SAMPLE = 2;

/**
 * `GET /sessions/:id/recording.wav`: the session's sound as a WAV file, or with `Range` a part of it, as players ask for to jump.
 * Sample n of the file is sample n of the timeline. Of a running session it is what was received up to now.
 *
 * @throws ServiceError
 */
export async function sendRecording(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  parts: {
    readonly recordings: Recordings;
    /** Milliseconds that a player may take to read on; those that paused come back with a range. */
    readonly slowReaderLimitMs: number;
    /** The session that a global id names. @throws ServiceError `BAD_USER_INPUT` */
    readonly sessionIdOf: (globalId: string) => string;
  },
): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    sendJson(response, 405, { error: { code: 'BAD_USER_INPUT', message: 'Fetch a recording with GET.' } });
    return;
  }
  response.setTimeout(parts.slowReaderLimitMs);
  const id = parts.sessionIdOf(RECORDING_PATH.globalIdIn(url.pathname));
  const recording = await parts.recordings.open(id);
  try {
    await send(request, response, recording);
  } finally {
    recording.close();
  }
}

async function send(request: IncomingMessage, response: ServerResponse, recording: Recording): Promise<void> {
  const { sampleRate, channels, frames, isComplete } = recording;
  const dataBytes = frames * channels * BYTES_PER_SAMPLE;
  const header = wavHeader({ encoding: 'PCM_S16LE', sampleRate, channels }, dataBytes);
  const length = header.length + dataBytes;
  // What was received never changes, so the length says which version it is.
  const etag = `"${length}"`;
  const ifRange = request.headers['if-range'];
  const asked = ifRange === undefined || ifRange === etag ? request.headers.range : undefined;
  const range = byteRangeOf(asked, length);
  response.setHeader('accept-ranges', 'bytes');
  response.setHeader('etag', etag);
  response.setHeader('cache-control', isComplete ? 'private, no-cache' : 'no-store');
  response.setHeader('x-content-type-options', 'nosniff');
  if (range === 'none') {
    response.writeHead(416, { 'content-range': `bytes */${length}`, 'content-length': 0 }).end();
    return;
  }
  if (range === 'all' && request.headers['if-none-match'] === etag) {
    response.writeHead(304).end();
    return;
  }
  const { start, end } = range === 'all' ? { start: 0, end: length } : range;
  const headers = { 'content-type': 'audio/wav', 'content-length': end - start };
  if (range === 'all') response.writeHead(200, headers);
  else response.writeHead(206, { ...headers, 'content-range': `bytes ${start}-${end - 1}/${length}` });
  if (request.method === 'GET') await sendBytes(response, header, recording, { start, end });
  response.end();
}

async function sendBytes(
  response: ServerResponse,
  header: Uint8Array,
  recording: Recording,
  { start, end }: ByteRange,
): Promise<void> {
  const { sampleRate, channels } = recording;
  if (start < header.length) response.write(header.subarray(start, Math.min(end, header.length)));
  const frameBytes = channels * BYTES_PER_SAMPLE;
  const partBytes = PART_SECONDS * sampleRate * frameBytes;
  let at = Math.max(0, start - header.length);
  const last = end - header.length;
  // Not that of the response: a pipelined one never hears of its connection's end.
  const { socket } = response.req;
  while (at < last && !socket.destroyed) {
    const fromFrame = Math.floor(at / frameBytes);
    const partEnd = Math.min(last, at + partBytes);
    const bytes = await recording.read(fromFrame, Math.ceil(partEnd / frameBytes) - fromFrame);
    const skipped = at - fromFrame * frameBytes;
    at = partEnd;
    if (!response.write(bytes.subarray(skipped, skipped + partEnd - fromFrame * frameBytes - skipped))) {
      await drained(response);
    }
  }
}

/** Resolves when the response takes more, or is over. */
function drained(response: ServerResponse): Promise<void> {
  const { socket } = response.req;
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done);
      socket.off('close', done);
      resolve();
    };
    response.once('drain', done);
    socket.once('close', done);
    // It may have ended during the read, and says so only once.
    if (socket.destroyed) done();
  });
}
