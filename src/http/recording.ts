import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Recording, RecordingFormat, Recordings } from '../services/recordings/recordings.ts';
import { byteRangeOf } from './byte-range.ts';
import { RECORDING_FILES } from './recording-file.ts';
import { sendJson } from './responses.ts';

/**
 * `GET /sessions/:id/recording.wav` or `.m4a`: the session's sound as a file, or with `Range` a part of it, as players ask for to
 * jump. Sample n of the file is sample n of the timeline. Of a running session it is what was received up to now.
 *
 * @throws ServiceError
 */
export async function sendRecording(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  format: RecordingFormat,
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
  const id = parts.sessionIdOf(RECORDING_FILES[format].path.globalIdIn(url.pathname));
  const recording = await parts.recordings.open(id);
  try {
    await send(request, response, recording, format);
  } finally {
    recording.close();
  }
}

async function send(
  request: IncomingMessage,
  response: ServerResponse,
  recording: Recording,
  format: RecordingFormat,
): Promise<void> {
  const file = RECORDING_FILES[format].fileOf(recording);
  const { length } = file;
  // What was received never changes, so how much it is says which version it is.
  const etag = `"${recording.frames}"`;
  const ifRange = request.headers['if-range'];
  const asked = ifRange === undefined || ifRange === etag ? request.headers.range : undefined;
  const range = byteRangeOf(asked, length);
  response.setHeader('accept-ranges', 'bytes');
  response.setHeader('etag', etag);
  response.setHeader('cache-control', recording.isComplete ? 'private, no-cache' : 'no-store');
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
  const headers = { 'content-type': file.contentType, 'content-length': end - start };
  if (range === 'all') response.writeHead(200, headers);
  else response.writeHead(206, { ...headers, 'content-range': `bytes ${start}-${end - 1}/${length}` });
  if (request.method === 'GET') {
    // Not that of the response: a pipelined one never hears of its connection's end.
    const { socket } = response.req;
    for (let at = start; at < end && !socket.destroyed;) {
      const bytes = await file.read(at, end);
      at += bytes.length;
      if (!response.write(bytes)) await drained(response);
    }
  }
  response.end();
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
