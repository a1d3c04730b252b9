import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ErrorCode, ServiceError } from '../services/errors.ts';

const STATUS: Record<ErrorCode, number> = {
  BAD_USER_INPUT: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  SESSION_NOT_ACTIVE: 409,
  SESSION_CONFLICT: 409,
  AUDIO_OUT_OF_ORDER: 409,
  AUDIO_CONFLICT: 409,
  AUDIO_TOO_LARGE: 413,
  AUDIO_MALFORMED: 422,
  RATE_LIMITED: 429,
  INTERNAL_SERVER_ERROR: 500,
  DATABASE_UNAVAILABLE: 503,
  OVERLOADED: 503,
  STORAGE_FULL: 507,
};

/** Ends the response with JSON. */
export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': bytes.byteLength,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(bytes);
}

/** The HTTP status that says about the same as an error's code. */
export function statusOf(error: ServiceError): number {
  return STATUS[error.code];
}

/** A refusal as it is told over HTTP: `{ error: { code, message, … } }`. */
export function refusalBody({ code, message, details }: ServiceError): { error: Record<string, unknown> } {
  return { error: { code, message, ...details } };
}

/** Ends the response with a refusal, and the connection when the request's body has not been read. */
export function sendRefusal(
  request: IncomingMessage,
  response: ServerResponse,
  error: ServiceError,
  status = statusOf(error),
): void {
  if (!request.complete) response.setHeader('connection', 'close');
  if (error.code === 'UNAUTHENTICATED') response.setHeader('www-authenticate', 'Bearer');
  if (error.details.retryAfterMs !== undefined) {
    response.setHeader('retry-after', Math.ceil(error.details.retryAfterMs / 1000));
  }
  sendJson(response, status, refusalBody(error));
}
