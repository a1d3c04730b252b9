import type { Duplex } from 'node:stream';
import { STATUS_CODES } from 'node:http';
import { ServiceError } from '../services/errors.ts';
import { refusalBody } from './responses.ts';

interface Malformation {
  readonly status: number;
  readonly message: string;
}

const MALFORMED: Malformation = { status: 400, message: 'This is no HTTP/1.1 request.' };
/** By the codes of Node's parser and server. https://nodejs.org/api/errors.html */
const KNOWN: Readonly<Record<string, Malformation>> = {
  HPE_HEADER_OVERFLOW: { status: 431, message: 'The headers are too large: 16 KiB at most.' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, message: 'The extensions of a chunk of the body are too large.' },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    message: 'The request did not come to its end in time; nothing of it was taken: send it again.',
  },
};

/**
 * Answers what never became a whole request, and hangs up.
 *
 * @param isAnswering whether the client would take that for the answer to something else
 */
export function refuseMalformed(error: Error, socket: Duplex, isAnswering: boolean): void {
  const code = 'code' in error ? String(error.code) : '';
  if (!socket.writable || isAnswering || code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const { status, message } = KNOWN[code] ?? MALFORMED;
  // Node looks after it no longer: a client that does not hang up would keep its connection for ever.
  socket.once('finish', () => socket.destroy());
  socket.end(rawRefusal(status, new ServiceError('BAD_USER_INPUT', message)));
}

/** A refusal as it stands on the wire, for connections that Node has no response for. */
export function rawRefusal(status: number, error: ServiceError): string {
  const body = JSON.stringify(refusalBody(error));
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Refused'}`,
    'connection: close',
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}
