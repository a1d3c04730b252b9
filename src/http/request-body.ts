import type { IncomingMessage } from 'node:http';
import { ServiceError } from '../services/errors.ts';

/** The client went away in the middle of its request; there is nobody to answer. */
export class RequestAbortedError extends Error {
  override readonly name = 'RequestAbortedError';
}

/**
 * Reads a request's whole body.
 * @throws what `tooLarge` makes as soon as it is longer than `maxBytes`, without reading on
 * @throws RequestAbortedError when it stops half-way
 */
export async function readBody(
  request: IncomingMessage,
  maxBytes: number,
  tooLarge: () => ServiceError,
): Promise<Buffer> {
  if (Number(request.headers['content-length']) > maxBytes) throw tooLarge();
  const pieces: Buffer[] = [];
  let length = 0;
  try {
    for await (const piece of request.iterator({ destroyOnReturn: false })) {
      if (!Buffer.isBuffer(piece)) throw new TypeError('The request is being read as text');
      length += piece.byteLength;
      if (length > maxBytes) throw tooLarge();
      pieces.push(piece);
    }
  } catch (error) {
    if (error instanceof ServiceError) throw error;
    throw new RequestAbortedError('The client left in the middle of a request', { cause: error });
  }
  if (!request.complete) throw new RequestAbortedError('The client left in the middle of a request');
  return Buffer.concat(pieces, length);
}
